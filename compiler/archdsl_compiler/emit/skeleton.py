"""What is the same in two pieces of code, and what differs: a skeleton, which can be compared, and the leaves that it
leaves open, in the order of the text."""

from collections.abc import Hashable, Iterator, Sequence
from typing import TypeAlias

from archdsl_compiler.emit.code import (
    Apply,
    Choice,
    Comprehension,
    Default,
    Each,
    Expression,
    Index,
    Infix,
    Member,
    Number,
    Part,
    Prefix,
    Row,
    Slice,
    Use,
    parts,
    with_parts,
)

Leaf: TypeAlias = Number | Each | Use | Part


def leaves_of(expression: Expression) -> tuple[Leaf, ...]:
    """The open leaves of an expression, in the order of `parts`."""
    return tuple(_leaves(expression))


def _leaves(expression: Expression) -> Iterator[Leaf]:
    if isinstance(expression, Number | Each | Use | Part):
        yield expression
    for part in parts(expression):
        yield from _leaves(part)


def skeleton_of(expression: Expression) -> Hashable:
    """An expression without its open leaves; numbers and what differs from pass to pass look alike."""
    match expression:
        case Number() | Each():
            return "number"
        case Use():
            return "use"
        case Part():
            return "part"
        case Apply():
            inner = tuple(map(skeleton_of, parts(expression)))
            return ("apply", len(expression.arguments), tuple(name for name, _ in expression.named), inner)
        case Member():
            return ("member", expression.name, skeleton_of(expression.of))
        case Slice():
            given = tuple(end is not None for end in (expression.start, expression.stop, expression.step))
            return ("slice", given, tuple(map(skeleton_of, parts(expression))))
        case Infix() | Prefix():
            return (expression.sign, tuple(map(skeleton_of, parts(expression))))
        case Row():
            return ("row", expression.brackets, tuple(map(skeleton_of, expression.items)))
        case Index() | Choice() | Comprehension():
            return (type(expression).__name__, tuple(map(skeleton_of, parts(expression))))
        case _:
            return expression


def refilled(expression: Expression, leaves: Sequence[Expression]) -> Expression:
    """The expression with its open leaves replaced, one for one."""
    queue = iter(leaves)

    def fill(part: Expression) -> Expression:
        if isinstance(part, Number | Each | Use | Part):
            return next(queue)
        return with_parts(part, fill)

    return fill(expression)


def together(passes: Sequence[Expression]) -> Expression:
    """Expressions of one skeleton as one, with an `Each` where their numbers differ. Their other leaves are those of
    the first."""
    rows = [leaves_of(each) for each in passes]
    merged: list[Expression] = []
    for column in zip(*rows, strict=True):
        first = column[0]
        if not isinstance(first, Number):
            merged.append(first)
            continue
        values = tuple(leaf.value for leaf in column if isinstance(leaf, Number))
        usual = tuple(isinstance(leaf, Default) for leaf in column)
        one = all(same(value, values[0]) for value in values)
        merged.append(first if one else Each(values, first.hint, first.name, usual))
    return refilled(passes[0], merged)


def same(left: object, right: object) -> bool:
    """Whether two numbers are written alike: 1, 1.0 and true are not."""
    return type(left) is type(right) and left == right
