"""How long a candidate takes for one pass: measured as a whole, or the calibrated sum of pieces that are kept from
earlier candidates, or predicted from decisions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from archdsl.assembly import target_of_text
from archdsl.building import emitted
from archdsl.cost.latency import Calibration, Measured, Summed, calibrated
from archdsl.cost.timed_pass import TimedPass, pass_here
from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.externs import check_externs
from archdsl.kept_times import user_record
from archdsl.search.contract import Ground, Objective, Part, Place, Prepared, Report, Result, Work
from archdsl.search.evaluators.predicted import learn_from, predicted
from archdsl_compiler.passes.contract import BUILDING, pipeline
from archdsl_compiler.tuning.allocator import keep_freed_memory

if TYPE_CHECKING:
    from archdsl.targets import Target
    from archdsl_compiler.graph import Module

PLACE: Place = "alone"
READS_ARCHITECTURE = True
SAMPLES = "samples"
"""The setting in which a prepared part has candidates by which sums of pieces are calibrated."""
LEARNED = "learned"
"""The setting with what predictions are learned from, by objective."""
MOST_SAMPLES = 8
DEVICES = ("cpu", "cuda")

_calibrations: dict[tuple[tuple[str, ...], TimedPass], Calibration] = {}


def prepare(evaluator: Part, ground: Ground) -> Prepared:
    """See that the devices are known, and choose candidates for calibration."""
    modes: set[str] = set()
    learned: dict[str, object] = {}
    notes: list[str] = []
    for wish in ground.objectives:
        if wish.metric.name == "latency":
            modes.add(cast(str, wish.metric["mode"]))
            if wish.metric["mode"] != "predicted" or wish.metric["table"] is None:
                _check_device(wish)
                notes = user_record().check()
            if wish.metric["mode"] == "predicted":
                learned[wish.name] = learn_from(wish, ground)
    texts: list[str] = []
    if "table" in modes and ground.architecture is not None:
        for candidate in ground.samples:
            text = ground.architecture(candidate.genome)
            if text not in texts:
                texts.append(text)
            if len(texts) == MOST_SAMPLES:
                break
    return Prepared({SAMPLES: tuple(texts), LEARNED: learned}, tuple(notes))


def gives(evaluator: Part, objective: Objective) -> bool:
    return objective.metric.name == "latency"


def offers(evaluator: Part) -> Sequence[str]:
    return ()


def evaluate(work: Work, report: Report) -> Result:
    """Of sums and predictions also how far they were from whole models: `NAME.error` is the median of the relative
    errors, `NAME.ranks` Spearman's correlation."""
    metrics: dict[str, float] = {}
    targets: dict[str, Target] = {}

    def measure(text: str, here: TimedPass) -> float:
        if text not in targets:
            targets[text] = target_of_text(text, allow_extern=work.allow_extern)
        return Measured(lambda each: _built(targets[text], each)).seconds(targets[text].graph(), here)

    for wish in work.metrics:
        if not gives(work.evaluator, wish):
            continue
        metric = wish.metric
        learned = cast("Mapping[str, Mapping[str, object]]", work.evaluator.settings.get(LEARNED, {})).get(wish.name)
        here = None
        if learned is None or "column" not in learned:
            dtype, device = cast("str | None", metric["dtype"]), cast(str, metric["device"])
            keep_freed_memory()
            here = pass_here(cast(int, metric["batch"]), dtype, device)
        if learned is not None:
            found, error, order = predicted(work, learned, lambda text, c=here: measure(text, cast(TimedPass, c)), here)
            metrics[wish.name], metrics[f"{wish.name}.error"], metrics[f"{wish.name}.ranks"] = found, error, order
        elif metric["mode"] == "measured":
            metrics[wish.name] = measure(work.architecture, cast(TimedPass, here))
        else:
            metrics.update(_summed(wish.name, work, cast(TimedPass, here)))
    return Result(metrics)


def _summed(name: str, work: Work, here: TimedPass) -> dict[str, float]:
    target = target_of_text(work.architecture, allow_extern=work.allow_extern)
    total = Summed(Measured(lambda each: _built(target, each))).seconds(target.graph(), here)
    texts = tuple(cast("Sequence[str]", work.evaluator.settings.get(SAMPLES, ())))
    known = _calibration(texts or (work.architecture,), here, work.allow_extern)
    metrics = {name: known.seconds(total)}
    if known.models > 2:
        metrics[f"{name}.error"], metrics[f"{name}.ranks"] = known.error, known.ranks
    return metrics


def _calibration(texts: tuple[str, ...], here: TimedPass, allow_extern: bool) -> Calibration:
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
