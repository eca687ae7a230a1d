"""What a dream will take, said before and measured after."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxdream import Dreamer, Machine
from onnxdream.demand import Demand, activation_bytes, check_memory, spelled
from onnxdream.errors import OutOfMemoryError
from onnxdream.network import load
from onnxdream.runtime import accelerated_lowering

NETWORKS = ["squeezenet", "efficientnet-lite0"]
LOWERINGS = ["portable", "accelerated"]

MEASURE = """
import logging, re, sys
import numpy as np
import onnxdream

network, lowering = sys.argv[1:]
said = []
class Said(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
logging.getLogger("onnxdream").addHandler(Said())
logging.getLogger("onnxdream").setLevel("INFO")

def status(name):
    text = open("/proc/self/status").read()
    return int(re.search(name + r":\\s+(\\d+) kB", text)[1]) * 1024

machine = onnxdream.Machine(threads=1, lowering=lowering)
dreamer = onnxdream.Dreamer(network, machine=machine)
pixels = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), np.uint8)
dreamer.dream(pixels[:64, :64], octaves=1, steps=1)
before = status("VmRSS") - pixels.nbytes
dreamer.dream(pixels, octaves=1, steps=2, size="full")
amount, unit = re.findall(r"takes about ([\\d.]+) (\\w+) of memory", "\\n".join(said))[-1]
print(float(amount) * {"MB": 1e6, "GB": 1e9}[unit], status("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process")
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("lowering", LOWERINGS)
def test_an_estimate_is_within_twice_of_what_is_taken(network, lowering):
    if lowering == "accelerated" and accelerated_lowering() is None:
        pytest.skip("the compiled operators do not work here")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, network, lowering],
        capture_output=True,
        text=True,
        check=True,
    )
    said, taken = map(float, done.stdout.split())
    assert taken / 2 <= said <= 2 * taken


@pytest.mark.parametrize("lowering", LOWERINGS)
def test_deeper_layers_take_more(lowering):
    graph = load("squeezenet").graph
    found = [activation_bytes(graph, [f"fire{n}/concat"], lowering) for n in (2, 5, 8)]
    assert 0 < found[0] < found[1] < found[2]


sides = st.integers(1, 6000)


@given(
    full=st.tuples(sides, sides),
    step=st.floats(0, 10_000),
    depth=st.integers(6, 40),
    least=st.integers(1, 300),
    usable=st.integers(1, 1 << 34),
    size=st.one_of(st.just("full"), st.integers(64, 6000)),
)
def test_the_size_that_is_named_passes(full, step, depth, least, usable, size):
    demand = Demand(full, step, depth, least)
    try:
        check_memory(usable, demand, size)
    except OutOfMemoryError as error:
        assert demand.bytes_at(size) > usable
        assert f"{spelled(usable)} may be used" in str(error)
        fitting = demand.fitting(usable)
        if fitting is None:
            assert "shrink the picture" in str(error)
        else:
            assert f"at a size of {fitting} pixels" in str(error)
            check_memory(usable, demand, fitting)
    else:
        assert demand.bytes_at(size) <= usable


def test_nothing_is_refused_where_nothing_limits_it():
    check_memory(None, Demand((10**6, 10**6), 1e4, 10), "full")


@pytest.mark.parametrize("lowering", LOWERINGS)
def test_a_dreamer_refuses_before_the_first_step(lowering):
    if lowering == "accelerated" and accelerated_lowering() is None:
        pytest.skip("the compiled operators do not work here")
    picture = np.zeros((600, 900, 3), np.uint8)
    machine = Machine(memory=150_000_000, lowering=lowering)
    with Dreamer("squeezenet", machine=machine) as dreamer:
        with pytest.raises(OutOfMemoryError, match=r"not enough memory.* 150 MB may be") as caught:
            dreamer.dream(picture, progress=lambda _: pytest.fail("a step was taken"), size="full")
        size = int(str(caught.value).split("at a size of ")[1].split()[0])
        assert 64 <= size < 900
        dreamer.dream(picture, steps=1, octaves=1, size=size)


def test_the_most_pixels_of_a_machine_are_held():
    picture = np.zeros((60, 90, 3), np.uint8)
    with Dreamer("squeezenet", machine=Machine(max_pixels=60 * 90 - 1)) as dreamer:
        from onnxdream.errors import ImageTooLargeError

        with pytest.raises(ImageTooLargeError, match="90 × 60 pixels, more than 5399"):
            dreamer.dream(picture)
