"""The predictor that ranks proposals before they are evaluated (`surrogate=true`).

It learns from what was told and nothing else: which trials it looks at, and when it chooses its settings anew, follows
from their order, so that a search that goes on from a journal ranks as one that was never interrupted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, erf, exp, pi, sqrt
from random import Random
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from archdsl.search.contract import Option
from archdsl.search.correlation import kendall, spearman
from archdsl.search.standings import best
from archdsl.search.strategies.encoding import Cells, Encoding
from archdsl.search.strategies.likeness import Array, Process, Rows, Settings, likeliest, process
from archdsl.search.strategies.targets import columns, scalar, some_weights
from archdsl.search.strategies.told import Told

Genome: TypeAlias = Mapping[str, Option]
Encoded: TypeAlias = tuple[Cells, Cells, float]
"""The places and the counts of a genome, and what makes its length one."""
Columns: TypeAlias = NDArray[np.intp] | slice
BEST, LATEST, EVEN = 96, 96, 64
"""Of many trials it looks at the best, the latest, and some that are spread evenly over all."""
ALL = BEST + LATEST + EVEN
BLOCK = 16
"""Where there are more than that, it looks anew each time that so many have come."""
FIRST, GROWTH = 8, 1.25
"""When it chooses its settings for the first time, and how many times more trials it waits for until the next."""
FOR_SETTINGS = 128
FEW_COLUMNS = 1024
PENDING = 16
"""So many proposals that are on their way count as seen, with nothing found out of the ordinary."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The numbers of the trials that were looked at when so many had been told, and how many columns there were."""

    told: int
    numbers: tuple[int, ...]
    width: int


@dataclass(frozen=True, slots=True)
class Fitted:
    """The process that has seen some trials; `losses` has a column for each objective."""

    columns: Columns
    process: Process
    losses: Array
    good: tuple[int, ...]


@dataclass(slots=True)
class Predictor:
    """Guesses what genomes are worth."""

    told: Told
    _encoding: Encoding = field(default_factory=Encoding)
    _encoded: list[Encoded] = field(default_factory=list[Encoded])
    _elite: list[int] = field(default_factory=list[int])
    _looked: Looked = field(default=Looked(0, (), 0))
    _chosen: list[Looked] = field(default_factory=list[Looked])
    _settings: dict[int, Settings] = field(default_factory=dict[int, Settings])
    _fitted: tuple[int, Fitted] | None = None

    def learn(self) -> None:
        """Take in the trial that was told last."""
        count = len(self.told)
        candidate = self.told.candidates[-1]
        self._encoding.show(candidate)
        self._encoded.append(self._cells(candidate.genome))
        self._elite.append(count - 1)
        if len(self._elite) >= 2 * BEST:
            self._elite = self._best()
        if count <= ALL or count % BLOCK == 0:
            self._looked = Looked(count, self._look(count), self._encoding.width)
            if count >= (ceil(GROWTH * self._chosen[-1].told) if self._chosen else FIRST):
                self._chosen.append(self._looked)

    def ready(self) -> bool:
        """Whether it has seen enough to say anything."""
        return bool(self._chosen)

    def gains(self, rng: Random, genomes: Sequence[Genome], pending: Sequence[Genome] = ()) -> list[float]:
        """By how much each genome is expected to better the best. With several objectives that is meant of one of their
        weightings, drawn anew each time, so that all of the front gets its turn."""
        fitted = self._fit()
        weights = some_weights(rng, fitted.losses.shape[1])
        losses = scalar(fitted.losses, weights)
        least = float(losses[list(fitted.good)].min()) if fitted.good else float(losses.min())
        seen = fitted.process
        if pending:
            more = self._rows([self._cells(genome) for genome in pending[-PENDING:]], fitted.columns)
            seen = process(_joined(seen.rows, more), seen.settings)
            losses = np.concatenate([losses, np.zeros(len(more.places))])
        middle, off = seen.guesses(self._rows([self._cells(g) for g in genomes], fitted.columns), losses)
        return [_expected_gain(least - float(m), float(o)) for m, o in zip(middle, off, strict=True)]

    def correlations(self) -> dict[str, float]:
        """How well the order of trials was guessed from those before them: each time that settings are chosen, the
        trials up to the next time are guessed. The mean, weighted by how many they are."""
        found: dict[str, float] = {}
        ends = (*(chosen.told for chosen in self._chosen[1:]), len(self.told))  # none was chosen: nothing was guessed
        for axis, objective in enumerate(self.told.objectives):
            sums, weight = [0.0, 0.0], 0
            for looked, until in zip(self._chosen, ends, strict=False):
                later = [i for i in range(looked.told, until) if self.told.standings[i].group <= 1][-FOR_SETTINGS:]
                if len(later) < 4:
                    continue
                fitted = self._fit_to(looked, self._settings_of(looked))
                rows = self._rows([self._encoded[i] for i in later], fitted.columns)
                guessed = fitted.process.guesses(rows, fitted.losses[:, axis])[0].tolist()
                was = [self.told.standings[i].losses[axis] for i in later]
                for at, measure in enumerate((spearman, kendall)):
                    sums[at] += measure(guessed, was) * len(later)
                weight += len(later)
            if weight:
                found[f"surrogate_spearman_{objective.name}"] = sums[0] / weight
                found[f"surrogate_kendall_{objective.name}"] = sums[1] / weight
        return found

    def _best(self) -> list[int]:
        found = best([self.told.standings[number] for number in self._elite], BEST)
        return sorted(self._elite[at] for at in found)

    def _look(self, count: int) -> tuple[int, ...]:
        if count <= ALL:
            return tuple(range(count))
        even = (count * at // EVEN for at in range(EVEN))
        return tuple(sorted({*self._best(), *range(count - LATEST, count), *even}))

    def _settings_of(self, looked: Looked) -> Settings:
        known = self._settings.get(looked.told)
        if known is None:
            step = ceil(len(looked.numbers) / FOR_SETTINGS)
            numbers = looked.numbers[::step]
            known = likeliest(self._seen_rows(numbers, looked.width)[0], self._losses(numbers))
            self._settings[looked.told] = known
        return known

    def _fit(self) -> Fitted:
        if self._fitted is None or self._fitted[0] != self._looked.told:
            self._fitted = self._looked.told, self._fit_to(self._looked, self._settings_of(self._chosen[-1]))
        return self._fitted[1]

    def _fit_to(self, looked: Looked, settings: Settings) -> Fitted:
        rows, used = self._seen_rows(looked.numbers, looked.width)
        good = tuple(at for at, number in enumerate(looked.numbers) if self.told.standings[number].good)
        return Fitted(used, process(rows, settings), self._losses(looked.numbers), good)

    def _losses(self, numbers: Sequence[int]) -> Array:
        return columns([self.told.standings[number] for number in numbers], len(self.told.objectives))

    def _cells(self, genome: Genome) -> Encoded:
        return self._encoding.places(genome), self._encoding.counts(genome), sqrt(max(len(genome), 1))

    def _seen_rows(self, numbers: Sequence[int], width: int) -> tuple[Rows, Columns]:
        """Trials as rows. Where there are very many columns those are left out that are empty in all of them."""
        rows = self._rows([self._encoded[number] for number in numbers], slice(width))
        if width <= FEW_COLUMNS:
            return rows, slice(width)
        used = np.flatnonzero(rows.places.any(axis=0) | rows.counts.any(axis=0))
        return Rows(rows.places[:, used], rows.counts[:, used]), used

    def _rows(self, encoded: Sequence[Encoded], used: Columns) -> Rows:
        lengths = [length for _, _, length in encoded]
        places = self._matrix([cells for cells, _, _ in encoded], lengths)
        counts = self._matrix([cells for _, cells, _ in encoded], lengths)
        return Rows(np.ascontiguousarray(places[:, used]), np.ascontiguousarray(counts[:, used]))

    def _matrix(self, encoded: Sequence[Cells], lengths: Sequence[float]) -> Array:
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        for row, (cells, length) in enumerate(zip(encoded, lengths, strict=True)):
            rows += [row] * len(cells[0])
            columns += cells[0]
            values += [value / length for value in cells[1]]
        found = np.zeros((len(encoded), self._encoding.width))
        found[rows, columns] = values
        return found


def _joined(one: Rows, other: Rows) -> Rows:
    return Rows(np.concatenate([one.places, other.places]), np.concatenate([one.counts, other.counts]))


def _expected_gain(gain: float, off: float) -> float:
    """Of a guess that betters the best by so much and may be off by so much."""
    z = gain / off
    return gain * 0.5 * (1.0 + erf(z / sqrt(2.0))) + off * exp(-0.5 * z * z) / sqrt(2.0 * pi)
