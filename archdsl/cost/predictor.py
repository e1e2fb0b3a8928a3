"""Guesses what a candidate takes from its decisions, learned from some that were measured.

The guess is a Gaussian process over the effects of options. An option that stands at many places, as `op3` and `op4`
have it, has an effect that all places share, one that changes slowly from place to place, and one of each place alone.
How much of each there is, and how much noise, is weighed by how well it explains the rows, so that few rows tell about
options and many about places."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp, lgamma, log1p
from typing import Any

import torch
from torch import Tensor

Row = Mapping[str, str]
"""What was decided at each place that was reached, as tables write it."""

PLACES = (0.0, 0.03, 0.1, 0.3, 0.6, 1.0)
"""The share of the effects that differ from place to place."""
ALONE = (0.0, 0.1, 0.3, 1.0)
"""The part of that share which a place has alone; the rest changes slowly."""
NOISES = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0)
REACH = 6.0
"""Places over which an effect that changes slowly is much the same."""
CAUTION = 5.0
"""How much less is expected of effects that differ from place to place, and of those that places have alone."""
DEGREES = 4.0
"""Of the t distribution of all measurements together: how sure it is how much they vary."""
LEAST_WEIGHT = 1e-3
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class _Explanation:
    """One way to share effects out, and what follows for new rows."""

    weight: float
    places: float
    alone: float
    scale: float
    means: Tensor
    solved: Tensor


@dataclass(slots=True)
class Predictor:
    """Learned from `rows` with what was measured of each."""

    rows: Sequence[Row]
    values: Sequence[float]
    _middle: float = 0.0
    _spread: float = 1.0
    _found: list[_Explanation] = field(default_factory=list[_Explanation])
    _coded: "_Coded | None" = None

    def __post_init__(self) -> None:
        y = torch.tensor(self.values, dtype=torch.float64)
        self._middle = float(y.mean())
        self._spread = float(y.std(unbiased=False)) or 1.0
        self._coded = _Coded(self.rows)
        self._found = _explanations(_alike(self._coded.known, self._coded.known), (y - self._middle) / self._spread)

    def __call__(self, rows: Sequence[Row]) -> list[float]:
        """A guess for each row."""
        assert self._coded is not None
        alike = _alike(self._coded.code(rows), self._coded.known)
        total = torch.zeros(len(rows), dtype=torch.float64)
        for each in self._found:
            kernel = _mixed(alike, each.places, each.alone)
            total += each.weight * ((kernel - each.means) @ each.solved) / each.scale
        return [self._middle + self._spread * float(value) for value in total]


class _Coded:
    """The places of some rows, put together in families that share their options: those whose paths differ in numbers
    alone."""

    def __init__(self, rows: Sequence[Row]) -> None:
        options: dict[str, dict[str, None]] = {}
        for row in rows:
            for place, option in row.items():
                options.setdefault(place, {})[option] = None
        families: dict[str, list[str]] = {}
        for place in options:
            families.setdefault(_NUMBER.sub("#", place), []).append(place)
        self.places = [sorted(family, key=_numbers) for family in families.values()]
        self.options = [
            {option: n for n, option in enumerate(dict.fromkeys(o for place in family for o in options[place]))}
            for family in self.places
        ]
        self.known = self.code(rows)

    def code(self, rows: Sequence[Row]) -> list[Tensor]:
        """For each family, the option at each of its places, as one of many."""
        families: list[Tensor] = []
        for places, options in zip(self.places, self.options, strict=True):
            hot = torch.zeros(len(rows), len(places), len(options), dtype=torch.float64)
            for number, row in enumerate(rows):
                for position, place in enumerate(places):
                    option = options.get(row.get(place, ""))
                    if option is not None:  # not reached, or never seen
                        hot[number, position, option] = 1.0
            families.append(hot)
        return families


def _numbers(place: str) -> tuple[int, ...]:
    return tuple(map(int, _NUMBER.findall(place)))


def _alike(left: Sequence[Tensor], right: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """How alike rows are: by counts of options, by options at near places, by options at the same places."""
    counts = slowly = same = torch.zeros(())
    for a, b in zip(left, right, strict=True):
        places, options = a.shape[1:]
        counts = counts + a.sum(1) @ b.sum(1).T * (options / places)
        same = same + a.flatten(1) @ b.flatten(1).T
        at = torch.arange(places, dtype=torch.float64)
        near = torch.exp(-(at[:, None] - at[None]).abs() / REACH)
        slowly = slowly + a.flatten(1) @ torch.einsum("pq,nqo->npo", near, b).flatten(1).T / near.sum(1).mean()
    return counts, slowly, same


def _mixed(alike: tuple[Tensor, Tensor, Tensor], places: float, alone: float) -> Tensor:
    counts, slowly, same = alike
    return (1 - places) * counts + places * ((1 - alone) * slowly + alone * same)


def _explanations(alike: tuple[Tensor, Tensor, Tensor], y: Tensor) -> list[_Explanation]:
    """All ways to share effects out that say something, by how well they explain what was measured."""
    linalg: Any = torch.linalg
    found: list[tuple[float, _Explanation]] = []
    for places in PLACES:
        for alone in ALONE if places else (0.0,):
            kernel = _mixed(alike, places, alone)
            means = kernel.mean(0)
            centred = kernel - means - means[:, None] + means.mean()
            scale = float(centred.diagonal().mean()) or 1.0
            values, vectors = linalg.eigh(centred / scale)
            values, turned = values.clamp(min=0.0), vectors.T @ y
            for noise in NOISES:
                spread = values + noise
                solved: Tensor = vectors @ (turned / spread)
                solved = solved - solved.mean()
                score = _log_evidence(spread / (1 + noise), turned) - CAUTION * places * (1 + alone)
                found.append((score, _Explanation(0.0, places, alone, scale, means, solved)))
    best = max(score for score, _ in found)
    total = sum(exp(score - best) for score, _ in found)
    weighted = (replace(each, weight=exp(score - best) / total) for score, each in found)
    return [each for each in weighted if each.weight >= LEAST_WEIGHT]


def _log_evidence(spread: Tensor, turned: Tensor) -> float:
    """The log density of a t distribution, along the axes in which it is independent."""
    count = len(turned)
    distance = float((turned * turned / spread).sum())
    constant = lgamma((DEGREES + count) / 2) - lgamma(DEGREES / 2)
    return constant - 0.5 * float(spread.log().sum()) - 0.5 * (DEGREES + count) * log1p(distance / DEGREES)
