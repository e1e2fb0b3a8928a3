"""Reads Markdown files of cases: prose, sources in ```arch blocks, then a ```text block of what `check` prints.

A source is called `case.arch` unless its fence says `name=...`; words after ```text are further arguments of the
command. A file may hold several cases. Prose and blocks of other languages are passed over."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

CASE_FILE = "case.arch"
FENCE = re.compile(r"^```(\w*)[ \t]*([^\n`]*)\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block; `start` and `end` are the offsets of its content."""

    language: str
    words: tuple[str, ...]
    content: str
    start: int
    end: int


@dataclass(frozen=True)
class Case:
    """`expected` stands between the offsets `start` and `end` of the file."""

    sources: Mapping[str, str]
    arguments: tuple[str, ...]
    expected: str
    start: int
    end: int


def blocks(text: str) -> list[Block]:
    return [
        Block(found[1], tuple(found[2].split()), found[3], found.start(3), found.end(3))
        for found in FENCE.finditer(text)
    ]


def source_name(block: Block) -> str:
    named = [word.removeprefix("name=") for word in block.words if word.startswith("name=")]
    return named[0] if named else CASE_FILE


def read_cases(text: str) -> list[Case]:
    cases: list[Case] = []
    sources: dict[str, str] = {}
    for block in blocks(text):
        if block.language == "arch":
            name = source_name(block)
            if name in sources:
                raise ValueError(f"two sources of one case are called {name}")
            sources[name] = block.content
        elif block.language == "text":
            if CASE_FILE not in sources:
                raise ValueError(f"a case without a {CASE_FILE} before its text block")
            cases.append(Case(sources, block.words, block.content, block.start, block.end))
            sources = {}
    if sources:
        raise ValueError("sources without a text block behind them")
    return cases


def rewritten(text: str, printed: Callable[[Case], str]) -> str:
    """The file with what is printed now in each text block."""
    for case in reversed(read_cases(text)):
        text = text[: case.start] + printed(case) + text[case.end :]
    return text
