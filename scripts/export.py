"""Export a PyTorch network to an ONNX file with a gradient: the door to `onnxdream.export`.

Run it where onnxdream[cpu,export] is installed; ``--help`` shows examples.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence

from msgspec.structs import replace

from onnxdream import OnnxdreamError, Preprocessing
from onnxdream.cli.options import add_preprocessing_options
from onnxdream.export import Report, export, open_source

_EXAMPLES = """\
examples:
  python scripts/export.py torchvision:googlenet --weights DEFAULT \\
      --layers inception4c -o googlenet.onnx
  python scripts/export.py timm:efficientnet_lite0 --weights DEFAULT \\
      --layers blocks.4=1.0 blocks.3=0.5 -o lite0.onnx
  python scripts/export.py my/networks.py:small --layers features.4 -o small.onnx \\
      --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225

It prints how well the file agrees with torch.autograd at two sizes. Where the
two differ, no file is written."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Export what the command line names; 0 if there is a file, 1 if there is none."""
    options = build_parser().parse_args(arguments)
    try:
        report = export_chosen(options)
    except OnnxdreamError as error:
        print("export:", " ".join(str(error).split()), file=sys.stderr)
        return 1
    print_report(report)
    return 0


def build_parser() -> ArgumentParser:
    """The parser of the command line."""
    parser = ArgumentParser(
        description="Export a PyTorch network to an ONNX file with a gradient.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="torchvision:NAME, timm:NAME, or path/to/file.py:FACTORY, a function without "
        "arguments that returns the network",
    )
    parser.add_argument(
        "--weights",
        metavar="NAME",
        help="which trained weights torchvision or timm is to fetch, DEFAULT for its best "
        "(default: random ones)",
    )
    parser.add_argument(
        "--layers",
        nargs="+",
        required=True,
        type=layer,
        metavar="NAME[=WEIGHT]",
        help="the modules whose output to amplify, as named_modules names them",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the file to write")
    parser.add_argument(
        "--half-weights", action="store_true", help="store the weights as float16: half the file"
    )
    add_preprocessing_options(parser)
    card = parser.add_argument_group("card", "what the file says of itself")
    card.add_argument(
        "--least-size",
        type=int,
        metavar="N",
        help="the least height and width of an image (default: what the layers need)",
    )
    for name in ("title", "origin", "licence"):
        card.add_argument(f"--{name}", metavar="TEXT", help="(default: what the source says)")
    return parser


def layer(text: str) -> tuple[str, float]:
    """A layer's name and its weight, 1 if there is none."""
    name, equals, weight = text.partition("=")
    try:
        return name, float(weight) if equals else 1.0
    except ValueError:
        raise ArgumentTypeError(f"the weight of {name} is {weight!r}, which is no number") from None


def export_chosen(options: Namespace) -> Report:
    """Make the network that the command line names, and export it."""
    source = open_source(options.source, options.weights)
    layers: dict[str, float] = {}
    for name, weight in options.layers:
        layers[name] = layers.get(name, 0.0) + weight
    return export(
        source.network,
        options.output,
        layers,
        preprocessing=preprocessing_of(options, source.preprocessing),
        title=options.title or source.title,
        source=options.origin or source.origin,
        licence=options.licence or source.licence,
        least_size=options.least_size,
        half_weights=options.half_weights,
    )


def preprocessing_of(options: Namespace, known: Preprocessing) -> Preprocessing:
    """How the network is fed: as the command line says, and as is known otherwise."""
    said = {name: getattr(options, name) for name in Preprocessing.__struct_fields__}
    return replace(known, **{name: value for name, value in said.items() if value is not None})


def print_report(report: Report) -> None:
    """Say what was written, and how well it agrees with torch.autograd."""
    amplified = ", ".join(f"{weight:g} × {name}" for name, weight in report.layers.items())
    print(f"{report.path}: {report.path.stat().st_size / 1e6:.1f} MB, amplifies {amplified}")
    print("against torch.autograd    cosine    error of gradient    error of loss")
    for found in report.agreements:
        size = f"{found.width}×{found.height}"
        print(f"{size:>22} {found.cosine:>9.6f} {found.error:>20.1e} {found.loss_error:>16.1e}")


if __name__ == "__main__":
    sys.exit(main())
