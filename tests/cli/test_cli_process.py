"""What shows only in a process of its own: pipes, signals, and what is loaded."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image
from small import HEIGHT, WIDTH

from onnxdream.cli import main

PROGRAM = [sys.executable, "-m", "onnxdream"]

# As it is for users, whatever the tests run under.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}

posix = pytest.mark.skipif(sys.platform == "win32", reason="about POSIX signals and devices")


def quick(network: Path) -> list[str]:
    return ["--network", str(network), "--layer", "second", "--channels", "RGB"]


def loaded_by(code: str) -> set[str]:
    """The modules that a program has loaded at its end."""
    code += "\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


def test_importing_is_light() -> None:
    assert not {"onnx", "onnxruntime", "numpy", "PIL"} & loaded_by("import onnxdream")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["dream", "--help"]])
def test_answering_at_once_loads_nothing_heavy(arguments: list[str]) -> None:
    loaded = loaded_by(f"from onnxdream.cli import main; main({arguments})")
    assert "onnxdream.cli.program" in loaded
    assert not {"onnx", "onnxruntime", "numpy", "PIL", "tqdm", "logging"} & loaded


def test_a_picture_flows_through(photo: Path, network: Path) -> None:
    command = [*PROGRAM, "dream", "-", "-o", "-", "--steps", "1", *quick(network)]
    done = subprocess.run(command, input=photo.read_bytes(), capture_output=True, check=True)
    image = Image.open(io.BytesIO(done.stdout))
    assert (image.format, image.size) == ("PNG", (WIDTH, HEIGHT))
    assert b"octave" in done.stderr


@posix
@pytest.mark.parametrize(("closed", "name"), [("<&-", "input"), (">&-", "output")])
def test_a_standard_stream_that_is_closed(closed: str, name: str, photo: Path) -> None:
    line = f'exec "$@" {closed}'
    photo_or_pipe = "-" if name == "input" else str(photo)
    command = [*PROGRAM, "dream", photo_or_pipe, "-o", "-"]
    done = subprocess.run(
        ["sh", "-c", line, "sh", *command], capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"onnxdream: There is no standard {name}: it is closed.\n"


@posix
def test_without_standard_error_nothing_is_said() -> None:
    command = [*PROGRAM, "dream", "nothing.jpg"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", *command], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


@posix
@pytest.mark.parametrize("error", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize("output", ["", ">&-"])
def test_a_bar_that_cannot_be_shown_loses_no_dream(
    error: str, output: str, photo: Path, network: Path, tmp_path: Path
) -> None:
    if "full" in error and not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    path = tmp_path / "out.png"
    # Without a description of how it is fed, a warning is to be said, too.
    fed = ["--network", str(network), "--layer", "second", "--steps", "1"]
    command = [*PROGRAM, "dream", str(photo), "-v", "-o", str(path), *fed]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {output} {error}', "sh", *command], check=False, env=BUFFERED
    )
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == [path]
    with Image.open(path) as image:
        assert image.size == (WIDTH, HEIGHT)


@posix
def test_a_reader_of_the_bar_that_goes_away_loses_no_dream(
    photo: Path, network: Path, tmp_path: Path
) -> None:
    path = tmp_path / "out.png"
    with subprocess.Popen(
        [*PROGRAM, "dream", str(photo), "-o", str(path), "--steps", "1", *quick(network)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=BUFFERED,
    ) as process:
        assert process.stderr is not None
        process.stderr.close()
    assert process.returncode == 0
    assert path.exists()


def test_a_setting_of_the_bar_that_makes_no_sense_loses_no_dream(
    photo: Path, network: Path, tmp_path: Path
) -> None:
    path = tmp_path / "out.png"
    done = subprocess.run(
        [*PROGRAM, "dream", str(photo), "-o", str(path), "--steps", "1", *quick(network)],
        env={**os.environ, "TQDM_MININTERVAL": "abc"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert path.exists()
    assert done.stderr.startswith("onnxdream: No progress is shown")


def test_nothing_on_standard_input(network: Path) -> None:
    command = [*PROGRAM, "dream", "-", *quick(network)]
    done = subprocess.run(command, input=b"", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"onnxdream: ")
    assert done.stderr.count(b"\n") == 1


@posix
@pytest.mark.parametrize("picture", [False, True])
def test_a_reader_that_goes_away_is_no_news(picture: bool, photo: Path, network: Path) -> None:
    arguments = ["dream", str(photo), "-qo", "-", *quick(network)] if picture else ["networks"]
    with subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=BUFFERED
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("picture", [False, True])
def test_a_full_disk_behind_standard_output(picture: bool, photo: Path, network: Path) -> None:
    arguments = ["dream", str(photo), "-qo", "-", *quick(network)] if picture else ["networks"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, env=BUFFERED, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"onnxdream: ")
    assert done.stderr.count(b"\n") == 1


SIGNALS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}


@posix
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_leaves_everything_as_it_was(
    name: str, photo: Path, network: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.png"
    output.write_bytes(b"mine")
    with subprocess.Popen(
        [*PROGRAM, "dream", str(photo), "-o", str(output), "--steps", "100000", *quick(network)],
        stderr=subprocess.PIPE,
        # A shell that runs the tests in the background makes them deaf to it.
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        shown = process.stderr.read(len("octave"))
        process.send_signal(getattr(signal, name))
        rest = process.stderr.read()
    assert process.returncode == SIGNALS[name]
    assert shown.strip() in b"octave"
    assert rest.endswith(b"onnxdream: stopped\n")
    assert b"Traceback" not in rest
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]


WRITING = """
import os, sys
def wait(descriptor):
    print("writing", flush=True)
    sys.stdin.read()
os.fsync = wait
from onnxdream.cli import main
sys.exit(main(sys.argv[1:]))
"""


@posix
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_while_a_file_is_written_leaves_nothing_behind(
    name: str, photo: Path, network: Path, tmp_path: Path
) -> None:
    command = ["dream", str(photo), "-qo", str(tmp_path / "out.png"), "--steps", "1"]
    with subprocess.Popen(
        [sys.executable, "-c", WRITING, *command, *quick(network)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(getattr(signal, name))
        assert process.stderr.read() == b"onnxdream: stopped\n"
    assert process.returncode == SIGNALS[name]
    assert not list(tmp_path.iterdir())


@posix
def test_whoever_is_deaf_to_a_signal_stays_so() -> None:
    code = """
import signal
from onnxdream.cli.door import attended
# A shell that runs the tests in the background makes them deaf to it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
own = lambda *_: None
signal.signal(signal.SIGTERM, own)
def program():
    print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, end=" ")
    print(signal.getsignal(signal.SIGTERM) is own, end=" ")
    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, end=" ")
    return 5
print(attended(program), signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True False 5 True\n"


@posix
@pytest.mark.parametrize(
    ("module", "said"),
    [("onnxdream.cli.door", b""), ("onnxdream.cli.program", b"onnxdream: stopped\n")],
)
def test_ctrl_c_while_the_program_is_loaded_is_quiet(module: str, said: bytes) -> None:
    code = f"""
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from onnxdream.cli import main
sys.exit(main(["networks"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", said)


def test_it_runs_in_any_thread() -> None:
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(main(["--version"])))
    thread.start()
    thread.join()
    assert answers == [0]


def test_no_sign_is_worth_a_failure() -> None:
    done = subprocess.run(
        [*PROGRAM, "dream", "--help"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"? of the Gaussian blur" in done.stdout


def test_a_signal_during_an_import_comes_after_it(tmp_path: Path) -> None:
    """An extension that is being initialized may take an exception for its end."""
    (tmp_path / "slow.py").write_text(
        "import os, signal, time\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "time.sleep(0.02)\n"
        "print('imported', flush=True)\n"
    )
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from onnxdream.cli.door import attended\n"
        "def run():\n"
        "    import slow\n"
        "    time.sleep(20)\n"
        "    return 0\n"
        "sys.exit(attended(run))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (143, "imported\n")
