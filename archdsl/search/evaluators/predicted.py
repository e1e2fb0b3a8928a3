"""Latencies that are predicted from decisions: learned from a table of a device's times, or from candidates that are
measured here when the first prediction is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, cast

from archdsl.cost.fitting import median_error, rank_correlation
from archdsl.diagnostics.record import UsageError
from archdsl.parts import default_part
from archdsl.search.contract import Ground, Objective, Part, Work
from archdsl.search.evaluators import table
from archdsl.search.evaluators.tabled import cell, table_at

if TYPE_CHECKING:
    from archdsl.cost.predictor import Predictor

MOST_ROWS = 900
HELD_OUT = 5
"""Every so many-th row tells how good a prediction is."""
A_MILLISECOND = 1e-3


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predictor, and how far it was from rows that it had not seen, as calibrated sums tell it."""

    predict: "Predictor"
    error: float
    ranks: float
    smallest: float

    def seconds(self, row: Mapping[str, str]) -> float:
        """For one candidate; never less than half of the fastest that was measured."""
        return max(self.predict([row])[0], 0.5 * self.smallest)


def learn_from(wish: Objective, ground: Ground) -> dict[str, object]:
    """What a worker needs to learn: the table with its column and how its decisions are read, or candidates."""
    path = wish.metric["table"]
    if path is None:
        if ground.architecture is None or not ground.samples:
            raise UsageError(f"there are no candidates to learn the latency `{wish.name}` from")
        write = ground.architecture
        rows = [{d.path: cell(d.taken) for d in candidate.decisions} for candidate in ground.samples]
        texts = [write(candidate.genome) for candidate in ground.samples]
        return {"rows": tuple(rows), "texts": tuple(texts)}
    part = default_part("evaluator", "table", path=path)
    found = dict(table.prepare(part, ground).found)
    ready = Part(part.name, {**part.settings, **found})
    column = cast("str | None", wish.metric["column"]) or f"lat_{wish.metric['device']}"
    if column not in table.offers(ready):
        raise UsageError(
            f"the latency `{wish.name}` is to be learned from the column `{column}` of `{found['path']}`, which has"
            f" these of numbers: {', '.join(table.offers(ready)[:12])}"
        )
    return {**found, "column": column}


def predicted(
    work: Work, learned: Mapping[str, object], measure: Callable[[str], float], here: object
) -> tuple[float, float, float]:
    """The seconds of a candidate, and how good such predictions are: error and ranks. `measure` gives those of a text,
    under the conditions `here`."""
    if "column" in learned:
        readings = cast("Mapping[str, table.Reading]", learned[table.READINGS])
        known = _of_table(cast(str, learned["path"]), cast(str, learned["column"]), tuple(readings))
        row = table.cells_of(work.genome, work.positions, readings)
    else:
        texts = tuple(cast("Sequence[str]", learned["texts"]))
        rows = cast("Sequence[Mapping[str, str]]", learned["rows"])
        key = texts, here
        if key not in _measured:
            _measured[key] = _learned(rows, [measure(text) for text in texts])
        known = _measured[key]
        row = {place: cell(option) for place, option in work.genome.items()}
    return known.seconds(row), known.error, known.ranks


_measured: dict[tuple[tuple[str, ...], object], Prediction] = {}


@lru_cache(maxsize=8)
def _of_table(path: str, column: str, places: tuple[str, ...]) -> Prediction:
    found = table_at(path)
    columns = {place: found.cells(place) for place in places}
    numbers = [number for number in range(len(found)) if found.number(column, number) is not None]
    if len(numbers) > MOST_ROWS:
        numbers = Random(0).sample(numbers, MOST_ROWS)
    rows = [{place: text for place, cells in columns.items() if (text := cells[number])} for number in numbers]
    return _learned(rows, [A_MILLISECOND * (found.number(column, number) or 0.0) for number in numbers])


def _learned(rows: Sequence[Mapping[str, str]], seconds: Sequence[float]) -> Prediction:
    from archdsl.cost.predictor import Predictor

    seen = [n for n in range(len(rows)) if n % HELD_OUT or len(rows) < HELD_OUT]
    asked = [n for n in range(len(rows)) if n not in set(seen)] or seen
    guesses = Predictor([rows[n] for n in seen], [seconds[n] for n in seen])([rows[n] for n in asked])
    truth = [seconds[n] for n in asked]
    whole = Predictor(rows, seconds)
    return Prediction(whole, median_error(guesses, truth), rank_correlation(guesses, truth), min(seconds))
