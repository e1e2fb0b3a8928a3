"""Going down a tree without knowing its nodes."""

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import cast

from archdsl.syntax.nodes import Identifier, Node


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below, in the order of their fields; names where they are given are no nodes of their own."""
    for name in _fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            if not isinstance(value, Identifier):
                yield value
        elif isinstance(value, tuple):
            items = cast("tuple[object, ...]", value)
            yield from (item for item in items if isinstance(item, Node) and not isinstance(item, Identifier))


@cache
def _fields(kind: type[Node]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name != "span")


def below(node: Node) -> Iterator[Node]:
    """A node and everything in it."""
    yield node
    for child in children(node):
        yield from below(child)
