"""Conditions on candidates beyond those of their space: bounds of what they cost, comparisons of what the space's body
calls by a name, and functions of whoever asks."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol, cast

from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.meaning.conditions import Universe
from archdsl.meaning.dispatch import evaluate
from archdsl.meaning.loading import syntax_limits
from archdsl.meaning.names import Binding, NameCheck
from archdsl.meaning.program import Program
from archdsl.meaning.run import Abandoned, Body, Fault, Frame, Session
from archdsl.meaning.values import Component, Value
from archdsl.meaning.worlds import World
from archdsl.search.contract import Candidate
from archdsl.source import Source, Span
from archdsl.space.histograms import Metric
from archdsl.syntax import nodes
from archdsl.syntax.descent import below
from archdsl.syntax.parse import parse_expression

WHERE = "<--where>"
COSTS: tuple[Metric, ...] = ("params", "macs")


class Wish(Protocol):
    """A condition on candidates."""

    @property
    def text(self) -> str: ...

    def violation(self, candidate: Candidate) -> float:
        """By how much a candidate misses it, as a share of what is wanted; 0 where it is met."""
        ...


@dataclass(frozen=True, slots=True)
class CostBound:
    """Params or MACs between two bounds, both allowed."""

    text: str
    metric: Metric
    low: float = -math.inf
    high: float = math.inf

    def violation(self, candidate: Candidate) -> float:
        return missed(candidate.params if self.metric == "params" else candidate.macs, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Bound:
    """A function of candidates between two bounds: the latency that a table gives, say."""

    text: str
    function: Callable[[Candidate], float]
    low: float = -math.inf
    high: float = math.inf

    def violation(self, candidate: Candidate) -> float:
        return missed(self.function(candidate), self.low, self.high)


def missed(value: float, low: float, high: float) -> float:
    """By how much a value lies outside two bounds, as a share of the bound."""
    if value != value:
        return math.inf
    if value < low:
        return (low - value) / (abs(low) or 1.0)
    return (value - high) / (abs(high) or 1.0) if value > high else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition over what the body of the space binds, and perhaps over costs."""

    text: str
    node: nodes.Expression
    program: Program = field(repr=False, compare=False)
    space: Component = field(repr=False, compare=False)
    of_costs: bool = False

    def violation(self, candidate: Candidate) -> float:
        names = {"params": candidate.params, "macs": candidate.macs, **candidate.names}
        frame = self.frame(Session(self.program.limits), World(Universe()), cast("Mapping[str, Value]", names))
        node = self.node
        try:
            if evaluate(node, frame) is True:
                return 0.0
            if isinstance(node, nodes.Comparison):
                values = [evaluate(operand, frame) for operand in node.operands]
                numbers = [float(v) for v in values if isinstance(v, int | float)]
                if len(numbers) == len(values):
                    far = (abs(b - a) / (abs(b) or 1.0) for a, b in pairwise(numbers))
                    return max(max(far), 1e-6)
        except Abandoned:
            pass
        except Fault as fault:
            raise ArchError((fault.diagnostic,)) from None
        return 1.0

    def frame(self, session: Session, world: World, names: Mapping[str, Value]) -> Frame:
        """A frame in which the names of a candidate, or of all candidates at once, are bound."""
        frame = Frame(session, world, self.program.unit, Body(""))
        frame.names.update(names)
        world.spaces[Component(self.space.callee)] = dict(names)
        return frame


def wishes_of(program: Program, space: Component, names: Mapping[str, object], text: str) -> list[Wish]:
    """The conditions of a text: comparisons that are joined by `and`. The names of the space stand for themselves, or
    behind its own: `depths`, `edge.depths`."""
    source = Source(WHERE, text)
    node = parse_expression(Span(source, 0, len(text)), syntax_limits(program.limits))
    if any(isinstance(part, nodes.Choose) for part in below(node)):
        raise UsageError("--where: a condition decides nothing, so it cannot choose")
    check = NameCheck(program.unit)
    span = Span(source, 0, 0)
    check.scopes.append({name: Binding(span, "name", True) for name in (*COSTS, *names)})
    faults = check.of_expression(node)
    if faults:
        raise ArchError(tuple(faults))
    return [wish for part in _conjuncts(node) for wish in _wishes(program, space, part)]


def _conjuncts(node: nodes.Expression) -> Iterator[nodes.Expression]:
    if isinstance(node, nodes.Logical) and node.operator == "and":
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
    else:
        yield node


def _wishes(program: Program, space: Component, node: nodes.Expression) -> Iterator[Wish]:
    """Bounds of costs where a comparison is one, else the comparison as a whole."""
    if not isinstance(node, nodes.Comparison):
        yield Comparison(node.span.text, node, program, space, _asks_costs(node))
        return
    sides = zip(node.operands, node.operators, node.operands[1:], strict=False)
    bounds = [_bound(program, left, operator, right) for left, operator, right in sides]
    known = [bound for bound in bounds if bound is not None]
    if len(known) == len(bounds):
        yield from known
    else:
        yield Comparison(node.span.text, node, program, space, _asks_costs(node))


def _asks_costs(node: nodes.Expression) -> bool:
    return any(isinstance(part, nodes.Name) and part.text in COSTS for part in below(node))


_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


def _bound(program: Program, left: nodes.Expression, operator: str, right: nodes.Expression) -> CostBound | None:
    """A cost compared with a number."""
    if operator not in _TURNED:
        return None
    if isinstance(right, nodes.Name) and right.text in COSTS:
        left, right, operator = right, left, _TURNED[operator]
    if not isinstance(left, nodes.Name):
        return None
    number = _number(program, right)
    if left.text not in COSTS or number is None:
        return None
    metric = COSTS[COSTS.index(left.text)]
    text = f"{metric} {operator} {right.span.text}"
    match operator:
        case "<":
            return CostBound(text, metric, high=math.ceil(number) - 1)
        case "<=":
            return CostBound(text, metric, high=math.floor(number))
        case ">":
            return CostBound(text, metric, low=math.floor(number) + 1)
        case ">=":
            return CostBound(text, metric, low=math.ceil(number))
        case _:
            return CostBound(text, metric, math.ceil(number), math.floor(number))


def _number(program: Program, node: nodes.Expression) -> float | None:
    """The number that a side of a comparison is, whatever the candidate."""
    if any(isinstance(part, nodes.Name) and part.text in COSTS for part in below(node)):
        return None
    frame = Frame(Session(program.limits), World(Universe()), program.unit, Body(""))
    try:
        value = evaluate(node, frame)
    except (Fault, Abandoned):
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
