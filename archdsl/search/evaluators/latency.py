"""How long a candidate takes for one pass: measured as a whole, or the calibrated sum of pieces that are kept from
earlier candidates."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from archdsl.assembly import target_of_text
from archdsl.building import emitted
from archdsl.cost.conditions import Conditions, conditions_here
from archdsl.cost.latency import Calibration, Measured, Summed, calibrated
from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.externs import check_externs
from archdsl.search.contract import Ground, Objective, Part, Place, Prepared, Report, Result, Work
from archdsl_compiler.passes.contract import BUILDING, pipeline

if TYPE_CHECKING:
    from archdsl.targets import Target
    from archdsl_compiler.graph import Module

PLACE: Place = "alone"
READS_ARCHITECTURE = True
SAMPLES = "samples"
"""The setting in which a prepared part has candidates by which sums of pieces are calibrated."""
MOST_SAMPLES = 8
DEVICES = ("cpu", "cuda")

_calibrations: dict[tuple[tuple[str, ...], Conditions], Calibration] = {}


def prepare(evaluator: Part, ground: Ground) -> Prepared:
    """See that the devices are known, and choose candidates for calibration."""
    modes: set[str] = set()
    for wish in ground.objectives:
        if wish.metric.name == "latency":
            modes.add(cast(str, wish.metric["mode"]))
            _check_device(wish)
    texts: list[str] = []
    if "table" in modes and ground.architecture is not None:
        for candidate in ground.samples:
            text = ground.architecture(candidate.genome)
            if text not in texts:
                texts.append(text)
            if len(texts) == MOST_SAMPLES:
                break
    return Prepared({SAMPLES: tuple(texts)})


def gives(evaluator: Part, objective: Objective) -> bool:
    return objective.metric.name == "latency"


def offers(evaluator: Part) -> Sequence[str]:
    return ()


def evaluate(work: Work, report: Report) -> Result:
    """Of sums also how far they were from whole models: `NAME.error` is the median of the relative errors, `NAME.ranks`
    Spearman's correlation."""
    target = target_of_text(work.architecture, allow_extern=work.allow_extern)
    graph = target.graph()
    metrics: dict[str, float] = {}
    for wish in work.metrics:
        if not gives(work.evaluator, wish):
            continue
        settings = wish.metric.settings
        here = conditions_here(
            cast(int, settings["batch"]), cast("str | None", settings["dtype"]), cast(str, settings["device"])
        )
        measured = Measured(lambda each: _built(target, each))
        if settings["mode"] == "measured":
            metrics[wish.name] = measured.seconds(graph, here)
            continue
        total = Summed(measured).seconds(graph, here)
        texts = tuple(cast("Sequence[str]", work.evaluator.settings.get(SAMPLES, ())))
        known = _calibration(texts or (work.architecture,), here, work.allow_extern)
        metrics[wish.name] = known.seconds(total)
        if known.models > 2:
            metrics[f"{wish.name}.error"], metrics[f"{wish.name}.ranks"] = known.error, known.ranks
    return Result(metrics)


def _calibration(texts: tuple[str, ...], here: Conditions, allow_extern: bool) -> Calibration:
    """Made once in a process; the times that it needs are kept."""
    found = _calibrations.get((texts, here))
    if found is None:
        graphs: list[Module] = []
        targets: dict[int, Target] = {}
        for text in texts:
            try:
                target = target_of_text(text, allow_extern=allow_extern)
                graphs.append(target.graph())
                targets[id(graphs[-1])] = target
            except ArchError:
                continue  # a candidate of its own says so
        first = next(iter(targets.values()))
        measured = Measured(lambda each: _built(targets.get(id(each), first), each))
        found = _calibrations[texts, here] = calibrated(graphs, Summed(measured), measured, here)
    return found


def _built(target: "Target", graph: "Module") -> Any:
    """A graph, or a piece of one, as a module."""
    from archdsl_compiler.emit.execute import instantiate

    check_externs(target, graph)
    return instantiate(emitted(target, pipeline(BUILDING).apply(graph)))


def _check_device(wish: Objective) -> None:
    device = cast(str, wish.metric["device"])
    kind, _, number = device.partition(":")
    if kind not in DEVICES or (number and not number.isdecimal()):
        raise UsageError(
            f"the latency `{wish.name}` is wanted of the device `{device}`, where nothing can be measured;"
            f" there are {', '.join(DEVICES)}"
        )
    if kind == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise UsageError(f"the latency `{wish.name}` is wanted of the device `{device}`, and PyTorch finds no GPU")
