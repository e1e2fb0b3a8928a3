"""What was chosen for a model, as text: the page that `--explain-plan` prints, and the lines of a summary."""

from collections.abc import Iterator, Sequence
from itertools import chain
from textwrap import wrap

from archdsl.tables import clipped, shape
from archdsl_compiler.tuning.plan import Candidate, ConversionPlan, Plan, RegionPlan

WIDTH = 100
"""Of the page, in columns."""
CHOSEN, OTHER = "  > ", "    "


def explained(plan: Plan) -> str:
    """For each region its candidates, the choice and why, then the conversions and the whole model."""
    lines = [f"plan: {', '.join(headline(plan))}"]
    for region, labels in _alike(plan.regions):
        lines += ["", *_region(region, labels)]
    if plan.conversions:
        lines += ["", "conversions between regions"]
        lines += chain.from_iterable(_conversion(*each) for each in _alike_conversions(plan.conversions))
    lines += ["", "whole model", *_whole(plan)]
    return "\n".join(lines)


def headline(plan: Plan) -> list[str]:
    """By what the model runs, and what it was tuned for."""
    engine = f"{plan.engine} as a CUDA graph" if plan.recorded else plan.engine
    return [engine, f"{plan.dtype} on {plan.device}", f"batch {plan.batch}", _many(plan.threads, "thread")]


def verdict(plan: Plan) -> str:
    """How fast the whole model is beside the model itself."""
    own, eager = plan.plan_milliseconds, plan.eager_milliseconds
    if plan.refused is not None:
        return f"the model runs as it is{'' if eager is None else f', {ms(eager)}'}: {plan.refused}"
    if own is None or eager is None:
        sum_ = plan.summed_milliseconds
        told = "" if sum_ is None else f"about {ms(sum_)} by the sum of its regions; "
        return f"{told}the whole model was not timed"
    return f"{ms(own)} against {ms(eager)} of the model itself, {eager / own:.2f}x"


def extent(plan: Plan) -> str:
    """How much of a plan was measured."""
    if plan.tuned == "untuned":
        return "untuned: by rules of thumb, for nothing was measured (--tune measures)"
    if not plan.regions:
        return "measured: whole models"
    distinct = {(region.digest, each.mode, each.kernel): each for region in plan.regions for each in region.candidates}
    known = sum(each.source == "measured" for each in distinct.values())
    rest = "" if known == len(distinct) else ", the others go by rules of thumb (--tune measures)"
    kinds = len({region.digest for region in plan.regions})
    return f"measured: {known} of {_many(len(distinct), 'candidate')} for {_many(kinds, 'kind')} of regions{rest}"


def ms(milliseconds: float) -> str:
    """Three digits, and no more than a tenth of a microsecond."""
    digits = next((places for places, least in enumerate((100, 10, 1, 0.1)) if milliseconds >= least), 4)
    return f"{milliseconds:.{digits}f} ms"


def conversions(plan: Plan) -> str:
    """How many there are, and what they take."""
    if not plan.conversions:
        return "none"
    return f"{len(plan.conversions)}, {ms(sum(each.milliseconds for each in plan.conversions))}"


def _alike(regions: Sequence[RegionPlan]) -> Iterator[tuple[RegionPlan, list[str]]]:
    """Equal regions that run alike, at the place of the first, with all their labels."""
    groups: dict[tuple[str, str, str, str, tuple[Candidate, ...]], tuple[RegionPlan, list[str]]] = {}
    for region in regions:
        key = (region.digest, region.mode, region.kernel, region.why, region.candidates)
        groups.setdefault(key, (region, []))[1].append(region.label)
    yield from groups.values()


def _region(region: RegionPlan, labels: Sequence[str]) -> Iterator[str]:
    name = region.label or f"({region.kind})"
    times = f" x{len(labels)}" if len(labels) > 1 else ""
    yield clipped(f"{name}{times}  {', '.join(region.ops)}", WIDTH)
    if len(labels) > 1:
        others = ", ".join(label for label in labels[1:] if label)
        if others:
            yield f"{OTHER}also {clipped(others, WIDTH - len(OTHER) - 5)}"
    width = max((len(each.kernel) for each in region.candidates), default=0)
    for each in sorted(region.candidates, key=lambda each: each.milliseconds or float("inf")):
        chosen = (each.kernel, each.mode) == (region.kernel, region.mode)
        yield from _candidate(each, width, chosen)
    yield from wrap(f"because: {region.why}", WIDTH, initial_indent=OTHER, subsequent_indent=OTHER)


def _candidate(each: Candidate, width: int, chosen: bool) -> Iterator[str]:
    head = f"{CHOSEN if chosen else OTHER}{each.kernel.ljust(width)}  {each.mode.ljust(16)}  "
    if each.milliseconds is None:
        yield from wrap(f"{head}{each.failure or 'not timed'}", WIDTH, subsequent_indent=OTHER * 2)
        return
    error = "" if not each.error else f"  error {each.error:.1e}"
    yield f"{head}{ms(each.milliseconds).rjust(9)}{error}{'  by rule' if each.source == 'rule' else ''}"


def _alike_conversions(found: Sequence[ConversionPlan]) -> Iterator[tuple[ConversionPlan, int]]:
    groups: dict[ConversionPlan, int] = {}
    first: dict[ConversionPlan, ConversionPlan] = {}
    for each in found:
        bare = each.model_copy(update={"label": ""})
        first.setdefault(bare, each)
        groups[bare] = groups.get(bare, 0) + 1
    for bare, count in groups.items():
        yield first[bare], count


def _conversion(each: ConversionPlan, count: int) -> Iterator[str]:
    where = f"behind {each.label}" if each.label else "of an input"
    times = f" x{count}" if count > 1 else ""
    changed = f"{shape(each.shape)} {each.source} -> {each.goal}"
    text = f"{ms(each.milliseconds).rjust(9)}{times}  {where}: {changed}"
    yield from wrap(text, WIDTH, initial_indent=OTHER, subsequent_indent=OTHER * 2, break_on_hyphens=False)


def _whole(plan: Plan) -> Iterator[str]:
    rows = [("tuned", extent(plan)), ("time", verdict(plan))]
    if plan.summed_milliseconds is not None:
        rows.append(("sum", f"{ms(plan.summed_milliseconds)} over regions and conversions"))
    rows.append(("conversions", conversions(plan)))
    if plan.error is not None:
        rows.append(("error", f"{plan.error:.1e} of the largest result"))
    slower = sorted(plan.contenders.items(), key=lambda each: each[1])
    if slower:
        rows.append(("tried", ", ".join(f"{name} {ms(time)}" for name, time in slower)))
    rows += [("note", note) for note in plan.notes]
    for title, text in rows:
        yield from wrap(f"{title.ljust(11)} {text}", WIDTH, initial_indent=OTHER, subsequent_indent=OTHER * 4)


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
