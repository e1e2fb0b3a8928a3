"""Going down a tree without knowing its nodes."""

from collections.abc import Iterator
from dataclasses import fields
from typing import cast

from archdsl.source import Span
from archdsl.syntax.nodes import Identifier, Node


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below, in the order of their fields; names where they are given are no nodes of their own."""
    for slot in fields(node):
        value = getattr(node, slot.name)
        if isinstance(value, Node):
            if not isinstance(value, Identifier):
                yield value
        elif isinstance(value, tuple) and not isinstance(value, Span):
            items = cast("tuple[object, ...]", value)
            yield from (item for item in items if isinstance(item, Node) and not isinstance(item, Identifier))


def below(node: Node) -> Iterator[Node]:
    """A node and everything in it."""
    yield node
    for child in children(node):
        yield from below(child)
