"""Runs Lark's parser over tokens that are already cut, from any of the grammar's starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lark.exceptions import UnexpectedToken

from archdsl.syntax.grammar import grammar
from archdsl.syntax.tokens import Token

END = "$END"


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a parse stopped: the number of the token that did not fit (all of them where they ended too early), the
    tokens that would fit there, and what was read and is not complete, tokens and nodes."""

    position: int
    wanted: frozenset[str]
    pending: tuple[Any, ...]


def reduce_tokens(tokens: Sequence[Token], start: str, end: Token) -> Any:
    """What the tokens mean, or the Failure. Raises Unparsed for a label with a bad hole."""
    lark: Any = grammar().lark  # its types are incomplete
    parser = lark.parse_interactive(start=start)
    feed = parser.parser_state.feed_token
    position = 0
    try:
        for token in tokens:
            feed(token)
            position += 1
        return feed(end, True)
    except UnexpectedToken:
        return Failure(position, frozenset(parser.accepts()), tuple(parser.parser_state.value_stack))
