"""How long a candidate takes for one pass, with the kernels that `archdsl build --tune` runs: measured as a whole, or
the calibrated sum of what the record knows of its parts, or predicted from decisions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from archdsl.assembly import target_of_text
from archdsl.building import emitted
from archdsl.cost.latency import Calibration, Measured, Summed, calibrated
from archdsl.cost.machines import conditions_named
from archdsl.cost.timed_pass import TimedPass, pass_here
from archdsl.cost.tuned import SummedRegions, TunedWholes, is_tunable
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

_calibrations: dict[tuple[tuple[str, ...], TimedPass, bool], Calibration] = {}


def prepare(evaluator: Part, ground: Ground) -> Prepared:
    """See that devices and machines are known, and choose candidates for calibration. What the table of another machine
    lacks of these is told."""
    texts = _texts(ground)
    calibrates = False
    learned: dict[str, object] = {}
    notes: list[str] = []
    for wish in ground.objectives:
        if wish.metric.name != "latency":
            continue
        mode = wish.metric["mode"]
        if wish.metric["machine"] is not None:
            notes += _of_machine(wish, texts)
        elif mode != "predicted" or wish.metric["table"] is None:
            _check_device(wish)
            notes += user_record().check()
            calibrates = calibrates or mode == "table"
        if mode == "predicted":
            learned[wish.name] = learn_from(wish, ground)
    return Prepared({SAMPLES: texts if calibrates else (), LEARNED: learned}, tuple(dict.fromkeys(notes)))


def _texts(ground: Ground) -> tuple[str, ...]:
    """Some candidates, each once."""
    texts: list[str] = []
    if ground.architecture is not None and any(each.metric.name == "latency" for each in ground.objectives):
        for candidate in ground.samples:
            text = ground.architecture(candidate.genome)
            if text not in texts:
                texts.append(text)
            if len(texts) == MOST_SAMPLES:
                break
    return tuple(texts)


def _of_machine(wish: Objective, texts: Sequence[str]) -> list[str]:
    """What is to be said of times of another machine."""
    if wish.metric["mode"] != "table" or not wish.metric["tuned"]:
        raise UsageError(
            f"the latency `{wish.name}` is wanted of another machine, of which tables are known:"
            ' write mode="table", and leave out `tuned`'
        )
    here = _pass(wish)
    sums, regions = SummedRegions(elsewhere=True), set[str]()
    for text in texts:
        try:
            regions.update(sums.found(target_of_text(text, allow_extern=True).graph(), here).unknown)
        except ArchError:
            continue  # a candidate of its own says so
    if not regions:
        return []
    return [
        f"{len(regions)} regions of {len(texts)} candidates are not in the table of {here.conditions.machine}, so rules"
        f" of thumb stand in for them; `{wish.name}.ruled` says for which share of a time"
    ]


def gives(evaluator: Part, objective: Objective) -> bool:
    return objective.metric.name == "latency"


def offers(evaluator: Part) -> Sequence[str]:
    return ()


def evaluate(work: Work, report: Report) -> Result:
    """Of sums and predictions also how far they were from whole models: `NAME.error` is the median of the relative
    errors, `NAME.ranks` Spearman's correlation; of sums of another machine `NAME.ruled`, the share of the time that is
    by rules of thumb."""
    metrics: dict[str, float] = {}
    targets: dict[str, Target] = {}

    def measure(text: str, here: TimedPass, tuned: bool) -> float:
        if text not in targets:
            targets[text] = target_of_text(text, allow_extern=work.allow_extern)
        return _Wholes(lambda each: _built(targets[text], each), tuned).seconds(targets[text].graph(), here)

    for wish in work.metrics:
        if not gives(work.evaluator, wish):
            continue
        metric = wish.metric
        tuned = cast(bool, metric["tuned"])
        learned = cast("Mapping[str, Mapping[str, object]]", work.evaluator.settings.get(LEARNED, {})).get(wish.name)
        if metric["machine"] is not None:
            sums = SummedRegions(elsewhere=True)
            graph = target_of_text(work.architecture, allow_extern=work.allow_extern).graph()
            metrics[wish.name] = sums.seconds(graph, _pass(wish))
            metrics[f"{wish.name}.ruled"] = sums.ruled
        elif learned is not None:
            here = None if "column" in learned else _pass(wish)
            found, error, order = predicted(
                work, learned, lambda text, c=here, t=tuned: measure(text, cast(TimedPass, c), t), (here, tuned)
            )
            metrics[wish.name], metrics[f"{wish.name}.error"], metrics[f"{wish.name}.ranks"] = found, error, order
        elif metric["mode"] == "measured":
            metrics[wish.name] = measure(work.architecture, _pass(wish), tuned)
        else:
            metrics.update(_summed(wish.name, work, _pass(wish), tuned))
    return Result(metrics)


def _pass(wish: Objective) -> TimedPass:
    """The pass that is wished for, here or on the machine that is named."""
    metric = wish.metric
    batch, dtype, device = cast(int, metric["batch"]), cast("str | None", metric["dtype"]), cast(str, metric["device"])
    if (machine := cast("str | None", metric["machine"])) is not None:
        return TimedPass(batch, dtype or "float32", device, conditions_named(machine, device))
    keep_freed_memory()
    return pass_here(batch, dtype, device)


@dataclass(frozen=True, slots=True)
class _Wholes:
    """Whole models, tuned where that is wanted and can be."""

    build: Callable[["Module"], Any]
    tuned: bool

    def seconds(self, graph: "Module", timed: TimedPass) -> float:
        source = TunedWholes if self.tuned and is_tunable(graph, timed.dtype) else Measured
        return source(self.build).seconds(graph, timed)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over regions with their kernels, or over PyTorch's modules."""

    build: Callable[["Module"], Any]
    tuned: bool

    def seconds(self, graph: "Module", timed: TimedPass) -> float:
        if self.tuned and is_tunable(graph, timed.dtype):
            return SummedRegions().seconds(graph, timed)
        return Summed(Measured(self.build)).seconds(graph, timed)


def _summed(name: str, work: Work, here: TimedPass, tuned: bool) -> dict[str, float]:
    target = target_of_text(work.architecture, allow_extern=work.allow_extern)
    total = _Sums(lambda each: _built(target, each), tuned).seconds(target.graph(), here)
    texts = tuple(cast("Sequence[str]", work.evaluator.settings.get(SAMPLES, ())))
    known = _calibration(texts or (work.architecture,), here, tuned, work.allow_extern)
    metrics = {name: known.seconds(total)}
    if known.models > 2:
        metrics[f"{name}.error"], metrics[f"{name}.ranks"] = known.error, known.ranks
    return metrics


def _calibration(texts: tuple[str, ...], here: TimedPass, tuned: bool, allow_extern: bool) -> Calibration:
    """Made once in a process; the times that it needs are kept."""
    found = _calibrations.get((texts, here, tuned))
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

        def build(graph: "Module") -> Any:
            return _built(targets.get(id(graph), first), graph)

        found = calibrated(graphs, _Sums(build, tuned), _Wholes(build, tuned), here)
        _calibrations[texts, here, tuned] = found
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
