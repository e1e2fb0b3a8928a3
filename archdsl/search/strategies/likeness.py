"""What candidates are worth, guessed from those like them: a Gaussian process over encoded genomes.

Its settings (how far likeness reaches, how much of it is additive, how much the order in rows counts, the noise) are
those of a small grid under which what was seen is most likely."""

from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
REACHES = (0.1, 0.25, 0.6, 1.5)
ADDITIVE = (0.0, 0.5)
COUNTED = (0.0, 0.4)
NOISES = (1e-3, 1e-2, 0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the process."""

    reach: float = 0.6
    additive: float = 0.5
    counted: float = 0.0
    noise: float = 0.1


@dataclass(frozen=True, slots=True)
class Rows:
    """Encoded candidates: their places and their counts, each row of length one."""

    places: Array
    counts: Array


def likeness(one: Rows, other: Rows, settings: Settings) -> Array:
    """How alike candidates are, 1 for the same."""
    return _kernel(one.places @ other.places.T, one.counts @ other.counts.T, settings)


def _kernel(places: Array, counts: Array, settings: Settings) -> Array:
    alike = places if settings.counted == 0.0 else (1.0 - settings.counted) * places + settings.counted * counts
    near = np.exp((alike - 1.0) / settings.reach)
    return near if settings.additive == 0.0 else settings.additive * alike + (1.0 - settings.additive) * near


def likeliest(rows: Rows, targets: Array) -> Settings:
    """The settings under which the targets, a column for each objective, are most likely."""
    places, counts = rows.places @ rows.places.T, rows.counts @ rows.counts.T
    count = len(places)
    found: tuple[float, Settings] | None = None
    for reach, additive, counted in product(REACHES, ADDITIVE, COUNTED):
        settings = Settings(reach, additive, counted)
        values, vectors = np.linalg.eigh(_kernel(places, counts, settings))
        turned = (vectors.T @ targets) ** 2
        for noise in NOISES:
            spread = np.maximum(values, 0.0) + noise
            scale = np.maximum((turned / spread[:, None]).mean(axis=0), 1e-12)
            told = -0.5 * float((count * np.log(scale) + np.log(spread).sum()).sum())
            if found is None or told > found[0] + 1e-6:
                found = told, Settings(reach, additive, counted, noise)
    return found[1] if found is not None else Settings()


@dataclass(frozen=True, slots=True)
class Process:
    """The process that has seen some rows."""

    rows: Rows
    settings: Settings
    inverse: Array

    def guesses(self, rows: Rows, targets: Array) -> tuple[Array, Array]:
        """What rows are worth where the seen ones are worth the targets, and how far that may be off."""
        alike = likeness(rows, self.rows, self.settings)
        weighted = self.inverse @ targets
        scale = max(float(targets @ weighted) / len(targets), 1e-12)
        left = 1.0 - ((alike @ self.inverse) * alike).sum(axis=1)
        return alike @ weighted, np.sqrt(np.maximum(left, 1e-9) * scale)


def process(rows: Rows, settings: Settings) -> Process:
    """The process that sees rows."""
    seen = likeness(rows, rows, settings)
    seen[np.diag_indices_from(seen)] += settings.noise
    return Process(rows, settings, np.asarray(np.linalg.inv(seen), dtype=np.float64))
