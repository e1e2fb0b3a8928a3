"""Sizes of axes: plain integers, or polynomials over sizes that are not known yet.

Two things are unknown while a program is checked. The batch stays free for ever, so what is said of it must hold for
every value. The sizes of a component that nothing calls yet are open: a fault is one only if no size avoids it. An open
size stands for every size of at least 2, for a size of 1 broadcasts everywhere and would excuse nearly every
mistake."""

import math
import operator
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

Number: TypeAlias = int | float
Monomial: TypeAlias = "tuple[Atom, ...]"


MOST_FACTORS = 32
MOST_CHARACTERS = 1000
"""Of one unknown size; what is larger raises OverflowError, as a number does that is too large."""


@dataclass(frozen=True, slots=True, order=True)
class Atom:
    """One unknown: a name, or an operation on unknowns that no polynomial can express. `free` is true of the batch."""

    name: str
    free: bool = False
    operation: str = ""
    operands: tuple["Symbolic | int | float", ...] = ()


@dataclass(frozen=True, slots=True)
class Symbolic:
    """A sum of monomials, sorted: `((monomial, coefficient), ...)`. Equal polynomials are equal values."""

    terms: tuple[tuple[Monomial, Number], ...]

    def __add__(self, other: "Symbolic | Number") -> "Symbolic | Number":
        return _sum(self, other, 1)

    __radd__ = __add__

    def __sub__(self, other: "Symbolic | Number") -> "Symbolic | Number":
        return _sum(self, other, -1)

    def __rsub__(self, other: Number) -> "Symbolic | Number":
        return _sum(symbolic(other), self, -1)

    def __neg__(self) -> "Symbolic | Number":
        return self * -1

    def __mul__(self, other: "Symbolic | Number") -> "Symbolic | Number":
        terms: dict[Monomial, Number] = {}
        for left, a in self.terms:
            for right, b in symbolic(other).terms:
                key = tuple(sorted((*left, *right), key=_order))
                if len(key) > MOST_FACTORS:
                    raise OverflowError
                terms[key] = terms.get(key, 0) + a * b
        return _simplest(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other: "Symbolic | Number") -> "Symbolic | Number":
        exact = exact_quotient(self, other)
        return exact if exact is not None else _opaque("//", self, other)

    def __rfloordiv__(self, other: Number) -> "Symbolic | Number":
        return _opaque("//", other, self)

    def __truediv__(self, other: "Symbolic | Number") -> "Symbolic | Number":
        exact = exact_quotient(self, other)
        return exact if exact is not None else _opaque("/", self, other)

    def __rtruediv__(self, other: Number) -> "Symbolic | Number":
        return _opaque("/", other, self)

    def __mod__(self, other: "Symbolic | Number") -> "Symbolic | Number":
        return 0 if exact_quotient(self, other) is not None else _opaque("%", self, other)

    def __rmod__(self, other: Number) -> "Symbolic | Number":
        return _opaque("%", other, self)

    def __pow__(self, other: "Symbolic | Number") -> "Symbolic | Number":
        if type(other) is int and 0 <= other <= 8:
            result: Symbolic | Number = 1
            for _ in range(other):
                result = result * self
            return result
        return _opaque("**", self, other)

    def __rpow__(self, other: Number) -> "Symbolic | Number":
        return _opaque("**", other, self)

    def __str__(self) -> str:
        if len(self.terms) == 1 and len(self.terms[0][0]) == 1 and self.terms[0][1] == 1:
            # A single operation needs its parentheses only inside something larger.
            atom = self.terms[0][0][0]
            return atom.name[1:-1] if atom.name.startswith("(") else atom.name
        return self.inside()

    def inside(self) -> str:
        """The size as a part of something larger."""
        words: list[str] = []
        for monomial, coefficient in self.terms:
            factors = [atom.name for atom in monomial]
            if coefficient != 1 or not factors:
                factors.insert(0, str(coefficient))
            words.append(" * ".join(factors))
        return " + ".join(words).replace("+ -", "- ")


Size: TypeAlias = int | Symbolic


def unknown(name: str) -> Symbolic:
    """An open size: any size of at least 2."""
    return Symbolic((((Atom(name),), 1),))


BATCH = Symbolic((((Atom("batch", free=True),), 1),))


def symbolic(value: Symbolic | Number) -> Symbolic:
    return value if isinstance(value, Symbolic) else Symbolic((((), value),) if value else ())


def apply(operation: str, *operands: Symbolic | Number) -> Symbolic | Number:
    """An operation that no polynomial can express (`max`, `int`, `ceil`, ...), folded when nothing in it is unknown."""
    if not any(isinstance(operand, Symbolic) for operand in operands):
        return _OPERATIONS[operation](*operands)  # type: ignore[arg-type]
    if operation in ("int", "floor", "ceil", "round") and _is_integral(operands[0]):
        return _simplest({monomial: int(c) for monomial, c in symbolic(operands[0]).terms})
    return _opaque(operation, *operands)


def same(left: Size, right: Size) -> bool:
    """False only if the two certainly differ: for some batch, or for every open size."""
    if left is right or left == right:
        return True
    if type(left) is int and type(right) is int:
        return False
    if _is_own_name(left, right) or _is_own_name(right, left):
        return True
    return _possible(lambda a, b: a == b, left, right)


def divides(divisor: Size, size: Size) -> bool:
    """False only if `size % divisor` is certainly not 0."""
    if type(divisor) is int and type(size) is int:
        return divisor != 0 and size % divisor == 0
    return exact_quotient(size, divisor) is not None or _possible(lambda a, b: b != 0 and a % b == 0, size, divisor)


def compare(sign: str, left: Symbolic | Number, right: Symbolic | Number) -> bool | None:
    """The truth of a comparison that an op's rule asks; None where it depends on the size."""
    test = _COMPARISONS[sign]
    if not isinstance(left, Symbolic) and not isinstance(right, Symbolic):
        return test(left, right)
    outcomes = {test(a, b) for a, b in _samples(left, right)}
    return outcomes.pop() if len(outcomes) == 1 else None


def decide(sign: str, left: Symbolic | Number, right: Symbolic | Number) -> bool | None:
    """The truth of a comparison that a program asks; None where it depends on the size. Nothing is taken for granted
    but that axes are at least 1: a condition such as `h == 1` is asked because that can happen."""
    difference = symbolic(left) - symbolic(right)
    if not isinstance(difference, Symbolic):
        return _COMPARISONS[sign](difference, 0)
    if any(atom.operation for monomial, _ in difference.terms for atom in monomial):
        return None
    slopes = [c for monomial, c in difference.terms if monomial]
    nearest = sum(c for _, c in difference.terms)
    low = nearest if min(slopes) > 0 else -math.inf
    high = nearest if max(slopes) < 0 else math.inf
    outcomes = {_COMPARISONS[sign](bound, 0) for bound in (low, high)}
    if sign in ("==", "!="):
        return None if low <= 0 <= high else sign == "!="
    return outcomes.pop() if len(outcomes) == 1 else None


def is_batch_dependent(size: object) -> bool:
    return isinstance(size, Symbolic) and any(atom.free for atom in _atoms(size))


def has_open(size: object) -> bool:
    """Whether a size speaks of one that is open, not of the batch alone."""
    return isinstance(size, Symbolic) and any(not atom.free for atom in _atoms(size))


def at_batch_one(size: Symbolic | Number) -> Symbolic | Number:
    """The size for a single picture: what costs are counted for."""
    return at_batch(size, 1)


def at_batch(size: Symbolic | Number, batch: int) -> Symbolic | Number:
    """The size for so many pictures at once."""
    if not isinstance(size, Symbolic):
        return size
    result: Symbolic | Number = 0
    for monomial, coefficient in size.terms:
        term: Symbolic | Number = coefficient
        for atom in monomial:
            term = term * (batch if atom.free else Symbolic((((atom,), 1),)))
        result = result + term
    return result


def exact_quotient(left: Symbolic | Number, right: Symbolic | Number) -> Symbolic | Number | None:
    """`left / right` when it is exact for every size, else None."""
    divisor = symbolic(right).terms
    if len(divisor) != 1:
        return 1 if left == right and divisor else None
    (monomial, coefficient), terms = divisor[0], dict[Monomial, Number]()
    if coefficient == 0:
        return None
    for key, value in symbolic(left).terms:
        rest = list(key)
        for atom in monomial:
            if atom not in rest:
                return None
            rest.remove(atom)
        if value % coefficient:
            return None
        terms[tuple(rest)] = value // coefficient if type(value) is int else value / coefficient
    return _simplest(terms)


def _is_own_name(size: Size, other: Size) -> bool:
    """Whether a size is an open name that the other one does not speak of, and so can be made equal to it."""
    if not isinstance(size, Symbolic) or len(size.terms) != 1 or is_batch_dependent(size) or is_batch_dependent(other):
        return False
    monomial, coefficient = size.terms[0]
    if coefficient != 1 or len(monomial) != 1 or monomial[0].operation:
        return False
    return monomial[0] not in _atoms(other) and (isinstance(other, Symbolic) or other >= 2)


def _order(atom: Atom) -> tuple[str, bool]:
    return atom.name, atom.free


def _sum(left: Symbolic, right: Symbolic | Number, sign: int) -> Symbolic | Number:
    terms = dict(left.terms)
    for monomial, coefficient in symbolic(right).terms:
        terms[monomial] = terms.get(monomial, 0) + sign * coefficient
    return _simplest(terms)


def _simplest(terms: dict[Monomial, Number]) -> Symbolic | Number:
    kept = {monomial: c for monomial, c in terms.items() if c}
    if not kept:
        return 0
    if len(kept) == 1 and () in kept:
        return kept[()]
    return Symbolic(tuple(sorted(kept.items(), key=lambda item: (-len(item[0]), [_order(atom) for atom in item[0]]))))


def _is_integral(value: Symbolic | Number) -> bool:
    def whole(atom: Atom) -> bool:
        return atom.operation not in ("/", "**", "sqrt", "log", "exp", "real")

    return all(float(c).is_integer() and all(whole(a) for a in monomial) for monomial, c in symbolic(value).terms)


def _opaque(operation: str, *operands: Symbolic | Number) -> Symbolic:
    words = [_operand(o) for o in operands]
    infix = operation in ("/", "//", "%", "**")
    if sum(map(len, words)) > MOST_CHARACTERS:
        raise OverflowError
    name = f"{words[0]} {operation} {words[1]}" if infix else f"{operation}({', '.join(words)})"
    return Symbolic((((Atom(f"({name})" if infix else name, False, operation, operands),), 1),))


def _operand(value: Symbolic | Number) -> str:
    if not isinstance(value, Symbolic):
        return str(value)
    return f"({value})" if len(value.terms) > 1 else value.inside()


def _atoms(size: Symbolic | Number) -> set[Atom]:
    """The named unknowns in a size, also those inside operations."""
    found: set[Atom] = set()
    for monomial, _ in symbolic(size).terms:
        for atom in monomial:
            if atom.operation:
                for operand in atom.operands:
                    found |= _atoms(operand)
            else:
                found.add(atom)
    return found


def _value(size: Symbolic | Number, sizes: dict[Atom, int]) -> Number:
    if not isinstance(size, Symbolic):
        return size
    total: Number = 0
    for monomial, coefficient in size.terms:
        for atom in monomial:
            operands = (_value(operand, sizes) for operand in atom.operands)
            coefficient = coefficient * (_OPERATIONS[atom.operation](*operands) if atom.operation else sizes[atom])
        total += coefficient
    return total


def _literals(size: Symbolic | Number) -> set[int]:
    """Numbers that stand in a size: a condition such as `c == 1000` is met near them, if anywhere."""
    if not isinstance(size, Symbolic):
        return {int(size)} if abs(size) < 1 << 40 else set()
    found = {int(c) for _, c in size.terms if abs(c) < 1 << 40}
    return found.union(*(_literals(o) for monomial, _ in size.terms for atom in monomial for o in atom.operands))


@cache
def _samples(left: Symbolic | Number, right: Symbolic | Number) -> tuple[tuple[Number, Number], ...]:
    """Both sides, at a fixed choice of sizes: small ones, usual ones, near the literals, equal to each other and
    mixed."""
    atoms = sorted(_atoms(left) | _atoms(right), key=_order)
    near = {n + d for n in _literals(left) | _literals(right) for d in (-1, 0, 1)}
    usual = sorted(
        {n for n in near if n >= 2}
        | {*range(2, 34), 48, 49, 56, 64, 96, 112, 128, 192, 196, 224, 256, 384, 512, 768, 1024}
    )
    draw = random.Random(0)
    rows = [[n] * len(atoms) for n in usual]
    if len(atoms) == 2:
        rows += [[a, b] for a in range(2, 34) for b in range(2, 34)]
    elif len(atoms) > 2:
        rows += [[draw.choice(usual) for _ in atoms] for _ in range(1000)]
    pairs: list[tuple[Number, Number]] = []
    for row in rows:
        sizes = dict(zip(atoms, row, strict=True))
        try:
            pairs.append((_value(left, sizes), _value(right, sizes)))
        except (ArithmeticError, ValueError):
            continue
    return tuple(pairs) or ((0, 0),)


def _possible(test: Callable[[Number, Number], bool], left: Size, right: Size) -> bool:
    """Whether open sizes exist for which the test holds; for the batch it would have to hold whatever it is."""
    if any(atom.free for atom in _atoms(left) | _atoms(right)):
        return all(test(a, b) for a, b in _samples(left, right))
    return any(test(a, b) for a, b in _samples(left, right))


def _ilog2(number: Number) -> int:
    return int(number).bit_length() - 1


_OF_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "//": lambda a, b: a // b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
    "max": max,
    "min": min,
}
_OF_ONE: dict[str, Callable[[Any], Any]] = {
    "abs": abs,
    "int": int,
    "real": float,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "sqrt": math.sqrt,
    "log": math.log,
    "exp": math.exp,
    "ilog2": _ilog2,
}
_OPERATIONS: dict[str, Callable[..., Any]] = {**_OF_TWO, **_OF_ONE}
_COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
