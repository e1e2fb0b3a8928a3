"""What a predictor learns of trials: one number for each, smaller is better, in which the good ones are far apart."""

from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from archdsl.search.standings import Standing

Array = NDArray[np.float64]
FAR = 3.0
"""Losses further above the median than so many times the upper quartile is are pressed together."""
LARGE = 1e100
"""What squares without becoming infinite."""
SUMMED = 0.05
"""The share of the sum beside the largest of several losses."""


def columns(standings: Sequence[Standing], objectives: int) -> Array:
    """A column for each objective, of mean zero and spread one. Trials without losses of their own, or that miss
    requirements, have worse ones than those that met them."""
    found = np.zeros((len(standings), max(objectives, 1)))
    measured = [number for number, standing in enumerate(standings) if standing.group <= 1]
    if not measured:
        return found
    for axis in range(objectives):
        losses = np.array([standings[number].losses[axis] for number in measured])
        found[:, axis] = np.nan
        found[measured, axis] = _pressed(losses)
    worse = _penalties(standings)
    for axis in range(objectives):
        column = found[:, axis]
        column[np.isnan(column)] = np.nanmax(column)
        column += worse
        column -= column.mean()
        column /= max(float(column.std()), 1e-9)
    return found


def scalar(losses: Array, weights: Sequence[float]) -> Array:
    """One number for several losses: mostly the largest of the weighted ones, each as a share of its range."""
    if losses.shape[1] == 1:
        return losses[:, 0]
    low, high = losses.min(axis=0), losses.max(axis=0)
    weighted = (losses - low) / np.maximum(high - low, 1e-9) * np.array(weights)
    found = weighted.max(axis=1) + SUMMED * weighted.sum(axis=1)
    return (found - found.mean()) / max(float(found.std()), 1e-9)


def some_weights(rng: Random, objectives: int) -> list[float]:
    """Weights that sum to one, uniformly over all such."""
    cuts = sorted(rng.random() for _ in range(objectives - 1))
    return [high - low for low, high in zip([0.0, *cuts], [*cuts, 1.0], strict=True)]


def _pressed(losses: Array) -> Array:
    losses = np.where(np.isfinite(losses), np.clip(losses, -LARGE, LARGE), losses)
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        return np.zeros(len(losses))
    middle, upper = np.quantile(finite, 0.5), np.quantile(finite, 0.75)
    spread = max(float(upper - middle), 1e-12)
    far = middle + FAR * spread
    known = np.nan_to_num(
        np.minimum(losses, far + 1e9 * spread), posinf=far + 10.0 * spread, neginf=float(finite.min())
    )
    beyond = np.maximum(known - far, 0.0) / spread
    known = np.minimum(known, far) + 0.3 * spread * np.log1p(beyond)
    return (known - known.mean()) / max(float(known.std()), 1e-9)


def _penalties(standings: Sequence[Standing]) -> Array:
    """By how much trials are worse that are not good: the more they miss, and most where they failed."""
    missed = sorted({standing.amount for standing in standings if standing.group == 1})
    found = np.zeros(len(standings))
    for number, standing in enumerate(standings):
        if standing.group == 1:
            found[number] = 0.5 + 1.5 * (missed.index(standing.amount) + 1) / len(missed)
        elif standing.group == 3:
            found[number] = 1.0
    return found
