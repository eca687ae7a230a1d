"""When memory runs out: in Python, in NumPy, in C++."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from onnxdream import Dreamer
from onnxdream.errors import BackendError, OutOfMemoryError
from onnxdream.memory import enough_memory, tells_of_memory
from onnxdream.runtime.session import run_error

needs_limits = pytest.mark.skipif(sys.platform != "linux", reason="about the limits of Linux")

LIMITED = """
import resource, sys
import numpy as np
import onnxdream
from onnxdream import images
from onnxdream.errors import OutOfMemoryError

def limit(mebibytes):
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    most = used + (mebibytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))

def fails(function, *arguments, **settings):
    try:
        function(*arguments, **settings)
    except OutOfMemoryError as error:
        assert "not enough memory" in str(error), error
        assert "onnxdream: " not in str(error)
        print(error)
    else:
        sys.exit("it did not fail")
"""

CASES = {
    "reading": """
pixels = np.zeros((2000, 2000, 3), np.uint8)
limit(5)
fails(images.read, pixels)
""",
    "decoding": """
import io
from PIL import Image
content = io.BytesIO()
Image.new("RGB", (4000, 4000)).save(content, "PNG")
Image.new("RGB", (4, 4)).save(io.BytesIO(), "PNG")
limit(40)
fails(images.read, content.getvalue())
""",
    "writing": """
import io
picture = images.Picture(np.zeros((2000, 2000, 3), np.float32))
images.write(images.Picture(np.zeros((2, 2, 3), np.float32)), io.BytesIO())
limit(20)
fails(images.write, picture, io.BytesIO())
""",
    "dreaming": """
dreamer = onnxdream.Dreamer("squeezenet", machine=onnxdream.Machine(threads=1))
pixels = np.random.default_rng(0).random((64, 64, 3), np.float32)
dreamer.dream_array(pixels, steps=1, octaves=1)
dreamer.gradient(pixels)
large = np.random.default_rng(0).random((1500, 1500, 3), np.float32)
limit(100)
fails(dreamer.dream_array, large, steps=1, octaves=1, size="full")
fails(dreamer.gradient, large)
dreamer.dream_array(pixels, steps=1, octaves=1)
""",
}


@needs_limits
@pytest.mark.parametrize("kind", CASES)
def test_it_is_an_error_of_ours(kind):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED + CASES[kind]], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("std::bad_alloc", "memory; "),
        ("bfc_arena.cc Failed to allocate memory for requested buffer of size 1073741824", "1024"),
        ("Available memory of 5 is smaller than requested bytes of 2097152", "2 MiB"),
    ],
)
def test_a_run_of_onnx_runtime_without_memory(text, wanted):
    error = run_error(RuntimeError(f"[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : {text}"))
    assert isinstance(error, OutOfMemoryError)
    assert isinstance(error, MemoryError)
    assert wanted in str(error)
    assert "fewer threads" in str(error)


def test_another_failure_is_none_of_memory():
    assert isinstance(run_error(RuntimeError("Non-zero status code")), BackendError)
    assert not tells_of_memory(ValueError("5 is not 6"))


def test_how_much_was_wanted_is_said():
    with (
        pytest.raises(OutOfMemoryError, match=r"It fails: .* 8\.00 TiB more were wanted; rest\."),
        enough_memory("It fails", "rest"),
    ):
        raise MemoryError("Unable to allocate 8.00 TiB for an array with shape (1,)")


def test_what_a_callback_raises_reaches_the_caller():
    def stop(_):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"), Dreamer("squeezenet") as dreamer:
        dreamer.dream(np.zeros((64, 64, 3), np.uint8), steps=1, octaves=1, progress=stop)
