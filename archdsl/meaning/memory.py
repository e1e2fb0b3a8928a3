"""Finding again what was evaluated before: by what it was made of, and by the decisions that were taken inside it.

Candidates of a space differ in few decisions, so most of what one needs was made for another. Which decisions matter is
learned on the way: each step of a `Memory` asks for the decision that the evaluation asked for next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar, cast

from archdsl.meaning.conditions import ALWAYS, NEVER
from archdsl.meaning.run import Chooser, Frame
from archdsl.meaning.values import UNKNOWN, Placed, Tensor, Value
from archdsl.syntax import nodes
from archdsl.syntax.descent import below
from archdsl_compiler.graph import join

_T = TypeVar("_T")
MOST_KEPT = 20_000
"""Results of one kind; beyond, further ones are made anew each time."""


@dataclass(slots=True)
class Memory(Generic[_T]):
    """Results of one evaluation, in a tree over the decisions that it took. Paths are relative to where it happened."""

    path: str | None = None
    found: _T | None = None
    branches: dict[Value, "Memory[_T]"] = field(default_factory=dict[Value, "Memory[_T]"])
    size: int = 0

    def recall(self, chooser: Chooser | None, at: str) -> _T | None:
        """The result for the chooser's decisions, if it was kept."""
        node = self
        while node.path is not None:
            option = chooser.recall(join(at, node.path)) if chooser is not None else UNKNOWN
            following = node.branches.get(option)
            if following is None:
                return None
            node = following
        return node.found

    def keep(self, decisions: list[tuple[str, Value]], result: _T) -> None:
        """Enter a result under the decisions that led to it, in the order in which they were taken."""
        if self.size >= MOST_KEPT:
            return
        self.size += 1
        node = self
        for path, option in decisions:
            node.path = path
            node = node.branches.setdefault(option, Memory())
        node.found = result


Kept: TypeAlias = tuple[Value, list[tuple[str, Value]]]
"""A value with the decisions that were taken for it."""


def remembered(frame: Frame, node: nodes.Expression, work: Callable[[], Value]) -> Value:
    """The value of an expression for one candidate. One that reads no tensor and leaves no op behind depends on nothing
    but the names that it reads and the decisions that are taken in it, so it is found again by these."""
    session, body = frame.session, frame.body
    known = session.remembered.get(id(node))
    if known is False or not frame.definite:
        return work()
    reads, chooses = cast("tuple[tuple[str, ...], bool]", known or _look_at(session.remembered, node))
    if chooses and session.checking:
        return work()
    values = tuple(map(frame.names.get, reads))
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
    before, decided = body.mark(), len(body.decisions)
    value = work()
    if before != body.mark() or value is UNKNOWN:
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
    decisions: list[tuple[str, Value]]


def replay(frame: Frame, item: nodes.Statement, work: Callable[[], None]) -> None:
    """Run a statement of a root that is only counted: again the effect of the last time, where it reads values like
    those of then. Tensors are alike that have one type. It must not be used where a graph is built, for it leaves no
    calls behind."""
    session, body = frame.session, frame.body
    known = session.remembered.get(id(item))
    if known is False:
        work()
        return
    reads, _ = cast("tuple[tuple[str, ...], bool]", known or _look_at(session.remembered, item))
    key = (id(item), tuple(map(frame.names.get, reads)))
    memory = cast("Memory[Effect] | None", session.remembered.get(key))
    if memory is None:
        memory = session.remembered[key] = Memory[Effect]()
    effect = memory.recall(session.chooser, body.path)
    if effect is None:
        before = len(frame.results), body.parameters, body.macs, body.instances, len(body.decisions)
        work()
        bound = tuple((name, frame.names[name]) for name in _bound_by(item))
        returned = tuple(value for _, value, _ in frame.results[before[0] :])
        if any(map(_holds_placed, (*frame.names.values(), *returned))):
            session.remembered[id(item)] = False
            return
        added = body.parameters - before[1], body.macs - before[2], body.instances - before[3]
        effect = Effect(bound, returned, *added, body.decisions[before[4] :])
        memory.keep(effect.decisions, effect)
        return
    frame.names.update(effect.bound)
    body.parameters += effect.parameters
    body.macs += effect.macs
    body.instances += effect.instances
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


def _look_at(kept: dict[object, object], node: nodes.Node) -> tuple[tuple[str, ...], bool]:
    """The names that a piece of text reads, and whether it chooses."""
    parts = list(below(node))
    reads = tuple(dict.fromkeys(part.text for part in parts if isinstance(part, nodes.Name)))
    chooses = any(isinstance(part, nodes.Choose) for part in parts)
    kept[id(node)] = (reads, chooses)
    return reads, chooses


def _holds_placed(value: Value) -> bool:
    """A placed component belongs to the body that placed it, and to no later one."""
    return type(value) is Placed or (isinstance(value, tuple) and any(map(_holds_placed, value)))


def holds_tensor(value: Value) -> bool:
    """Whether a value is a tensor or a list with one."""
    return type(value) is Tensor or (isinstance(value, tuple) and any(map(holds_tensor, value)))
