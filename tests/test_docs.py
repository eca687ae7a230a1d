"""The docs keep up with the program: links lead somewhere, examples run, commands parse."""

from __future__ import annotations

import ast
import io
import logging
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

import onnxdream
from onnxdream.cli.program import COMMANDS, build_parser

PROJECT = Path(__file__).resolve().parent.parent
DOCS = PROJECT / "docs"
PAGES = [PROJECT / "README.md", *sorted(DOCS.glob("*.md"))]

RUN = "<!-- run -->"

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`(onnxdream [^`]+)`")

PLACEHOLDER = re.compile(r"\b[A-Z]{4,}\b|…")
"""What stands in a command for something else."""


SHELL = ("", "sh", "console")
"""The languages of blocks that hold commands."""

INCOMPLETE = "the following arguments are required"


class Block(NamedTuple):
    """What stands between two fences: its language, its text, and what was written before it."""

    page: str
    line: int
    language: str
    text: str
    before: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page."""
    before, start, language, text = "", 0, "", []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if not line.startswith("```"):
            if start:
                text.append(line)
            elif line:
                before = line
        elif start:
            yield Block(page.name, start, language, "\n".join(text), before)
            before, start, text = "", 0, []
        else:
            start, language = number, line.removeprefix("```")
    assert not start, f"{page.name}:{start} begins a block that never ends"


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of every `onnxdream` in some lines of a shell."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("();<>|&"):
                if words and Path(words[0]).name == "onnxdream":
                    yield words[1:]
                words = []
            else:
                words.append(word)


parser = cache(build_parser)


def fault(arguments: list[str]) -> str | None:
    """Why a command line does not parse."""
    if arguments and arguments[0] not in COMMANDS and not arguments[0].startswith("--"):
        arguments = ["dream", *arguments]
    said = io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said):
            parser().parse_args(arguments)
    except SystemExit as stopped:
        return said.getvalue() if stopped.code else None
    return None


BLOCKS = [block for page in PAGES for block in blocks(page)]
PYTHON = [block for block in BLOCKS if block.language == "python"]
RUNNING = [block for block in PYTHON if block.before == RUN]


def anchors(page: Path) -> set[str]:
    """What a link may name after a #."""
    headings = re.findall(r"^#+ +(.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_somewhere(page):
    for link in _LINK.findall(page.read_text("utf-8")):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(PROJECT) and target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


def test_every_page_is_in_the_table_of_pages():
    table = (DOCS / "README.md").read_text("utf-8")
    assert [p.name for p in DOCS.glob("*.md") if f"]({p.name})" not in table] == ["README.md"]


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_every_python_example_compiles(block):
    ast.parse(block.text, str(block))


def test_what_is_marked_to_run_is_python():
    marks = [page.read_text("utf-8").splitlines().count(RUN) for page in PAGES]
    assert sum(marks) == len(RUNNING) > 0


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a small picture, which is the current one; the log is put back."""
    noise = np.random.default_rng(0).integers(0, 256, (50, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    logs = [logging.getLogger(), logging.getLogger("onnxdream")]
    kept = [(log, log.level, log.handlers[:]) for log in logs]
    yield tmp_path
    for log, level, handlers in kept:
        log.setLevel(level)
        log.handlers[:] = handlers


@pytest.mark.parametrize("block", RUNNING, ids=str)
def test_the_examples_run(block, folder):
    code = compile(block.text, str(block), "exec")
    names: dict[str, Any] = {"__name__": "__main__"}
    with redirect_stdout(io.StringIO()):
        exec(code, names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_command_parses(page):
    shown = [b.text for b in BLOCKS if b.page == page.name and b.language in SHELL]
    spans = [span.replace("\\|", "|") for span in _SPAN.findall(page.read_text("utf-8"))]
    for text in (*shown, *spans):
        for arguments in commands(text):
            if any(PLACEHOLDER.search(word) for word in arguments):
                continue
            why = fault(arguments)
            # Within a sentence, a command may be named without its picture.
            mentioned = text in spans and INCOMPLETE in (why or "")
            assert why is None or mentioned, f"{page.name}: {arguments}\n{why}"


def test_a_command_that_does_not_parse_is_noticed():
    [wrong, right] = commands(
        "cat a | onnxdream a.jpg --nonsense > b # c\n.venv/bin/onnxdream a.jpg"
    )
    assert "--nonsense" in (fault(wrong) or "")
    assert wrong == ["a.jpg", "--nonsense"] and right == ["a.jpg"]
    assert fault(right) is None


def test_every_name_is_in_the_reference():
    page = (DOCS / "python.md").read_text("utf-8")
    named = set(re.findall(r"\w+", page))
    assert set(onnxdream.__all__) - {"__version__"} <= named
    assert set(onnxdream.errors.__all__) <= named
    for record in (onnxdream.Recipe, onnxdream.Progress, onnxdream.Machine, onnxdream.Cuda):
        fields = {n for n in record.__annotations__ if not n.startswith("_")}
        assert fields <= named, f"{record.__name__}: {fields - named}"
