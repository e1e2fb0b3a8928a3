"""The figures that are promised, each a function that measures what is asked for, prints a table and gives the values
beside their bounds."""

from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Final, TypeAlias

import torch

from tests.bench.kernels.asked import Asked
from tests.bench.kernels.models import bf16_here
from tests.bench.kernels.rows import Row, rows_of
from tests.bench.kernels.speeds import FIGURE_1, FIGURE_2, FIGURE_6
from tests.bench.kernels.summary import ending, faster, heading, least_and_mean, line, regions
from tests.bench.measures import Measure
from tests.bench.neighborhood import neighborhoods

Figure: TypeAlias = Callable[[Asked], Iterator[Measure]]

MEAN_PROMISED: Final = {"fp32": 1.25, "bf16": 1.8}
LARGE_KERNELS: Final = {"narrow_large_kernels": 10.0, "large_kernels": None}
TOGETHER: Final = 10
"""Candidates that one process measures."""
TUNED_SPACES: Final = ("metaformer_mixers", "mnasnet")
"""One of mixers, one of convolutions."""


def plans(asked: Asked) -> Iterator[Measure]:
    """1: our plans beside the eager module."""
    for dtype in ("fp32", "bf16"):
        if dtype == "bf16" and not bf16_here():
            print("\nfigure 1 in bf16: not measured, this processor does not compute in bfloat16")
            continue
        yield from _speeds(1, asked, FIGURE_1, dtype, {("tuned", None): (MEAN_PROMISED[dtype], 1.0)})


def engines(asked: Asked) -> Iterator[Measure]:
    """2: our `auto` beside the best that others make of the same weights."""
    for dtype in ("fp32", "bf16"):
        if dtype == "bf16" and not bf16_here():
            print("\nfigure 2 in bf16: not measured, this processor does not compute in bfloat16")
            continue
        yield from _speeds(2, asked, FIGURE_2, dtype, {("auto", "best rival"): (1.0, 0.97)})


def large_kernels(asked: Asked) -> Iterator[Measure]:
    """3: neighborhood attention, which `make bench` has, too; and a model with plain depth-wise kernels of 21 x 21."""
    for measure in neighborhoods():
        print(f"{measure.name:<60} {measure.value:>8.3f} {measure.unit}", flush=True)
        yield measure
    yield from of_large_kernels(asked)


def of_large_kernels(asked: Asked) -> Iterator[Measure]:
    """Beside the same model without tuning. The promise is for the one in which large kernels are most of the work."""
    for threads in asked.threads:
        print(f"\nfigure 3, {threads} threads: depth-wise kernels of 21 x 21\n{heading(['tuned'])}", flush=True)
        for model, promised in LARGE_KERNELS.items():
            key = {"figure": 3, "model": model, "threads": threads}
            arguments = {"model": model, "seconds": asked.seconds}
            row = asked.row(key, "large_kernels:large_kernels", arguments, threads=threads)
            if row is not None:
                print("\n".join([line(row, ["tuned"]), *(regions(row) if asked.regions else [])]), flush=True)
                ratio = faster(row, "tuned")
                assert ratio is not None
                yield Measure(f"{model}, {threads} threads", ratio, "x eager", at_least=promised)


def sums(asked: Asked) -> Iterator[Measure]:
    """4: sums of the record beside whole tuned models, over candidates of two spaces."""
    from tests.bench.kernels.sums import CALIBRATING, agreement, calibrated

    pairs: list[tuple[float, float]] = []
    print(f"\nfigure 4: sums beside whole tuned models of {' and '.join(TUNED_SPACES)}", flush=True)
    for space in TUNED_SPACES:
        rows: list[Row] = []
        for first in range(0, asked.candidates, TOGETHER):
            arguments = {"space": space, "first": first, "count": min(TOGETHER, asked.candidates - first)}
            row = asked.row({"figure": 4, **arguments}, "sums:candidates", arguments)
            rows += row["candidates"] if row is not None else []
        own = [(row["sum"], row["whole"]) for row in rows]
        if len(own) < CALIBRATING + 3:
            print(f"  {space}: {len(own)} candidates, which are too few")
            continue
        found = agreement(own)
        print(
            f"  {space}: {len(own)} candidates, Spearman {found.correlation:.4f}, within 10 % {found.within:.0%},",
            f"median error {found.median_error:.1%}, sum over whole {found.ratio:.3f},",
            f"asking again {median(row['asking'] for row in rows) * 1e3:.0f} ms",
            flush=True,
        )
        pairs += calibrated(own)
    if pairs:
        found = agreement(pairs)
        yield Measure("calibrated sums, Spearman's correlation", found.correlation, "", at_least=0.95)
        yield Measure("calibrated sums, share within 10 %", found.within, "", at_least=0.9)
        yield Measure("calibrated sums, median error", found.median_error, "")


def tuning(asked: Asked) -> Iterator[Measure]:
    """5: how long tuning takes, on all cores; with `torch` or `auto` as the contestant only that engine's."""
    from tests.bench.kernels.tuning_times import BOUNDS, STEPS, fresh_caches

    engines = ("untuned", *(asked.contestants or ("torch", "auto")))
    for model in asked.models:
        print(f"\nfigure 5, {model}", flush=True)
        with fresh_caches() as environment:
            taken: dict[str, float] = {}
            for step in (step for step in STEPS if step.partition(",")[0] in engines):
                key = {"figure": 5, "model": model, "step": step}
                row = asked.row(
                    key, "tuning_times:built", {"name": model, "step": step}, threads=2, environment=environment
                )
                if row is None:
                    break
                taken[step] = row["wall"]
                print(f"  {step:<24} {row['wall']:7.2f} s wall, {row['processor']:7.2f} s of the processor", flush=True)
        for name, (value, bound) in BOUNDS.items():
            if (seconds := value(taken)) is not None:
                yield Measure(f"{name}, {model}", seconds, "s", at_most=bound)


def on_a_gpu(asked: Asked) -> Iterator[Measure]:
    """6: beside timm's module in channels-last, compiled with all that is tried."""
    if not torch.cuda.is_available():
        print("\nfigure 6: not measured, there is no GPU here")
        return
    bounds = {("tuned", "autotuned"): (1.1, 0.97)}
    yield from _speeds(6, asked, FIGURE_6, "bf16", bounds, device="cuda", batches=(1, 32, 256))


def _speeds(
    figure: int,
    asked: Asked,
    contestants: tuple[str, ...],
    dtype: str,
    bounds: Mapping[tuple[str, str | None], tuple[float, float]],
    *,
    device: str = "cpu",
    batches: tuple[int, ...] = (),
) -> Iterator[Measure]:
    """One table for each number of threads and each batch."""
    contestants = asked.contestants or contestants
    for threads in asked.threads if device == "cpu" else (1,):
        for batch in batches or asked.batch:
            where = f"{dtype}, {threads} threads, batch {batch}"
            print(f"\nfigure {figure}, {where}: times as fast as eager, and the error", flush=True)
            print(heading(contestants), flush=True)
            rows: list[Row] = []
            for model in asked.models:
                key = {"figure": figure, "model": model, "dtype": dtype, "threads": threads, "batch": batch}
                if asked.contestants:
                    key["contestants"] = ",".join(contestants)
                arguments = {"name": model, "batch": batch, "contestants": contestants, "seconds": asked.seconds}
                arguments |= {"device": device, "dtype": dtype, "budget": asked.budget}
                row = asked.row(key, "speeds:speed", arguments, threads=threads)
                if row is None:
                    continue
                rows.append(row)
                print("\n".join([line(row, contestants), *(regions(row) if asked.regions else [])]), flush=True)
            print("\n".join(ending(rows, contestants)), flush=True)
            for (contestant, beside), (mean, least) in bounds.items():
                yield from least_and_mean(rows, contestant, beside, least, mean, where)


FIGURES: Final[Mapping[int, Figure]] = {1: plans, 2: engines, 3: large_kernels, 4: sums, 5: tuning, 6: on_a_gpu}


SHORT: Final = ("efficientvit_m0", "poolformer_s12", "vit_tiny_patch16_224")


def shortly() -> Iterator[Measure]:
    """What `make bench` has of this: plans of some models on one thread, and large kernels."""
    asked = Asked(SHORT, (1,), (1,), rows_of(None), 8.0)
    yield from plans(asked)
    yield from of_large_kernels(asked)
