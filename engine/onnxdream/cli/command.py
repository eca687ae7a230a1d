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
    run : callable
        Does it, and returns the exit code.
    add_options : callable, optional
        Adds its arguments and options to a parser.
    """

    summary: str
    run: Callable[[Namespace], int]
    add_options: Callable[[ArgumentParser], None] = lambda parser: None
