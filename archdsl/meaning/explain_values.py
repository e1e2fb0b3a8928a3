"""The values of the parts of a condition that failed, drawn under its text:

```
c % heads == 0
| |   |    |
| 3   5    false
48
```
"""

from collections.abc import Iterable, Mapping

from archdsl.meaning.builtins import Builtin
from archdsl.meaning.dispatch import evaluate
from archdsl.meaning.run import Abandoned, Fault, Frame
from archdsl.meaning.values import Unknown, Variant, show
from archdsl.meaning.worlds import settled
from archdsl.syntax import nodes
from archdsl.syntax.descent import below

WIDEST = 60


def explained_values(node: nodes.Expression, frame: Frame, taken: Mapping[int, int]) -> tuple[str, ...]:
    """The drawing, a line a note, for the candidate that takes these options; empty where nothing has a value to
    show."""
    before, universe = frame.condition, frame.world.universe
    for site, option in taken.items():
        frame.condition = universe.both(frame.condition, universe.taken(site, option))
    try:
        return _explained(node, frame, taken)
    finally:
        frame.condition = before


def candidate(node: nodes.Expression, frame: Frame) -> Mapping[int, int]:
    """The options of one candidate among those that fail: what leads there, and what the values in sight depend on."""
    universe = frame.world.universe
    taken = universe.witness(frame.effective())
    for part in below(node):
        value = frame.names.get(part.text) if isinstance(part, nodes.Name) else None
        for condition, _ in value.cases if isinstance(value, Variant) else ():
            if universe.holds(condition, taken):
                for site in universe.support(condition):
                    taken.setdefault(site, 0)
    return taken


def _explained(node: nodes.Expression, frame: Frame, taken: Mapping[int, int]) -> tuple[str, ...]:
    text = " ".join(node.span.text.split())
    parts = _parts(node, frame, taken)
    if text != node.span.text:
        return tuple(f"`{part.span.text}` is {value}" for part, value in parts if part is not node)
    found = {_anchor(part) - node.span.start: value for part, value in parts}
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


def _parts(node: nodes.Expression, frame: Frame, taken: Mapping[int, int]) -> list[tuple[nodes.Expression, str]]:
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
        value = _value(part, frame, taken)
        if value is not None and len(value) <= WIDEST:
            found.append((part, value))

    visit(node)
    return found


def _value(node: nodes.Expression, frame: Frame, taken: Mapping[int, int]) -> str | None:
    try:
        value = settled(frame.world.universe, taken, evaluate(node, frame))
    except (Fault, Abandoned):
        return None
    return None if isinstance(value, Unknown | Builtin) else show(value)
