"""The command line: a skin over the API, one file a command.

Nothing here loads numpy, onnx or ONNX Runtime before a command runs that needs
them, so that help and ``--version`` come at once. The program itself is loaded
when it is called, by which time a Ctrl-C is expected.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line without the program's name; that of the process if
        not given.

    Returns
    -------
    int
        The exit code; see the table in `onnxdream.cli.program`.
    """
    try:
        from .door import attended
    except KeyboardInterrupt:
        return _STOPPED

    def program() -> int:
        from .program import main

        return main(arguments)

    try:
        return attended(program)
    except KeyboardInterrupt:
        # It came before the signals were minded, or after.
        return _STOPPED
