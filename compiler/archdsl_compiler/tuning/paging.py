"""Telling a plan: for each region its kernel, the others with their times, and why; the conversions; the sum."""

from collections.abc import Generator, Sequence
from typing import Literal, TypeAlias

from archdsl_compiler.engines.contract import Dtype
from archdsl_compiler.graph import OpCall
from archdsl_compiler.kernels.contract import Mode, Place
from archdsl_compiler.kernels.regions.contract import Cut
from archdsl_compiler.sizes import at_batch
from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.plan import Candidate, ConversionPlan, Plan, RegionPlan
from archdsl_compiler.tuning.pricing import Pricing
from archdsl_compiler.tuning.regional import Priced, best_price
from archdsl_compiler.types import TensorType

TunedBy: TypeAlias = Literal["measured", "partly", "untuned"]


def page(
    found: Priced,
    modes: Sequence[Mode],
    dtype: Dtype,
    batch: int,
    place: Place,
    conditions: Conditions,
    tuned: TunedBy,
) -> Plan:
    """The page of a plan whose regions run in these modes."""
    regions = tuple(_region(found, number, mode) for number, mode in enumerate(modes))
    conversions = tuple(_conversions(found, modes))
    first = found.seen[found.modes[0]]
    return Plan(
        model=found.cut.model,
        engine="torch",
        device=place.device,
        dtype=dtype,
        batch=batch,
        threads=place.threads,
        inputs=tuple(first[value].shape for value in range(len(found.cut.flat.input_types))),
        conditions=conditions.key,
        tuned=tuned,
        summed_milliseconds=sum(each.milliseconds for each in (*regions, *conversions)),
        regions=regions,
        conversions=conversions,
    )


def page_of_whole(engine: str, parts: Cut, dtype: Dtype, batch: int, place: Place, conditions: Conditions) -> Plan:
    """The page of an engine that runs the whole model."""
    return Plan(
        model=parts.model,
        engine=engine,
        device=place.device,
        dtype=dtype,
        batch=batch,
        threads=place.threads,
        inputs=tuple(shape_at(type_, batch) for type_ in parts.flat.input_types),
        conditions=conditions.key,
        tuned="measured",
        summed_milliseconds=None,
        regions=(),
        conversions=(),
    )


def shape_at(type_: TensorType, batch: int) -> tuple[int, ...]:
    """The sizes of a tensor for so many pictures."""
    sizes = (at_batch(size, batch) for size in type_.shape)
    return tuple(size for size in sizes if isinstance(size, int))


def tuned_by(pricing: Pricing, found: Priced) -> TunedBy:
    """How much of the prices was measured."""
    if pricing.measure or not pricing.missed:
        return "measured"
    prices = (price for mode in found.modes for region in found.prices[mode] for price in region)
    return "partly" if any(price.source == "measured" for price in prices) else "untuned"


def _region(found: Priced, number: int, mode: Mode) -> RegionPlan:
    region, best = found.cut.running[number], best_price(found.prices[mode][number])
    return RegionPlan(
        label=region.label,
        ops=tuple(call.op.name if isinstance(call, OpCall) else call.label for call in region.piece.calls),
        kind=region.kind,
        digest=region.digest,
        mode=str(mode),
        kernel=best.kernel,
        milliseconds=best.seconds * 1e3,
        why=_why(found, number, mode),
        candidates=tuple(
            Candidate(
                kernel=price.kernel,
                mode=str(each),
                milliseconds=None if price.failure else price.seconds * 1e3,
                source=price.source,
                error=price.error,
                failure=price.failure,
            )
            for each in found.modes
            for price in found.prices[each][number]
        ),
    )


def _why(found: Priced, number: int, mode: Mode) -> str:
    """Why a kernel was chosen, in a sentence."""
    prices = found.prices[mode][number]
    best = best_price(prices)
    others = sorted((p for p in prices if p.kernel != best.kernel and not p.failure), key=lambda p: p.seconds)
    known = "measured" if best.source == "measured" else "by rule"
    fastest = min(((p.seconds, m) for m in found.modes for p in found.prices[m][number]), key=lambda each: each[0])
    elsewhere = ""
    if fastest[1] != mode and fastest[0] < best.seconds / 1.05:
        elsewhere = f"; {fastest[1]} would take {fastest[0] * 1e3:.3g} ms, and conversions"
    if not others:
        return f"the only kernel that applies{elsewhere}"
    ratio = others[0].seconds / best.seconds
    if ratio < 1:
        return f"{known} as fast as {others[0].kernel}, and simpler{elsewhere}"
    return f"{known} {ratio:.2f}x as fast as {others[0].kernel}{elsewhere}"


def _conversions(found: Priced, modes: Sequence[Mode]) -> Generator[ConversionPlan]:
    producers = {value: number for number, region in enumerate(found.cut.running) for value in region.outputs}
    done: set[object] = set()
    for number, (region, mode) in enumerate(zip(found.cut.running, modes, strict=True)):
        for place, value in enumerate(region.inputs):
            if place in region.constants or place in region.unread:
                continue
            producer = producers.get(value)
            source = found.seen[Mode() if producer is None else modes[producer]][value]
            goal = found.cases[mode][number].inputs[place]
            seconds = found.conversions.get((source, goal))
            if seconds is not None and (value, goal) not in done:
                done.add((value, goal))
                yield ConversionPlan(
                    label="" if producer is None else found.cut.running[producer].label,
                    shape=goal.shape,
                    source=f"{source.dtype} {source.strides}",
                    goal=f"{goal.dtype} {goal.strides}",
                    milliseconds=seconds * 1e3,
                )
