"""Numbers in which the modules of a class differ become arguments of its constructor.

What is equal everywhere stays as it is. A number that differs is written by what the source has for it: a setting or an
axis of that value, the expression that stood there, or simple arithmetic on arguments; each is tried on every module
and dropped where it is wrong for one. What nothing explains becomes an argument of its own."""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import TypeAlias, cast

from archdsl_compiler.emit.code import Each, Expression, Infix, Number, Prefix, Raw
from archdsl_compiler.emit.merging import Template
from archdsl_compiler.emit.skeleton import same
from archdsl_compiler.emit.words import variable

Vector: TypeAlias = tuple[object, ...]
"""A value for each module of the class; MISSING where the module does not ask."""


class Missing:
    """A module that lacks the code in which the number stands."""


MISSING = Missing()
NAMES = {"c": "dim", "h": "height", "w": "width"}
"""Axes whose letters say what they are, and what arguments are called after them."""
TAKEN = {"x", "i", "_"}
OPERATORS: dict[type[ast.operator], tuple[str, Callable[[float, float], float]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.FloorDiv: ("//", lambda left, right: left // right),
    ast.Div: ("/", lambda left, right: left / right),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", lambda left, right: left**right),
}


@dataclass(slots=True)
class Lifting:
    """The arguments of a class as they are found: `arguments` maps names to what each module gives."""

    template: Template
    bindings: list[Mapping[str, object]] = field(default_factory=list[Mapping[str, object]])
    settings: list[str] = field(default_factory=list[str])
    arguments: dict[str, Vector] = field(default_factory=dict[str, Vector])
    sources: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        modules = [draft.module for draft in self.template.drafts]
        self.bindings = [{**dict(module.settings), **module.bindings} for module in modules]
        self.settings = [name for name, _ in modules[0].settings]

    @property
    def modules(self) -> int:
        return len(self.template.drafts)

    def value(self, rows: Mapping[int, object], hint: str, name: str) -> Expression:
        """A number of the class, by what each module has for it."""
        vector = tuple(_plain(rows.get(k, MISSING)) for k in range(self.modules))
        return self._written(vector, hint, name)

    def flag(self, present: frozenset[int]) -> Expression:
        """A condition that holds for these modules alone."""
        for name, vector in self.arguments.items():
            if all(_truth(value) == (k in present) for k, value in enumerate(vector)):
                return Raw(name)
        for name in self._names():
            vector = self._vector(name)
            if vector is not None and all(_truth(value) == (k in present) for k, value in enumerate(vector)):
                return Raw(self._argument(name, vector))
        whole = {name: found for name, found in self.arguments.items() if self._numbers(found)}
        for (left, first), (right, second) in permutations(whole.items(), 2):
            if all((a != b) == (k in present) for k, (a, b) in enumerate(zip(first, second, strict=True))):
                return Infix("!=", Raw(left), Raw(right))
        vector = tuple(k in present for k in range(self.modules))
        return Raw(self._argument("", vector, "variant"))

    def _names(self) -> list[str]:
        """Names of the source that have a plain value in every module, settings first."""
        first = self.bindings[0]
        axes = [name for name in ("c", *first) if name not in self.settings and name in first]
        axes = [name for name in axes if len(name) > 1 or name in NAMES]  # others stand for this and that
        return [name for name in dict.fromkeys([*self.settings, *axes])]

    def _vector(self, name: str) -> Vector | None:
        vector = tuple(_plain(each.get(name, MISSING)) for each in self.bindings)
        return vector if all(_is_plain(value) for value in vector) else None

    def _argument(self, source: str, vector: Vector, wanted: str = "") -> str:
        """The argument that has these values, made where there is none yet."""
        for name, values in self.arguments.items():
            if _agree(vector, values):
                return name
        whole = all(isinstance(value, int) for value in vector if value is not MISSING)
        name = NAMES.get(source, source) or wanted or ("dim" if whole else "value")
        name = variable(name, constructing=True) if name.isidentifier() else "value"
        base, number = name, 2
        while name in self.arguments or name in TAKEN:
            name, number = f"{base}_{number}", number + 1
        self.arguments[name] = tuple(_filled(value, vector) for value in vector)
        self.sources[name] = source
        return name

    def _written(self, vector: Vector, hint: str, name: str) -> Expression:
        known = [value for value in vector if value is not MISSING]
        if all(same(value, known[0]) for value in known):
            return Number(known[0])
        # A name that the body binds explains less than arithmetic on what the component is given.
        given = not hint.isidentifier() or hint in self.settings or hint in NAMES
        usual = (self._by_argument, self._by_name, self._by_hint, self._by_arithmetic)
        for attempt in usual if given else (self._by_arithmetic, *usual):
            found = attempt(vector, hint, name)
            if found is not None:
                return found
        return Raw(self._argument("", vector, name))

    def _by_argument(self, vector: Vector, hint: str, name: str) -> Expression | None:
        exact = self._vector(hint) if hint.isidentifier() else None
        if exact is not None and _agree(vector, exact):
            return Raw(self._argument(hint, exact))
        found = next((known for known, values in self.arguments.items() if _agree(vector, values)), None)
        return Raw(found) if found is not None else None

    def _by_name(self, vector: Vector, hint: str, name: str) -> Expression | None:
        names = self._names()
        # What nobody wrote, as the channels that come in, is an axis sooner than a setting.
        for known in names if hint else ["c", *names]:
            exact = self._vector(known)
            if exact is not None and _agree(vector, exact):
                return Raw(self._argument(known, exact))
        return None

    def _by_hint(self, vector: Vector, hint: str, name: str) -> Expression | None:
        try:
            tree = ast.parse(hint.strip(), mode="eval").body
        except (SyntaxError, ValueError):
            return None
        for each, value in zip(self.bindings, vector, strict=True):
            if value is not MISSING and not same(_evaluated(tree, each), value):
                return None
        return self._translated(tree)

    def _translated(self, tree: ast.expr) -> Expression | None:
        match tree:
            case ast.Constant(value=int() | float() as value):
                return Number(value)
            case ast.Name(id=name):
                vector = self._vector(name)
                return None if vector is None else self._written(vector, name, name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._translated(operand)
                return None if inner is None else Prefix("-", inner)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
                a, b = self._translated(left), self._translated(right)
                return None if a is None or b is None else Infix(OPERATORS[type(sign)][0], a, b)
            case _:
                return None

    def _by_arithmetic(self, vector: Vector, hint: str, name: str) -> Expression | None:
        """A multiple, a fraction, a negative or a root of arguments that are there or that the source names."""
        values = [value for value in vector if value is not MISSING]
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            return None
        atoms: dict[str, Vector] = {
            known: found
            for known in dict.fromkeys(("c", *self.settings, "h"))
            if (found := self._vector(known)) is not None and self._numbers(found)
        }
        own = {known: found for known, found in self.arguments.items() if self._numbers(found)}
        for known, found in own.items():
            written = _ratio(vector, found, Raw(known))
            if written is not None:
                return written
        for known, found in atoms.items():
            written = _ratio(vector, found, None)
            if written is not None:
                return _ratio(vector, found, Raw(self._argument(known, found)))
        for first, second in permutations({**own, **atoms}.items(), 2):
            for sign, function in (OPERATORS[ast.FloorDiv], OPERATORS[ast.Mult]):
                found = tuple(_safe(function, a, b) for a, b in zip(first[1], second[1], strict=True))
                for root in (False, True):
                    if _agree(vector, tuple(_root(value) if root else value for value in found)):
                        a, b = (
                            Raw(known if known in own else self._argument(known, values_))
                            for known, values_ in (first, second)
                        )
                        whole: Expression = Infix(sign, a, b)
                        return Infix("**", whole, Number(-0.5)) if root else whole
        return None

    @staticmethod
    def _numbers(vector: Vector) -> bool:
        return all(isinstance(value, int) and not isinstance(value, bool) for value in vector)


def _ratio(vector: Vector, atom: Vector, name: Raw | None) -> Expression | None:
    """A vector as a multiple or a fraction of another, or its inverse root."""
    label = name or Raw("")
    pairs = [(v, a) for v, a in zip(vector, atom, strict=True) if v is not MISSING]
    numbers = [(cast("int | float", v), cast("int", a)) for v, a in pairs]
    if all(v == -a for v, a in numbers):
        return Prefix("-", label)
    if all(isinstance(v, int) and a for v, a in numbers):
        v, a = numbers[0]
        if all(w == b for w, b in numbers):
            return label
        if v and v % a == 0 and all(w == b * (v // a) for w, b in numbers):
            return Infix("*", Number(int(v // a)), label)
        if v and a % v == 0 and all(w == b // (a // v) for w, b in numbers):
            return Infix("//", label, Number(int(a // v)))
    gap = numbers[0][0] - numbers[0][1]
    if gap and all(isinstance(v, int) and v - a == gap for v, a in numbers):
        return Infix("+" if gap > 0 else "-", label, Number(abs(gap)))
    if all(same(v, _root(a)) for v, a in numbers):
        return Infix("**", label, Number(-0.5))
    return None


def _root(value: object) -> object:
    return value**-0.5 if isinstance(value, int) and value > 0 else MISSING


def _safe(function: Callable[[float, float], float], left: object, right: object) -> object:
    if not isinstance(left, int) or not isinstance(right, int) or right == 0:
        return MISSING
    return function(left, right)


def _evaluated(tree: ast.expr, names: Mapping[str, object]) -> object:
    match tree:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.Name(id=name):
            return names.get(name, MISSING)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _evaluated(operand, names)
            return -inner if isinstance(inner, int | float) else MISSING
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            a, b = _evaluated(left, names), _evaluated(right, names)
            if not isinstance(a, int | float) or not isinstance(b, int | float):
                return MISSING
            try:
                return OPERATORS[type(sign)][1](a, b)
            except (ArithmeticError, ValueError):
                return MISSING
        case _:
            return MISSING


def _plain(value: object) -> object:
    """Ranges and lists as tuples."""
    if isinstance(value, range | list | tuple):
        return tuple(_plain(item) for item in cast("Iterable[object]", value))
    return value


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(item) for item in cast(Vector, value))
    return isinstance(value, int | float | str)


def _agree(vector: Vector, values: Vector) -> bool:
    """Whether the values are right for every module that asks."""
    return all(wanted is MISSING or same(wanted, value) for wanted, value in zip(vector, values, strict=True))


def _truth(value: object) -> bool | None:
    return bool(value) if isinstance(value, int | float) else None


def _filled(value: object, vector: Vector) -> object:
    """What a module gives for an argument that it never reads: nothing of the kind."""
    if value is not MISSING:
        return value
    other = next(each for each in vector if each is not MISSING)
    return type(other)()


def annotation(values: Sequence[object]) -> str:
    """The type of an argument with these values, as Python writes it."""
    kinds = {type(value) for value in values}
    if kinds == {bool} or kinds == {int} or kinds == {str}:
        return kinds.pop().__name__
    if kinds <= {int, float}:
        return "float"
    if kinds == {tuple}:
        inner = [item for value in values for item in cast(Vector, value)]
        return f"list[{annotation(inner) if inner else 'int'}]"
    return "object"


def each_vector(cells: Mapping[int, Number | Each], counts: Mapping[int, int]) -> dict[int, tuple[object, ...]]:
    """A number of a loop's pass, as a list for each module."""
    return {k: cell.values if isinstance(cell, Each) else (cell.value,) * counts[k] for k, cell in cells.items()}
