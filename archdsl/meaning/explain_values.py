"""The values of the parts of a condition that failed, drawn under its text:

```
c % heads == 0
| |   |    |
| 3   5    false
48
```
"""

from collections.abc import Iterable

from archdsl.meaning.builtins import Builtin
from archdsl.meaning.dispatch import evaluate
from archdsl.meaning.run import Abandoned, Fault, Frame
from archdsl.meaning.values import Unknown, Variant, show
from archdsl.syntax import nodes

WIDEST = 60


def explained_values(node: nodes.Expression, frame: Frame) -> tuple[str, ...]:
    """The drawing, a line a note; empty where nothing has a value to show."""
    before = frame.condition
    frame.condition = _one(frame)
    try:
        return _explained(node, frame)
    finally:
        frame.condition = before


def _one(frame: Frame) -> int:
    """The condition of a single candidate among those that fail, so that the values shown belong together."""
    universe = frame.world.universe
    condition = frame.effective()
    for site, option in universe.witness(condition).items():
        condition = universe.both(condition, universe.taken(site, option))
    return condition


def _explained(node: nodes.Expression, frame: Frame) -> tuple[str, ...]:
    text = " ".join(node.span.text.split())
    if text != node.span.text:
        return tuple(f"`{part.span.text}` is {value}" for part, value in _parts(node, frame) if part is not node)
    found = {
        offset: value
        for offset, value in ((_anchor(part) - node.span.start, value) for part, value in _parts(node, frame))
    }
    return ("\n".join(draw(text, found)),) if found else ()


def draw(text: str, values: dict[int, str]) -> list[str]:
    """The text, a line of bars, and the values, each under its bar and none over another."""
    lines = [text, _bars(values.keys())]
    waiting = sorted(values, reverse=True)
    while waiting:
        row, left = _bars(waiting), len(text) + 200
        placed: list[int] = []
        for offset in waiting:
            if offset + len(values[offset]) < left:
                row = row[:offset].ljust(offset) + values[offset] + row[offset + len(values[offset]) :]
                placed.append(offset)
                left = offset
            else:
                left = offset
        lines.append(row.rstrip())
        waiting = [offset for offset in waiting if offset not in placed]
    return lines


def _bars(offsets: Iterable[int]) -> str:
    row = ""
    for offset in sorted(offsets):
        row = row.ljust(offset) + "|"
    return row


def _anchor(node: nodes.Expression) -> int:
    """The character that stands for a part: its operator, or where it begins."""
    match node:
        case nodes.Binary() | nodes.Logical():
            return node.span.source.text.index(node.operator, node.left.span.end)
        case nodes.Comparison():
            return node.span.source.text.index(node.operators[0], node.operands[0].span.end)
        case nodes.Index():
            return node.operand.span.start
        case _:
            return node.span.start


def _parts(node: nodes.Expression, frame: Frame) -> list[tuple[nodes.Expression, str]]:
    """The parts whose values explain the whole, with those values."""
    found: list[tuple[nodes.Expression, str]] = []

    def visit(part: nodes.Expression) -> None:
        match part:
            case nodes.Integer() | nodes.Real() | nodes.Boolean() | nodes.String() | nodes.Nothing() | nodes.Quantity():
                return
            case nodes.Binary() | nodes.Logical():
                visit(part.left)
                visit(part.right)
            case nodes.Comparison():
                for operand in part.operands:
                    visit(operand)
            case nodes.Negation():
                visit(part.operand)
            case nodes.Name() | nodes.Member() | nodes.Index() | nodes.Call():
                pass
            case _:
                return
        value = _value(part, frame)
        if value is not None and len(value) <= WIDEST:
            found.append((part, value))

    visit(node)
    return found


def _value(node: nodes.Expression, frame: Frame) -> str | None:
    try:
        value = evaluate(node, frame)
    except (Fault, Abandoned):
        return None
    return None if isinstance(value, Unknown | Variant | Builtin) else show(value)
