"""What each kernel takes for each region: from the record, measured now, or by rules of thumb.

A kernel is timed only after it gave what the plain piece gives, for two seeds and two batches. Before a case is tried
for the first time the record says that it is being tried: a kernel that takes the whole process with it is not tried
again."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from typing import Final, Literal

import torch
from torch import Tensor

from archdsl_compiler.kernels.contract import LIMITS, Case, Kernel, Mode, Operand, kernels_for
from archdsl_compiler.kernels.plain import Plain
from archdsl_compiler.passes.equality import limit_beside, telling_state
from archdsl_compiler.passes.rewriting import elements
from archdsl_compiler.sizes import at_batch
from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.formats import conversion, dense_strides, form_text, sample_of
from archdsl_compiler.tuning.measuring import race
from archdsl_compiler.tuning.program import Weights, as_tuple, made
from archdsl_compiler.tuning.record import Record
from archdsl_compiler.tuning.rows import Kept, Key
from archdsl_compiler.tuning.stopwatch import stopwatch

BEGUN: Final = "it was being tried when the process ended"
CONVERSION: Final = "conversion"
RATES: Final = {"cpu": (2e-6, 40e9, 8e9), "cuda": (5e-6, 2e13, 1e12)}
"""As a rule, by device: seconds that calling anything takes; multiply-accumulates and bytes in a second, of a core or
of a whole GPU."""
LONGEST: Final = 2.0
"""Seconds of measuring at most for one case."""

Progress = Callable[[int, int, str], None]
"""Told how many cases are done, of how many, and which one is next."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a kernel takes for a case. `source` says how that is known; one that failed has a reason and takes for
    ever."""

    kernel: str
    seconds: float
    source: Literal["measured", "rule"]
    error: float | None = None
    failure: str | None = None


@dataclass(slots=True)
class Pricing:
    """Prices for cases under some conditions. With `measure` what the record does not know is measured, and kept.
    `unknown` are the regions, of those that were asked for last, of which it did not know every kernel."""

    record: Record
    conditions: Conditions
    batch: int
    measure: bool
    progress: Progress | None = None
    measured: int = 0
    missed: int = 0
    unknown: tuple[str, ...] = ()
    _known: dict[Key, Kept] = field(default_factory=dict[Key, Kept])
    _asked: set[str] = field(default_factory=set[str])
    _tried: set[Key] = field(default_factory=set[Key])

    def prices(self, cases: Iterable[tuple[Case, Weights]]) -> dict[tuple[str, str], tuple[Price, ...]]:
        """The prices of the kernels that apply to each case, by the region's digest and `form_of` the case; the
        simpler kernel first."""
        lanes: dict[tuple[str, str], _Lane] = {}
        for case, weights in cases:
            where = case.region.digest, form_of(case)
            if where not in lanes:
                lanes[where] = _lane(case, weights, self.batch)
        self._know(digest for digest, _ in lanes)
        regions: dict[str, list[_Lane]] = {}
        for (digest, _), lane in lanes.items():
            regions.setdefault(digest, []).append(lane)
        unknown: list[str] = []
        for number, (digest, alike) in enumerate(regions.items()):
            if self.progress is not None:
                self.progress(number, len(regions), alike[0].name)
            keys = {key for lane in alike for _, key in lane.kernels if _unknown(self._known.get(key))}
            if keys - self._tried:  # one that was left undecided is not tried over and over
                unknown.append(digest)
                if self.measure:
                    self._tried |= keys
                    self._try(alike)
        self.unknown, self.missed = tuple(unknown), self.missed + len(unknown)
        return {
            where: tuple(self._price(each, lane.case, self._known.get(key)) for each, key in lane.kernels)
            for where, lane in lanes.items()
        }

    def conversions(self, pairs: Iterable[tuple[Operand, Operand]]) -> dict[tuple[Operand, Operand], float]:
        """What conversions take; those that are none are left out."""
        wanted = {pair: conversion(*pair) for pair in set(pairs)}
        changes = {pair: change for pair, change in wanted.items() if change is not None}
        self._know([CONVERSION] if changes else [])
        found: dict[tuple[Operand, Operand], float] = {}
        fresh: dict[Key, Kept] = {}
        for (source, goal), change in changes.items():
            key = Key(
                CONVERSION,
                "copy",
                1,
                f"{source.dtype}->{goal.dtype}",
                f"{source.shape}{form_text(source)}>{form_text(goal)}",
                0,
            )
            kept = self._known.get(key)
            if (kept is None or kept.timing is None) and self.measure:
                given = sample_of(source, torch.Generator().manual_seed(0), self.conditions.device)
                watch = stopwatch(self.conditions.device)
                with torch.inference_mode():
                    raced = race({"copy": lambda change=change, given=given: change(given)}, watch=watch)
                kept = fresh[key] = Kept(raced.timings.get("copy"), name="conversion")
            bytes_ = elements(source.shape) * 8
            call, _, speed = RATES[self.conditions.device]
            rule = call + 3 * bytes_ / speed
            found[source, goal] = rule if kept is None or kept.timing is None else kept.timing.median
        self._known.update(fresh)
        self.record.keep(self.conditions, fresh)
        return found

    def _know(self, regions: Iterable[str]) -> None:
        """Read what the record knows of regions that were not asked for before."""
        wanted = set(regions) - self._asked
        self._asked |= wanted
        if wanted:
            self._known.update(self.record.kept(self.conditions, wanted))

    def _price(self, kernel: Kernel, case: Case, kept: Kept | None) -> Price:
        if kept is not None and kept.failure:
            return Price(kernel.name, inf, "measured", kept.error, kept.failure)
        if kept is not None and kept.timing is not None:
            return Price(kernel.name, kept.timing.median, "measured", kept.error)
        return Price(kernel.name, self._rule(case) * kernel.factor(case), "rule")

    def _rule(self, case: Case) -> float:
        """About what a region takes: its products, or its tensors on their way."""
        call, operations, speed = RATES[case.place.device]
        workers = max(case.place.threads, 1) if case.place.device == "cpu" else 1
        macs = at_batch(case.region.piece.macs, 1)
        assert isinstance(macs, int | float)
        bytes_ = sum(elements(each.shape) * 4 for each in (*case.inputs, *case.outputs))
        return call + max(macs * self.batch / operations, bytes_ / speed) / workers

    def _try(self, lanes: Sequence["_Lane"]) -> None:
        """Verify and time the kernels of a region in all its cases, and keep what came of it."""
        self.measured += 1
        name = lanes[0].name
        tried = [lane.without({key for key in self._known if self._known[key].failure}) for lane in lanes]
        keys = [key for lane in tried for kernel, key in lane.kernels if kernel.name != "plain"]
        self.record.keep(self.conditions, {key: Kept(None, failure=BEGUN, name=name) for key in keys})
        rows = {key: Kept(None, name=name) for key in keys}  # whoever interrupts leaves nothing decided
        try:
            rows.update(_tried(tried, self.batch))
        finally:
            self.record.keep(self.conditions, rows)
            self._known.update(rows)


@dataclass(frozen=True, slots=True)
class _Lane:
    """A case, and the kernels that apply to it, each with its key."""

    case: Case
    weights: Weights
    kernels: tuple[tuple[Kernel, Key], ...]

    @property
    def name(self) -> str:
        return self.case.region.label or self.case.region.kind

    def without(self, keys: Container[Key]) -> "_Lane":
        return replace(self, kernels=tuple(each for each in self.kernels if each[1] not in keys))


def _lane(case: Case, weights: Weights, batch: int) -> _Lane:
    form = form_of(case)
    found = (kernel for kernel in kernels_for(case.region.kind) if kernel.applies(case))
    return _Lane(
        case,
        weights,
        tuple(
            (kernel, Key(case.region.digest, kernel.name, kernel.version, case.mode.dtype, form, batch))
            for kernel in found
        ),
    )


def _tried(lanes: Sequence[_Lane], batch: int) -> dict[Key, Kept]:
    """What came of the kernels. They all run against each other, also those of different cases: a choice is made
    between these too, and the machine is not as fast at one time as at another."""
    found: dict[Key, Kept] = {}
    runs: dict[str, Callable[[], object]] = {}
    verified: dict[str, tuple[Key, float]] = {}
    name = lanes[0].name
    with torch.inference_mode():
        for number, lane in enumerate(lanes):
            telling = Telling(lane.weights, lane.case)
            example = telling.inputs(batch, 0, lane.case.mode)
            for kernel, key in lane.kernels:
                runner, error = f"{kernel.name} {number}", None
                try:
                    error = telling.error(kernel, batch)
                    limit = telling.limit(batch)
                    if not error <= limit:
                        raise ArithmeticError(f"differs by {error:.1e}, more than {limit:g}")
                    run, _ = made(kernel, lane.case, telling.weights, example)
                    runs[runner] = lambda run=run, example=example: run(*example)
                    verified[runner] = key, error
                except Exception as failure:  # whatever a kernel does wrong, others stay
                    found[key] = Kept(None, error, f"{type(failure).__name__}: {_line(failure)}", name)
        watch = stopwatch(lanes[0].case.place.device)
        raced = race(runs, simplest="plain 0", watch=watch, budget=LONGEST * len(lanes))
    for runner, (key, error) in verified.items():
        if runner not in raced.untried:
            found[key] = Kept(raced.timings.get(runner), error, raced.failures.get(runner), name)
    return found


class Telling:
    """A case with weights and inputs that hide nothing, and what the plain piece makes of them: in float32, and on a
    GPU, which may round the factors of float32 products, in float64."""

    def __init__(self, weights: Weights, case: Case) -> None:
        self.case = case
        generator = torch.Generator().manual_seed(0)
        own = {outer: weights.state[outer] for outer in case.region.state.values()}
        self.weights = weights.with_state(telling_state(own, generator))
        self._wide = torch.float64 if case.place.device == "cuda" else torch.float32
        exact = Mode(dtype=str(self._wide).removeprefix("torch."))
        self._reference = Plain().make(case, self.weights.of(case.region, exact), {})
        self._expected: dict[tuple[int, int], tuple[list[Tensor], tuple[Tensor, ...]]] = {}

    def inputs(self, batch: int, seed: int, mode: Mode) -> list[Tensor]:
        generator = torch.Generator().manual_seed(seed)
        constants = self.weights.constants(self.case.region, mode)
        types = self.case.region.piece.input_types
        return [
            constants[place]
            if place in constants
            else sample_of(_at_batch(operand, types[place].shape, batch), generator, self.weights.device)
            for place, operand in enumerate(self.case.inputs)
        ]

    def _question(self, batch: int, seed: int) -> tuple[list[Tensor], tuple[Tensor, ...]]:
        """Inputs, and what the plain piece makes of them, once for all kernels."""
        if (batch, seed) not in self._expected:
            given = self.inputs(batch, seed, self.case.mode)
            expected = self._reference(*(x.to(self._wide) if x.is_floating_point() else x for x in given))
            self._expected[batch, seed] = given, as_tuple(expected)
        return self._expected[batch, seed]

    def limit(self, batch: int) -> float:
        """How far a kernel may be off: on a GPU, where the plain piece is further off itself, as far as that allows."""
        limit = LIMITS[self.case.mode.dtype]
        if self._wide == torch.float64 and self.case.mode.dtype == "float32":
            return limit_beside(limit, self.error(Plain(), batch))
        return limit

    def error(self, kernel: Kernel, batch: int) -> float:
        """The largest difference, as a share of the largest number; infinite for what is no number."""
        largest = 0.0
        constants = self.weights.constants(self.case.region, self.case.mode)
        run = kernel.make(self.case, self.weights.of(self.case.region, self.case.mode), constants)
        for seed, size in enumerate((batch, batch + 1)):
            given, expected = self._question(size, seed)
            before = _mark(given)
            found = as_tuple(run(*given))
            if _mark(given) != before:
                self._expected.clear()
                raise ArithmeticError("changes its inputs, which others read")
            for left, right in zip(expected, found, strict=True):
                if left.shape != right.shape:
                    return inf
                if left.numel():
                    apart = float((left - right.to(left.dtype)).abs().max()) / (float(left.abs().max()) or 1.0)
                    largest = max(largest, apart) if isfinite(apart) else inf
        return largest


def _mark(tensors: Iterable[Tensor]) -> list[float]:
    """What changes when noise does."""
    return [float(x.sum()) for x in tensors if x.is_floating_point()]


def form_of(case: Case) -> str:
    """How the tensors of a case lie: with the digest and the batch, all that a time depends on."""
    return f"{''.join(map(form_text, case.inputs))}>{''.join(map(form_text, case.outputs))}"


def _at_batch(operand: Operand, shape: Sequence[object], batch: int) -> Operand:
    sizes = [at_batch(size, batch) for size in shape]  # pyright: ignore[reportArgumentType]
    fixed = tuple(size if isinstance(size, int) else known for size, known in zip(sizes, operand.shape, strict=True))
    if fixed == operand.shape:
        return operand
    return Operand(fixed, dense_strides(fixed, operand.strides), operand.dtype)


def _unknown(kept: Kept | None) -> bool:
    return kept is None or (kept.timing is None and not kept.failure)


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else ""
