"""The name that was probably meant. The answer depends on the names alone, never on their order."""

import re
from collections.abc import Iterable

# Names longer than this are compared by equality and beginnings only: the distance costs the product of the lengths.
LONGEST = 80
NUMBER = re.compile(r"[0-9]{1,9}")
# Beginnings and parts shorter than this say nothing.
SHORTEST_PART = 3


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `name`: equal but for case and underscores, else few edits away, else abbreviated."""
    others = sorted({candidate for candidate in candidates if candidate and candidate != name})
    for same in (str.casefold, _bare):
        equal = [candidate for candidate in others if same(candidate) == same(name)]
        if equal:
            return equal[0]
    if len(name) <= LONGEST:
        bound = max(len(name) // 3, 1)
        lower, letters = name.casefold(), sorted(name)
        near = [
            (
                distance,
                sorted(candidate) != letters,
                abs(len(candidate) - len(name)),
                _apart(name, candidate),
                candidate,
            )
            for candidate in others
            if abs(len(candidate) - len(name)) <= bound
            and (distance := _distance(lower, candidate.casefold(), bound)) <= bound
            # One letter for another is no likeness.
            and distance < max(len(name), len(candidate))
        ]
        if near:
            return min(near)[-1]
    return _abbreviated(name, others)


def did_you_mean(name: str, candidates: Iterable[str], what: str = "name") -> str | None:
    """The note that offers the nearest name: "a setting with a similar name exists: `groups`"."""
    near = closest(name, candidates)
    if near is None:
        return None
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what} with a similar name exists: `{near}`"


def _apart(a: str, b: str) -> int:
    """How far the first numbers in both are from each other: of `int2` to `int16`, `int9` is nearest to `int8`."""
    first, second = (NUMBER.search(name) for name in (a, b))
    return abs(int(first[0]) - int(second[0])) if first and second else 0


def _bare(name: str) -> str:
    return name.casefold().replace("_", "")


def _abbreviated(name: str, candidates: list[str]) -> str | None:
    """One begins with the other, as `drop` and `dropout`; or it is part of only one, as `norm` of `batch_norm`."""
    lower = _bare(name)
    if len(lower) < SHORTEST_PART:
        return None
    begun = [
        (abs(len(candidate) - len(name)), candidate)
        for candidate in candidates
        if _likely_short_for(lower, _bare(candidate))
    ]
    if begun:
        return min(begun)[-1]
    holding = [candidate for candidate in candidates if name.casefold() in candidate.casefold().split("_")]
    return holding[0] if len(holding) == 1 else None


def _likely_short_for(a: str, b: str) -> bool:
    """One begins with the other and is at least half as long."""
    short, long = sorted((a, b), key=len)
    return len(short) >= SHORTEST_PART and 2 * len(short) >= len(long) and long.startswith(short)


def _distance(a: str, b: str, bound: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that turn one into the other, exact up to `bound`."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        before, above, row = row, before, [i]
        for j, right in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) > bound and min(before) > bound:
            return bound + 1
    return row[-1]
