"""`summary.json`: what was built, from what, and how large it is; and reading one back."""

import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from archdsl.assembly import Assembly
from archdsl.diagnostics.record import UnusableFile
from archdsl.meaning.values import Value, show
from archdsl.plan_text import conversions, extent, headline, verdict
from archdsl.preprocessing import data_config_of
from archdsl.targets import Target
from archdsl.tuning import TunedModel
from archdsl.weights.report import WeightsReport
from archdsl_compiler.graph import Module, instances, leaves
from archdsl_compiler.tuning.plan import Plan
from archdsl_compiler.types import TensorType

BATCH = "batch"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorSummary(_Record):
    """Sizes in order; the batch stands as the word."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str


class AdaptedSummary(_Record):
    """As `archdsl.weights.report.Adapted`."""

    name: str
    rule: Literal["resized", "initialised"]
    before: tuple[int, ...]
    after: tuple[int, ...]


class WeightsSummary(_Record):
    """As `archdsl.weights.report.WeightsReport`, with the number of what was loaded for the names."""

    source: str
    match: Literal["name", "order"]
    loaded: int
    skipped: tuple[str, ...]
    adapted: tuple[AdaptedSummary, ...]
    initialised: tuple[str, ...]
    computed: tuple[str, ...]
    unwrapped: tuple[str, ...]


class TunedSummary(_Record):
    """The plan of a tuned model in short: `tuned` says how much of it was measured, `kernels` how many regions run by
    each; `refused` is why it is not used, if it is not. Times are in milliseconds."""

    engine: str
    device: str
    dtype: str
    batch: int
    threads: int
    tuned: Literal["measured", "partly", "untuned"]
    plan_milliseconds: float | None
    eager_milliseconds: float | None
    error: float | None
    refused: str | None
    kernels: dict[str, int]
    conversions: int
    notes: tuple[str, ...]


class Summary(_Record):
    """`settings` are as the language writes them, `decisions` those of the candidate that were given; `params` and
    `macs` are of the model as it was declared, for one input, without what `externs` refers to; `seed` is that of the
    initialisation. Of a trained model `metrics` are what was measured with the weights that lie beside, `recipe` how it
    was trained, and `preprocessing` what was done to the pictures."""

    version: Literal[1] = 1
    name: str
    target: str
    settings: dict[str, str]
    decisions: dict[str, str]
    params: int
    macs: int
    externs: tuple[str, ...] = ()
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]
    preprocessing: dict[str, object] | None
    seed: int | None
    weights: WeightsSummary | None
    deployed: bool
    tuned: TunedSummary | None = None
    files: tuple[str, ...]
    versions: dict[str, str]
    metrics: dict[str, float] | None = None
    recipe: dict[str, object] | None = None


def summary_of(built: Assembly, seed: int | None, files: Sequence[str] = ()) -> Summary:
    """The summary of a model that was built, and of the files that it leaves."""
    found = graph_summary(built.target, built.graph, seed, files)
    weights = None if built.report is None else _weights(built.report)
    tuned = None if built.plan is None else _tuned(built.plan)
    return found.model_copy(update={"weights": weights, "deployed": built.deployed, "tuned": tuned})


def graph_summary(target: Target, graph: Module, seed: int | None, files: Sequence[str] = ()) -> Summary:
    """The summary of a model that need not have been built."""
    single = len(graph.output_types) == 1
    names = ["output"] if single else [f"output_{number}" for number in range(len(graph.output_types))]
    inputs = [name for name, structure in graph.inputs for _ in leaves(structure)]
    return Summary(
        name=target.name,
        target=target.shown,
        settings={name: _written(value) for name, value in graph.settings},
        decisions={path: str(option) for path, option in (target.genome or {}).items()},
        params=graph.params,
        macs=graph.macs,
        externs=tuple(sorted({each.module.extern for each in instances(graph)} - {""})),
        inputs=tuple(map(_tensor, inputs, graph.input_types)),
        outputs=tuple(map(_tensor, names, graph.output_types)),
        preprocessing=data_config_of(graph),
        seed=seed,
        weights=None,
        deployed=False,
        files=tuple(files),
        versions={"archdsl": version("archdsl"), "torch": version("torch"), "python": platform.python_version()},
    )


def as_text(summary: Summary, report: WeightsReport | None, tuned: TunedModel | None = None) -> str:
    """What the command prints."""
    rows = [
        ("input", ", ".join(map(_shown, summary.inputs))),
        ("output", ", ".join(map(_shown, summary.outputs))),
        ("params", f"{summary.params:,}"),
        ("MACs", f"{summary.macs:,} for one input"),
    ]
    rows += [("extern", f"{', '.join(summary.externs)}, not counted")] if summary.externs else []
    rows += [("decisions", ", ".join(f"{p} = {o}" for p, o in summary.decisions.items()))] if summary.decisions else []
    if summary.preprocessing is not None:
        rows.append(("pictures", ", ".join(f"{name} {value}" for name, value in summary.preprocessing.items())))
    rows.append(("weights", "new" if summary.seed is None else f"new, by seed {summary.seed}"))
    if report is not None:
        first, *others = report.lines()
        rows[-1:] = [("weights", first), *(("", line) for line in others)]
    if summary.deployed:
        rows.append(("deployed", "batch norms and branches are folded where that can be; for inference alone"))
    if tuned is not None:
        plan = tuned.plan
        rows.append(("tuned", ", ".join(headline(plan))))
        rows += [("", f"as {tuned.origin} says, nothing was measured now")] if tuned.origin else []
        rows += [("", extent(plan)), ("", verdict(plan))]
        rows += [("", f"conversions: {conversions(plan)}")] if plan.regions and plan.refused is None else []
        rows += [("note", note) for note in plan.notes]
    head = summary.name if summary.name == summary.target else f"{summary.name}, from {summary.target}"
    return "\n".join((head, *(f"  {title:<10}{text}" for title, text in rows)))


def read_summary(path: str | Path) -> Summary:
    """A summary that was written before. Raises UnusableFile that names the field which does not fit."""
    try:
        return Summary.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise UnusableFile(f"`{path}` cannot be read: {(error.strerror or str(error)).lower()}") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise UnusableFile(f"`{path}` is no summary of a build: `{field}`: {first['msg'].lower()}") from None


def _written(value: object) -> str:
    return show(cast(Value, value))


def _tensor(name: str, kind: TensorType) -> TensorSummary:
    return TensorSummary(
        name=name, shape=tuple(size if isinstance(size, int) else BATCH for size in kind.shape), dtype=kind.dtype
    )


def _shown(tensor: TensorSummary) -> str:
    dtype = "" if tensor.dtype == "real" else f"{tensor.dtype} "
    return f"{dtype}{tensor.name} [{', '.join(map(str, tensor.shape))}]"


def _tuned(plan: Plan) -> TunedSummary:
    return TunedSummary(
        engine=plan.engine,
        device=plan.device,
        dtype=plan.dtype,
        batch=plan.batch,
        threads=plan.threads,
        tuned=plan.tuned,
        plan_milliseconds=plan.plan_milliseconds,
        eager_milliseconds=plan.eager_milliseconds,
        error=plan.error,
        refused=plan.refused,
        kernels=dict(Counter(region.kernel for region in plan.regions).most_common()),
        conversions=len(plan.conversions),
        notes=plan.notes,
    )


def _weights(report: WeightsReport) -> WeightsSummary:
    adapted = tuple(AdaptedSummary(name=a.name, rule=a.rule, before=a.before, after=a.after) for a in report.adapted)
    return WeightsSummary(
        source=report.source,
        match=report.match,
        loaded=len(report.loaded),
        skipped=report.skipped,
        adapted=adapted,
        initialised=report.initialised,
        computed=report.computed,
        unwrapped=report.unwrapped,
    )
