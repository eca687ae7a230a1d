"""What NVIDIA's own tool says of the GPUs, if there are any."""

from __future__ import annotations

import os
import shutil
import subprocess

__all__ = ["device_memory", "query"]

_PATIENCE = 20.0


def query(fields: str, device: str | None = None) -> list[list[str]]:
    """Ask ``nvidia-smi`` about GPUs.

    Parameters
    ----------
    fields : str
        What to ask, as in ``nvidia-smi --query-gpu``.
    device : str, optional
        The index or UUID of one GPU; all if not given.

    Returns
    -------
    list of list of str
        The fields of each GPU; empty where there is none, or the tool fails.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    command = [tool, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    if device is not None:
        command.append(f"--id={device}")
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [[field.strip() for field in line.split(",")] for line in answer.stdout.splitlines()]


def device_memory(device: int) -> int | None:
    """The memory in use on a GPU, in bytes, whoever uses it; None where nobody can tell.

    Parameters
    ----------
    device : int
        As CUDA counts, that is among the devices that this process may see.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else []
    found = query("memory.used", names[device] if device < len(names) else str(device))
    if len(found) != 1 or not found[0][0].isdecimal():
        return None
    return int(found[0][0]) << 20
