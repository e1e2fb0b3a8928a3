"""Where decisions sit: which belong together, which sit inside an option of another, and which form a row."""

from collections.abc import Iterable, Mapping, Sequence

from archdsl.search.contract import Decision, Option


def inside(path: str, other: str) -> bool:
    """Whether a decision sits inside of what another takes: `mixers.2.heads` inside of `mixers.2`."""
    return path.startswith(other) and path[len(other) : len(other) + 1] == "."


def place_of(path: str) -> str:
    """What a decision shares with those that it moves with: the first number of its path, such as the stage, or its
    first name where it has none."""
    parts = path.split(".")
    return next((part for part in parts if part.isdigit()), parts[0])


def numeric(options: Sequence[Option]) -> bool:
    """Whether options have an order that means something."""
    return len(options) > 2 and all(isinstance(o, int | float) and not isinstance(o, bool) for o in options)


def rows_of(decisions: Iterable[Decision]) -> list[list[Decision]]:
    """Neighbours with the same options that differ in their last number, in its order: the mixers of a stage."""
    found: dict[tuple[str, tuple[Option, ...]], list[tuple[int, Decision]]] = {}
    for decision in decisions:
        parent, _, last = decision.path.rpartition(".")
        if last.isdigit() and decision.bounds is None:
            found.setdefault((parent, decision.options), []).append((int(last), decision))
    return [[decision for _, decision in sorted(row, key=lambda p: p[0])] for row in found.values() if len(row) > 1]


def without_inside(genome: Mapping[str, Option], path: str) -> dict[str, Option]:
    """The genome without what a path decides, and without what sits inside of it."""
    return {other: option for other, option in genome.items() if other != path and not inside(other, path)}


def grafted(genome: Mapping[str, Option], at: str, donor: Mapping[str, Option], source: str) -> dict[str, Option]:
    """The genome whose decision at a path, with all inside of it, is the one that a donor has at another path."""
    found = without_inside(genome, at)
    for path, option in donor.items():
        if path == source or inside(path, source):
            found[at + path[len(source) :]] = option
    return found
