"""Every genome of a small space, followed one by one: what counting and drawing are compared with."""

from pathlib import Path

from archdsl.meaning.decisions import Offer
from archdsl.meaning.values import Value
from archdsl.search.contract import Candidate
from archdsl.space.opened import Space
from archdsl.targets import open_target

Key = tuple[tuple[str, object], ...]


def opened(folder: Path, text: str, name: str = "s") -> Space:
    path = folder / "space.arch"
    path.write_text(text, encoding="utf-8")
    return Space(open_target(f"{path}:{name}", wants=("space", "model")))


def key_of(candidate: Candidate) -> Key:
    return tuple(candidate.genome.items())


def all_valid(space: Space) -> dict[Key, Candidate]:
    """Every valid candidate by its genome: like a counter whose last digit moves first."""
    found: dict[Key, Candidate] = {}
    plan: list[int] = []
    while True:
        widths: list[int] = []

        def choose(path: str, offer: Offer, widths: list[int] = widths) -> Value:
            position = len(widths)
            widths.append(len(offer.allowed))
            if position == len(plan):
                plan.append(0)
            return offer.names[offer.allowed[plan[position]]]

        candidate = space.follow(choose, graph=False)
        if isinstance(candidate, Candidate):
            found[key_of(candidate)] = candidate
        del plan[len(widths) :]
        while plan and plan[-1] + 1 == widths[len(plan) - 1]:
            plan.pop()
        if not plan:
            return found
        plan[-1] += 1
