"""What nvidia-smi says, or does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from onnxdream.bench.gpu import device_memory, query

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the tool is played by a shell script")


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a script in the place of nvidia-smi."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def play(script: str) -> Path:
        path = tmp_path / "nvidia-smi"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return play


def test_there_is_none(tool):
    assert query("name") == []
    assert device_memory(0) is None


def test_fields_of_each_gpu(tool):
    tool("echo 'Graphics 9, 580.1, 81559'; echo 'Graphics 8, 580.1, 40000'")
    assert query("name,driver_version,memory.total") == [
        ["Graphics 9", "580.1", "81559"],
        ["Graphics 8", "580.1", "40000"],
    ]


def test_it_is_asked_for_one_gpu(tool):
    tool('case "$*" in *--query-gpu=memory.used*--id=1) echo 300;; *) exit 1;; esac')
    assert device_memory(1) == 300 << 20
    assert device_memory(0) is None


def test_it_is_asked_for_the_gpu_that_cuda_sees(tool, monkeypatch):
    tool('case "$*" in *--id=GPU-abc) echo 7;; *) exit 1;; esac')
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-abc")
    assert device_memory(1) == 7 << 20


@pytest.mark.parametrize("script", ["exit 9", "echo '[N/A]'", "echo"])
def test_it_does_not_know(tool, script):
    tool(script)
    assert device_memory(0) is None


def test_it_cannot_be_run(tool):
    tool("echo 300").write_bytes(b"\x7fELF")
    assert query("name") == []
