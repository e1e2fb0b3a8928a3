"""Whole models held against each other: each is seen to be right, and the fastest wins. What came of it is kept, so
that the same models need not run again."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn

from archdsl_compiler.kernels.contract import LIMITS
from archdsl_compiler.passes.equality import Run, difference, limit_beside
from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.fast_model import Program, Recipe
from archdsl_compiler.tuning.measuring import Timing, race
from archdsl_compiler.tuning.record import Record
from archdsl_compiler.tuning.rows import Kept, Key
from archdsl_compiler.tuning.stopwatch import stopwatch

WHOLE: Final = 8.0
"""Seconds in which whole models are held against each other, at most."""
NEARLY: Final = 0.02
"""How much slower one may be than the fastest and still be taken for being simpler."""
EAGER: Final = "eager"


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to run the whole model. `key` names in the record how it runs; `EAGER` is the model itself."""

    name: str
    key: Key
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Outcome:
    """`programs` are those that were made on the way; `failures` say why one is out."""

    winner: str
    times: Mapping[str, Timing]
    errors: Mapping[str, float]
    failures: Mapping[str, str]
    programs: Mapping[str, Program]


def contest(
    portable: nn.Module,
    contenders: Sequence[Contender],
    inputs: Sequence[Tensor],
    dtype: str,
    conditions: Conditions,
    record: Record,
) -> Outcome:
    """Who wins, the simpler contender first; the model itself is the last of them and always there."""
    keys = {each.name: each.key for each in contenders}
    known = record.kept(conditions, {key.region for key in keys.values()})
    rows = {name: known[key] for name, key in keys.items() if key in known}
    programs: dict[str, Program] = {}
    if len(rows) < len(keys):
        rows, programs = _raced(portable, contenders, inputs, dtype, conditions)
        record.keep(conditions, {keys[name]: row for name, row in rows.items()})
    times = {name: row.timing for name, row in rows.items() if row.timing is not None}
    errors = {name: row.error for name, row in rows.items() if row.error is not None}
    failures = {name: row.failure for name, row in rows.items() if row.failure}
    return Outcome(_winner(times, [each.name for each in contenders]), times, errors, failures, programs)


def _raced(
    portable: nn.Module,
    contenders: Sequence[Contender],
    inputs: Sequence[Tensor],
    dtype: str,
    conditions: Conditions,
) -> tuple[dict[str, Kept], dict[str, Program]]:
    rows: dict[str, Kept] = {}
    programs: dict[str, Program] = {}
    reference, limit = _reference(portable, inputs, dtype, conditions.device)
    for each in contenders:
        if each.name == EAGER:
            continue
        try:
            made = each.recipe.program(portable)
            if made is None:
                raise RuntimeError("there is no program for these weights")
            error = difference(reference, made, inputs)
            if not error <= limit:
                raise ArithmeticError(f"it differs from the model by {error:.1e} of its largest result")
            programs[each.name], rows[each.name] = made, Kept(None, error, name=each.name)
        except Exception as failure:  # the model itself is always there
            rows[each.name] = Kept(None, None, str(failure) or type(failure).__name__, each.name)
    runs = {name: (lambda made=made: made(*inputs)) for name, made in programs.items()}
    raced = race(
        {**runs, EAGER: lambda: portable(*inputs)},
        simplest=EAGER,
        watch=stopwatch(conditions.device, alone=True),
        budget=WHOLE,
    )
    for name, timing in raced.timings.items():
        error = rows[name].error if name in rows else 0.0
        rows[name] = Kept(timing, error, None, name)
    for name, why in raced.failures.items():
        rows[name] = Kept(None, None, why, name)
    return rows, programs


def _reference(portable: nn.Module, inputs: Sequence[Tensor], dtype: str, device: str) -> tuple[Run, float]:
    """What programs are compared with, and how far they may be off. A GPU may round the factors of float32 products,
    in the model itself too, so there the model is taken in float64."""
    if device == "cpu" or dtype != "float32":
        return portable, LIMITS[dtype]
    wide = deepcopy(portable).double()
    expected = wide(*(x.double() if x.is_floating_point() else x for x in inputs))

    def exact(*_: Tensor) -> Any:
        return expected

    return exact, limit_beside(LIMITS[dtype], difference(exact, portable, inputs))


def _winner(times: Mapping[str, Timing], simpler_first: Sequence[str]) -> str:
    """The fastest, or a simpler one that is nearly as fast and faster than the model itself."""
    least = min((timing.median for timing in times.values()), default=0.0)
    eager = times[EAGER].median if EAGER in times else 0.0
    for name in simpler_first:
        if name != EAGER and name in times and times[name].median <= least * (1 + NEARLY) and least < eager:
            return name
    return EAGER
