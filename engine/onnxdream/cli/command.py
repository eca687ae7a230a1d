"""What a command is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Command"]


class Command(NamedTuple):
    """One command of the program.

    Parameters
    ----------
    summary : str
        What it does, in a line.
    add_options : callable
        Adds its arguments and options to a parser.
    run : callable
        Does it, and returns the exit code.
    """

    summary: str
    add_options: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
