"""Files that are written whole or not at all, and what killed writers leave."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from onnxdream import files
from onnxdream.errors import BenchmarkError, OnnxdreamError

posix = pytest.mark.skipif(os.name != "posix", reason="about links, locks and signals of POSIX")

CHECKS = {
    "before": lambda path: files.check_target(path, BenchmarkError),
    "when it is written": lambda path: files.save(b"new", path, BenchmarkError),
}


@pytest.fixture(params=CHECKS.values(), ids=CHECKS.keys())
def attempt(request):
    """One of the two moments at which it is found out that a file cannot be written."""
    return request.param


def looped(folder: Path) -> Path:
    (folder / "there.png").symlink_to(folder / "back.png")
    (folder / "back.png").symlink_to(folder / "there.png")
    return folder / "there.png"


def dangling(folder: Path) -> Path:
    (folder / "link.png").symlink_to(folder / "missing" / "picture.png")
    return folder / "link.png"


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("text")
    return folder / "file" / "folder" / "picture.png"


IMPOSSIBLE = {
    "a loop of links": (looped, "leads back to itself"),
    "a link into no folder": (dangling, "There is no folder .*missing; make it first"),
    "below a file": (below_a_file, "file is a file"),
    "an address": (lambda _: "https://example.org/x.png", "is an address, and only files"),
    "a folder": (lambda folder: folder, "is a folder; name a file in it"),
    "a long name": (lambda folder: folder / ("x" * 5000), "File name too long"),
    "a long path": (lambda folder: folder / "/".join(["x" * 200] * 25), "File name too long"),
    "a NUL": (lambda folder: f"{folder}/nul\0.png", "cannot be written: embedded null"),
    "half a character": (lambda folder: f"{folder}/\ud800.png", "encoding"),
    "bytes": (lambda folder: b"picture.png", "named by a string or a path"),
    "nothing": (lambda folder: None, "named by a string or a path"),
}


@posix
@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_an_impossible_file_is_refused_now_and_then(kind, attempt, tmp_path):
    make, reason = IMPOSSIBLE[kind]
    path = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BenchmarkError, match=reason) as caught:
        attempt(path)
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()
    assert sorted(tmp_path.rglob("*")) == before


@posix
def test_a_folder_that_must_not_be_written_in(attempt, tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    access = os.access
    monkeypatch.setattr(os, "access", lambda p, mode: Path(p) != tmp_path and access(p, mode))
    with pytest.raises(BenchmarkError, match="permission to write in the folder"):
        attempt(path)


@posix
def test_another_s_file_where_all_may_write(attempt, tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(BenchmarkError, match="somebody else's"):
        attempt(path)


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to be root")
def test_an_old_file_keeps_its_owner(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    path.chmod(0o640)
    os.chown(path, 1234, 2345)
    files.save(b"new", path, OnnxdreamError)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 2345, 0o640)
    assert path.read_bytes() == b"new"


@posix
def test_an_owner_that_cannot_be_given_is_no_failure(tmp_path, monkeypatch):
    def denied(*_):
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "chown", denied)
    files.save(b"new", path, OnnxdreamError)
    assert path.read_bytes() == b"new"


@posix
def test_nobody_reads_what_only_few_may_while_it_is_written(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    path.chmod(0o600)
    bits = []

    def fsync(descriptor):
        bits.append(stat.S_IMODE(os.fstat(descriptor).st_mode))

    monkeypatch.setattr(os, "fsync", fsync)
    files.save(b"new", path, OnnxdreamError)
    assert bits == [0o600]


WRITER = """
import os, sys
from onnxdream import files
from onnxdream.errors import OnnxdreamError

def wait(descriptor):
    print("writing", flush=True)
    sys.stdin.read()

os.fsync = wait
files.save(b"from the child", sys.argv[1], OnnxdreamError)
"""


def writer(path: Path) -> subprocess.Popen[str]:
    """A process that has written a file, but not yet moved it into its place."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "writing\n"
    return child


@posix
def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path):
    path, other = tmp_path / "picture.png", tmp_path / "other.png"
    with writer(path) as first, writer(path) as second:
        first.kill()
        second.kill()
    assert len(list(tmp_path.iterdir())) == 2
    files.save(b"other", other, OnnxdreamError)
    assert len(list(tmp_path.iterdir())) == 3
    files.save(b"new", path, OnnxdreamError)
    assert sorted(tmp_path.iterdir()) == [other, path]
    assert path.read_bytes() == b"new"


@posix
def test_what_a_live_writer_writes_is_left_alone(tmp_path):
    path = tmp_path / "picture.png"
    with writer(path) as child:
        files.save(b"new", path, OnnxdreamError)
        assert len(list(tmp_path.iterdir())) == 2
        child.communicate("go on")
    assert child.returncode == 0
    assert path.read_bytes() == b"from the child"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_a_writer_whose_file_is_taken_for_abandoned_begins_anew(tmp_path, monkeypatch):
    import fcntl

    path = tmp_path / "picture.png"
    taken = []

    def remove_first(file, how, flock=fcntl.flock):
        if not taken:
            [unfinished] = tmp_path.iterdir()
            taken.append(unfinished)
            unfinished.unlink()
        return flock(file, how)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    files.save(b"new", path, OnnxdreamError)
    assert taken
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@posix
@pytest.mark.parametrize("kind", ["a link", "another's"])
def test_what_is_not_ours_is_left_alone(kind, tmp_path, monkeypatch):
    path, mine = tmp_path / "picture.png", tmp_path / "mine"
    mine.write_bytes(b"mine")
    left = files._unfinished(path)
    if kind == "a link":
        left.symlink_to(mine)
    else:
        left.write_bytes(b"another's")
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    files.save(b"new", path, OnnxdreamError)
    assert left in tmp_path.iterdir()
    assert mine.read_bytes() == b"mine"
    assert path.read_bytes() == b"new"


@posix
def test_where_there_are_no_locks_nothing_is_removed(tmp_path, monkeypatch):
    import fcntl

    def none(*_):
        raise OSError(37, "No locks available")

    path = tmp_path / "picture.png"
    left = files._unfinished(path)
    left.write_bytes(b"whose?")
    monkeypatch.setattr(fcntl, "flock", none)
    files.save(b"new", path, OnnxdreamError)
    assert sorted(tmp_path.iterdir()) == sorted([left, path])
