"""Finding again what was evaluated before: by what it was made of, and by the decisions that were taken inside it.

Candidates of a space differ in few decisions, so most of what one needs was made for another. Which decisions matter is
learned on the way: each step of a `Memory` asks for the decision that the evaluation asked for next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar, cast

from archdsl.meaning.conditions import ALWAYS, NEVER
from archdsl.meaning.decisions import Offer, Taken
from archdsl.meaning.run import Chooser, Frame
from archdsl.meaning.values import UNKNOWN, Placed, Tensor, Value
from archdsl.syntax import nodes
from archdsl.syntax.descent import children
from archdsl_compiler.graph import join

_T = TypeVar("_T")
MOST_KEPT = 20_000
"""Results of one kind; beyond, further ones are made anew each time."""


@dataclass(slots=True)
class Memory(Generic[_T]):
    """Results of one evaluation, in a tree over the decisions that it took. Paths are relative to where it happened."""

    path: str | None = None
    offer: Offer | None = None
    found: _T | None = None
    branches: dict[Value, "Memory[_T]"] = field(default_factory=dict[Value, "Memory[_T]"])
    size: int = 0

    def recall(self, chooser: Chooser | None, at: str) -> _T | None:
        """The result for the chooser's decisions, if it was kept."""
        node = self
        while node.path is not None:
            option = chooser.recall(join(at, node.path), node.offer) if chooser is not None else UNKNOWN
            following = node.branches.get(option)
            if following is None:
                return None
            node = following
        return node.found

    def keep(self, decisions: list[Taken], result: _T) -> None:
        """Enter a result under the decisions that led to it, in the order in which they were taken."""
        if self.size >= MOST_KEPT:
            return
        self.size += 1
        node = self
        for taken in decisions:
            path, option = taken
            node.path, node.offer = path, taken.offer
            node = node.branches.setdefault(option, Memory())
        node.found = result


Kept: TypeAlias = tuple[Value, list[Taken]]
"""A value with the decisions that were taken for it."""


def remembered(frame: Frame, node: nodes.Expression, work: Callable[[], Value]) -> Value:
    """The value of an expression for one candidate. One that reads no tensor and leaves no op behind depends on nothing
    but the names that it reads and the decisions that are taken in it, so it is found again by these."""
    session, body = frame.session, frame.body
    known = session.remembered.get(id(node))
    if known is False or not frame.definite:
        return work()
    reads, chooses = cast("tuple[Reads, bool]", known or _look_at(session.remembered, node))
    if chooses and session.checking:
        return work()
    values = _values(frame, reads)
    key = (id(node), values, frame.naming) if chooses else (id(node), values)
    memory = cast("Memory[Kept] | None", session.remembered.get(key))
    if memory is None:
        if any(map(holds_tensor, values)):
            return work()
        memory = session.remembered[key] = Memory[Kept]()
    found = memory.recall(session.chooser, body.path)
    if found is not None:
        body.decisions += found[1]
        return found[0]
    before, decided = (body.mark(), frame.world.entries), len(body.decisions)
    value = work()
    if before != (body.mark(), frame.world.entries) or value is UNKNOWN or _holds_placed(value):
        session.remembered[id(node)] = False
        return value
    taken = body.decisions[decided:]
    memory.keep(taken, (value, taken))
    return value


@dataclass(frozen=True, slots=True)
class Effect:
    """What a statement of a root did: the names that it bound, what it returned, what it added to the costs."""

    bound: tuple[tuple[str, Value], ...]
    returned: tuple[Value, ...]
    parameters: int
    macs: int
    instances: int
    nodes: int
    decisions: list[Taken]


def replay(frame: Frame, item: nodes.Statement, work: Callable[[], None]) -> None:
    """Run a statement of a root that is only counted: again the effect of the last time, where it reads values like
    those of then. Tensors are alike that have one type. It must not be used where a graph is built, for it leaves no
    calls behind."""
    session, body = frame.session, frame.body
    known = session.remembered.get(id(item))
    if known is False:
        work()
        return
    reads, _ = cast("tuple[Reads, bool]", known or _look_at(session.remembered, item))
    key = (id(item), _values(frame, reads))
    memory = cast("Memory[Effect] | None", session.remembered.get(key))
    if memory is None:
        memory = session.remembered[key] = Memory[Effect]()
    effect = memory.recall(session.chooser, body.path)
    if effect is None:
        before = len(frame.results), body.parameters, body.macs, body.instances, body.nodes, len(body.decisions)
        work()
        bound = tuple((name, frame.names[name]) for name in _bound_by(item))
        returned = tuple(value for _, value, _ in frame.results[before[0] :])
        if any(map(_holds_placed, (*frame.names.values(), *returned))):
            session.remembered[id(item)] = False
            return
        costs = body.parameters - before[1], body.macs - before[2]
        added = *costs, body.instances - before[3], body.nodes - before[4]
        effect = Effect(bound, returned, *added, body.decisions[before[5] :])
        memory.keep(effect.decisions, effect)
        return
    frame.names.update(effect.bound)
    body.parameters += effect.parameters
    body.macs += effect.macs
    body.instances += effect.instances
    body.nodes += effect.nodes
    body.decisions += effect.decisions
    if effect.returned:
        frame.results += [(ALWAYS, value, item.span) for value in effect.returned]
        frame.condition = NEVER


def _bound_by(item: nodes.Statement) -> tuple[str, ...]:
    match item:
        case nodes.Let():
            return tuple(target.text for target in item.targets)
        case nodes.Assign():
            return (item.name.text,)
        case _:
            return ()


Reads: TypeAlias = tuple[tuple[str, str | int | None], ...]
"""Names that a text reads; with an index, only that element: `widths[i]`."""


def _values(frame: Frame, reads: Reads) -> tuple[Value, ...]:
    """What a text reads, as it is now."""
    found: list[Value] = []
    names = frame.names
    for name, index in reads:
        value = names.get(name)
        if index is not None and type(value) is tuple:
            place = names.get(index) if isinstance(index, str) else index
            if type(place) is int and -len(value) <= place < len(value):
                value = value[place]
        found.append(value)
    return tuple(found)


def _look_at(kept: dict[object, object], node: nodes.Node) -> tuple[Reads, bool]:
    """What a piece of text reads, and whether it chooses."""
    reads: dict[tuple[str, str | int | None], None] = {}
    chooses = False
    waiting: list[nodes.Node] = [node]
    while waiting:
        part = waiting.pop()
        chooses = chooses or isinstance(part, nodes.Choose)
        if isinstance(part, nodes.Name):
            reads[part.text, None] = None
        elif isinstance(part, nodes.Index) and isinstance(part.operand, nodes.Name) and len(part.subscripts) == 1:
            place = part.subscripts[0]
            if isinstance(place, nodes.Name | nodes.Integer):
                reads[part.operand.text, place.text if isinstance(place, nodes.Name) else place.value] = None
                waiting.append(place)
                continue
        waiting.extend(children(part))
    kept[id(node)] = (tuple(reads), chooses)
    return tuple(reads), chooses


def _holds_placed(value: Value) -> bool:
    """A placed component belongs to the body that placed it, and to no later one."""
    return type(value) is Placed or (isinstance(value, tuple) and any(map(_holds_placed, value)))


def holds_tensor(value: Value) -> bool:
    """Whether a value is a tensor or a list with one."""
    return type(value) is Tensor or (isinstance(value, tuple) and any(map(holds_tensor, value)))
