"""Damage that is guided by coverage: atheris watches which lines of ours a file reaches.

::

    python tests/fuzz/guided.py --minutes 5 --seed 1

Pictures and networks take turns. Only code of onnxdream is watched, and a part that knows
protobufs damages networks, so that what is tried is not only refused by a parser.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from argparse import ArgumentParser
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from random import Random

sys.path[0] = str(Path(__file__).resolve().parent.parent)

_MOST_BYTES = 8192
_SECONDS_A_CASE = 60
_MOST_MEMORY = 4096


def main() -> int:
    parser = ArgumentParser(description="Attack the readers, guided by coverage.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("findings"))
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    codes = []
    for name in READERS:
        # libFuzzer ends its process.
        process = get_context("spawn").Process(
            target=_guided, args=(name, options.minutes / len(READERS), options.seed, options.keep)
        )
        process.start()
        process.join()
        codes.append(process.exitcode)
        print(f"{name}: {'nothing found' if process.exitcode == 0 else 'something is found'}")
    return int(any(codes))


def _guided(name: str, minutes: float, seed: int, keep: Path) -> None:
    import atheris

    logging.disable(logging.CRITICAL)
    with atheris.instrument_imports(include=["onnxdream"], enable_loader_override=False):
        from onnxdream import Dreamer, OnnxdreamError, dreamer, images, load, network  # noqa: F401
        from onnxdream.graph import reading  # noqa: F401
    seeds, read = READERS[name]()
    corpus = Path(tempfile.mkdtemp(prefix=f"onnxdream-guided-{name}-"))
    for number, content in enumerate(seeds):
        (corpus / str(number)).write_bytes(content)

    def once(content: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                read(content)
            except OnnxdreamError:
                return

    def mutated(content: bytes, most: int, seed: int) -> bytes:
        made = _MUTATORS[name](content, Random(seed)) if seed % 2 else b""
        if not 0 < len(made) <= most:
            made = atheris.Mutate(content, most)
        return bytes(made)

    told = [
        sys.argv[0],
        f"-max_total_time={max(1, round(60 * minutes))}",
        f"-seed={seed or 1}",
        f"-max_len={_MOST_BYTES}",
        f"-timeout={_SECONDS_A_CASE}",
        f"-rss_limit_mb={_MOST_MEMORY}",
        f"-artifact_prefix={keep}/guided-{name}-",
        "-print_final_stats=1",
        "-verbosity=0",
        str(corpus),
    ]
    atheris.Setup(told, once, custom_mutator=mutated)
    atheris.Fuzz()


def _pictures() -> tuple[list[bytes], Callable[[bytes], object]]:
    from fuzz.targets.pictures import names
    from fuzz.valid_pictures import EXIF, PROFILES, picture
    from onnxdream import images

    seeds = [picture(name) for name in names()]
    seeds += [picture("png RGB", PROFILES["sRGB"], EXIF), picture("jpeg RGB", PROFILES["GRAY"])]
    return [seed for seed in seeds if len(seed) <= _MOST_BYTES], images.read


def _networks() -> tuple[list[bytes], Callable[[bytes], object]]:
    from fuzz.valid_networks import NETWORKS, network
    from onnxdream import load
    from onnxdream.gradient import gradient_graph
    from onnxdream.lowering import portable

    path = Path(tempfile.mkdtemp()) / "network.onnx"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        found = load(path)
        layers = [layer.name for layer in found.layers]
        if layers:
            found.least_size(layers[-1:])
            portable(gradient_graph(found.graph, {layers[-1]: 1.0}))

    return [network(name).SerializeToString() for name in NETWORKS], read


READERS: dict[str, Callable[[], tuple[list[bytes], Callable[[bytes], object]]]] = {
    "pictures": _pictures,
    "networks": _networks,
}
"""What reads files of strangers: the files to begin with, and what reads one."""


def _mutated_picture(content: bytes, random: Random) -> bytes:
    from fuzz.targets.pictures import kinds

    return random.choice(kinds(content))(content, random)


def _mutated_network(content: bytes, random: Random) -> bytes:
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    from fuzz.network_damage import DAMAGES

    try:
        model = ModelProto.FromString(content)
        random.choice(DAMAGES)(model, random)
        return model.SerializeToString()
    except (DecodeError, ValueError, TypeError):
        return b""


_MUTATORS = {"pictures": _mutated_picture, "networks": _mutated_network}

if __name__ == "__main__":
    os.environ.setdefault("ONNXDREAM_KERNELS", "numpy")
    sys.exit(main())
