"""What expressions evaluate to. Numbers, strings, booleans and `none` are Python's own; lists are tuples; the rest is
here.

Values are immutable and compare by what they mean: two tensors of one type are equal, whichever op made them, because
the checker asks of a tensor only what may be done with it. Who made a tensor travels beside it, outside equality."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from archdsl.source import Span
from archdsl_compiler.graph import Wrapper
from archdsl_compiler.ops.contract import InitialValue, Op
from archdsl_compiler.sizes import Symbolic
from archdsl_compiler.types import TensorType

if TYPE_CHECKING:
    from archdsl.meaning.builtins import Builtin
    from archdsl.meaning.catalogue.contract import Entry
    from archdsl.meaning.conditions import Condition
    from archdsl.meaning.declared import Declared


class Unknown:
    """The value of what could not be evaluated, after the reason was reported. It fits everywhere, so one fault is told
    once."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()


class Measured(Unknown):
    """The value of a metric in a requirement on trials: known only when a trial has run, but what it measures is
    known."""

    def __init__(self, name: str, dimension: str) -> None:
        self.name = name
        self.dimension = dimension

    def __repr__(self) -> str:
        return self.name


class Pair(tuple["Value", ...]):
    """A tuple of the language, `(3, 4, 4)`: equal to the list of the same values, but printed with parentheses."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RealRange:
    """A continuous range, which only a choice can take."""

    start: float
    stop: float


@dataclass(frozen=True, slots=True, order=True)
class Amount:
    """A time in seconds or a size in bytes."""

    dimension: str
    number: float


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a tensor comes from: the place that made it, and from which tensors."""

    span: Span
    sources: tuple["Tensor", ...] = ()


@dataclass(frozen=True, slots=True)
class Tensor:
    """`reference` names the value in the graph of the module that is being built, where one is."""

    type: TensorType
    origin: Origin | None = field(default=None, compare=False, repr=False)
    reference: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """A component that waits for its tensors, with the settings that it was given so far."""

    callee: "Declared | Op"
    settings: tuple[tuple[str, "Value"], ...] = ()
    spans: Mapping[str, Span] = field(default_factory=dict[str, Span], repr=False)
    _hash: list[int] = field(default_factory=list[int], repr=False)

    @property
    def name(self) -> str:
        return self.callee.name

    @property
    def kind(self) -> str:
        return "op" if isinstance(self.callee, Op) else self.callee.kind.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Component) and self.callee is other.callee and self.settings == other.settings

    def __hash__(self) -> int:
        if not self._hash:
            self._hash.append(hash((id(self.callee), self.settings)))
        return self._hash[0]


@dataclass(frozen=True, slots=True)
class Step:
    """One component of a chain, and the label that it was given there, if any."""

    component: "Applicable"
    label: str | None


@dataclass(frozen=True, slots=True)
class Composed:
    """`conv(c, 3) |> batch_norm() |> relu`."""

    steps: tuple[Step, ...]
    name: str = "composed"
    size: int = field(default=0, compare=False)


def chain_of(steps: tuple[Step, ...]) -> Composed:
    """A chain, with the number of components in it and in the chains in it."""
    return Composed(steps, size=sum(s.component.size if isinstance(s.component, Composed) else 1 for s in steps))


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A component under a wrapper such as `float32` or `in_training`; it adds no level to the state dict."""

    wrapper: Wrapper
    inner: "Applicable"

    @property
    def name(self) -> str:
        return "none" if self.inner is None else "unknown" if isinstance(self.inner, Unknown) else self.inner.name


@dataclass(frozen=True, slots=True)
class Placed:
    """A component that was labelled before it met a tensor: one module, however often it is applied in the body that
    placed it."""

    inner: "Applicable"
    label: str
    token: object = field(compare=False, repr=False)
    body: object = field(compare=False, repr=False)
    span: Span = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        return "none" if self.inner is None else "unknown" if isinstance(self.inner, Unknown) else self.inner.name


@dataclass(frozen=True, slots=True)
class Decided:
    """A space with some of its decisions taken: what `decide(space, [...])` gives."""

    space: Component
    decisions: tuple[tuple[str, "Value"], ...]

    @property
    def name(self) -> str:
        return self.space.name


@dataclass(frozen=True, slots=True)
class Configured:
    """A call of an entry of the catalogue, such as `adamw(lr=1e-3)`."""

    entry: "Entry"
    settings: tuple[tuple[str, "Value"], ...]

    @property
    def name(self) -> str:
        return self.entry.name


@dataclass(frozen=True, slots=True)
class Variant:
    """A value that depends on the choices: what it is under each of some conditions, which exclude each other."""

    cases: tuple[tuple["Condition", "Value"], ...]


Plain: TypeAlias = int | float | bool | str | None
Made: TypeAlias = Component | Composed | Wrapped | Placed | Decided | Configured | InitialValue
Applicable: TypeAlias = Component | Composed | Wrapped | Placed | Unknown | None
Value: TypeAlias = (
    "Plain | tuple[Value, ...] | range | RealRange | Amount | Symbolic | Tensor | Made | Builtin | Variant | Unknown"
)


def space_of(entry: Component | Decided) -> Component:
    """The model or space itself, whether or not decisions of it were taken."""
    return entry.space if isinstance(entry, Decided) else entry


def is_component(value: "Value") -> bool:
    """Whether a value can be applied to a tensor; `none` can, and does nothing."""
    return value is None or isinstance(value, Component | Composed | Wrapped | Placed)


def has_variant(value: "Value") -> bool:
    """Whether a value depends on choices anywhere inside it."""
    if isinstance(value, Variant):
        return True
    if isinstance(value, tuple):
        return any(map(has_variant, value))
    if isinstance(value, Component | Configured):
        return any(has_variant(inner) for _, inner in value.settings)
    if isinstance(value, Composed):
        return any(has_variant(step.component) for step in value.steps)
    if isinstance(value, Wrapped | Placed):
        return has_variant(value.inner)
    return False


def has_unknown(value: "Value") -> bool:
    """Whether a value, or an element of a list, could not be evaluated."""
    return isinstance(value, Unknown) or (isinstance(value, tuple) and any(map(has_unknown, value)))


def tensors_of(value: "Value") -> Iterable[Tensor]:
    """The tensors in a value, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from tensors_of(item)


def show(value: "Value") -> str:
    """A value as a reader of the program would write it."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case float():
            return repr(value)
        case Pair():
            return f"({', '.join(map(show, value))}{',' if len(value) == 1 else ''})"
        case tuple():
            shown = [show(item) for item in value[:13]]
            return f"[{', '.join(shown[:12])}{', ...' if len(shown) > 12 else ''}]"
        case range():
            step = f" by {value.step}" if value.step != 1 else ""
            return f"{value.start}..<{value.stop}{step}"
        case RealRange():
            return f"{value.start}..{value.stop}"
        case Amount():
            return f"{value.number:g} s" if value.dimension == "time" else f"{value.number:g} bytes"
        case Tensor():
            return str(value.type)
        case Component() | Configured():
            settings = ", ".join(f"{name}={show(inner)}" for name, inner in value.settings)
            return f"{value.name}({settings})" if settings else value.name
        case Composed():
            return " |> ".join(show(step.component) for step in value.steps)
        case Wrapped():
            return f"{value.wrapper}({show(value.inner)})"
        case Placed():
            return show(value.inner)
        case Decided():
            return f"decide({show(value.space)}, ...)"
        case Variant():
            return " or ".join(dict.fromkeys(show(inner) for _, inner in value.cases[:4]))
        case InitialValue():
            return str(value)
        case Symbolic():
            return str(value)
        case _:
            return repr(value) if isinstance(value, int | Unknown) else f"`{value.name}`"
