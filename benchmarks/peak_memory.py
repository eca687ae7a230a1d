"""Peak memory of forward + input gradient, against PyTorch.

Each side runs in a process of its own that loads nothing else. PyTorch's finds
its network as a pickled module, so that it need not read ONNX; ours reads the
network as users do, and takes whole steps::

    python benchmarks/peak_memory.py --json FILE
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from parts import THREADS, lowerings, main
from subjects import TITLES, Subject, subjects

SIZE, QUICK_SIZE, RUNS = 1024, 256, 3
NAMES = ("squeezenet", "efficientnet-lite0", "inception_v3")

OURS = f"""
import sys
from subjects import subjects
from onnxdream import Dreamer, Machine
from onnxdream.bench.memory import peak_memory
import numpy as np
name, lowering, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
[subject] = subjects([name])
picture = np.random.default_rng(0).random((size, size, 3), np.float32)
machine = Machine(threads={THREADS}, lowering=lowering)
with Dreamer(subject.network, subject.tensor, machine=machine) as dreamer:
    dreamer.dream_array(picture, size="full", octaves=1, steps={RUNS})
print(peak_memory())
"""

THEIRS = f"""
import sys
import torch
torch.set_num_threads({THREADS})
module, image, last = sys.argv[1], sys.argv[2], sys.argv[3] == "channels-last"
form = torch.channels_last if last else torch.contiguous_format
module = torch.load(module, weights_only=False).to(memory_format=form)
image = torch.load(image).to(memory_format=form).requires_grad_()
for _ in range({RUNS}):
    loss = module(image).square().mean()
    [gradient] = torch.autograd.grad(loss, image)
# Loaded last: the peak has passed by now.
from onnxdream.bench.memory import peak_memory
print(peak_memory())
"""


def measure(quick: bool) -> dict[str, Any]:
    size = QUICK_SIZE if quick else SIZE
    found = []
    for name in NAMES:
        for subject in subjects([name]):
            peaks = {f"onnxdream {low}": child(OURS, name, low, size) for low in lowerings()}
            peaks |= torch_peaks(subject, size)
            found.append({"title": TITLES[name], "bytes": peaks})
            print(f"{TITLES[name]}, {size}×{size}:")
            for side, peak in peaks.items():
                print(f"  {side:24} {peak / 2**20:7.0f} MiB")
    return {"size": size, "threads": THREADS, "networks": found}


def torch_peaks(subject: Subject, size: int) -> dict[str, int]:
    """The peaks of PyTorch's processes."""
    import torch

    from torch_from_graph import torch_module

    with TemporaryDirectory() as folder:
        module, image = Path(folder) / "module.pt", Path(folder) / "image.pt"
        torch.save(torch_module(subject.network.graph, subject.tensor, size), module)
        torch.save(torch.tensor(subject.image(size)), image)
        modes = ("eager", "channels-last")
        return {f"PyTorch {mode}": child(THEIRS, module, image, mode) for mode in modes}


def child(program: str, *arguments: object) -> int:
    """Run a program in a process of its own, and return the number that it prints last."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    folder = Path(__file__).parent
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main(measure, "torch")
