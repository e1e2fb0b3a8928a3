"""Loads `grammars/arch.lark`: the LALR tables, kept in the user's cache folder, and one regular expression for all its
tokens."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from lark import Lark
from lark.lexer import TerminalDef

from archdsl.cache import cache_folder
from archdsl.resources import resource
from archdsl.syntax.build import Reductions

# Where a parse may begin: a file, one statement of a body, the hole of a label.
STARTS = ("start", "item", "expr")
SKIPPED = frozenset({"WS", "COMMENT"})


@dataclass(frozen=True, slots=True)
class Grammar:
    """`pattern` matches one token, whose type is the name of the group, or for a word in `words` that of the word."""

    lark: Lark
    pattern: re.Pattern[str]
    words: dict[str, str]


@cache
def grammar() -> Grammar:
    text = resource("grammars/arch.lark").read_text("utf-8")
    folder = cache_folder()
    # Lark itself checks that what it finds there belongs to this grammar, and makes it anew where it is damaged.
    kept = False if folder is None else str(folder / f"tables-{sha256(text.encode()).hexdigest()[:16]}")
    lark = Lark(
        text,
        parser="lalr",
        lexer="basic",
        start=list(STARTS),
        keep_all_tokens=True,
        maybe_placeholders=True,
        transformer=Reductions,
        cache=kept,
    )
    return Grammar(lark, *_scanner(lark.terminals))


def _scanner(terminals: Iterable[TerminalDef]) -> tuple[re.Pattern[str], dict[str, str]]:
    """As Lark's basic lexer does it: by priority, then length; a word is a NAME first. Three alternatives are
    added behind: for a string in single quotes, for one that is not closed on its line and for a character that begins
    no token."""
    terminals = list(terminals)
    words = {t.pattern.value: t.name for t in terminals if t.pattern.type == "str" and t.pattern.value.isalpha()}
    others = [t for t in terminals if t.name not in words.values()]
    others.sort(key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
    groups = [f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in others]
    groups += [r"(?P<SINGLE>'[^'\n]*')", r'(?P<UNFINISHED>"[^\n]*)', r"(?P<STRAY>[\s\S])"]
    return re.compile("|".join(groups)), words
