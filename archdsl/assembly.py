"""A model with its weights: what `archdsl build` and `archdsl export` start from, and what `archdsl.build` returns.

The graph of a target becomes source and the source a module; weights are loaded under the names of the graph, and only
then is the model folded for deployment, if that is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from archdsl.building import emitted, made_of
from archdsl.diagnostics.record import UsageError
from archdsl.meaning.genomes import Genome
from archdsl.preprocessing import data_config_of
from archdsl.programs import program_of_text
from archdsl.targets import Target, TargetLike, only_model, open_target
from archdsl.tuning import Tell, Tune, TunedModel, order_of, tuned
from archdsl_compiler.graph import Module
from archdsl_compiler.passes.contract import Between
from archdsl_compiler.passes.keep_features import features_of

if TYPE_CHECKING:
    from torch import nn

    from archdsl.weights.files import StateDict, Weights
    from archdsl.weights.report import WeightsReport
    from archdsl_compiler.tuning.plan import Plan

Match: TypeAlias = Literal["name", "order"]


@dataclass(frozen=True, slots=True)
class Loading:
    """Which weights a model gets, and how they find their places."""

    weights: "Weights | None" = None
    match: Match = "name"
    skip: Sequence[str] = ()
    adapt: bool = False


@dataclass(frozen=True, slots=True)
class Assembly:
    """`graph` is what was built, before anything is folded for deployment; `source` is the code of `model`. `tuned` is
    the same model with its plan, if it has one."""

    target: Target
    graph: Module
    source: str
    model: "nn.Module"
    report: "WeightsReport | None"
    deployed: bool
    tuned: TunedModel | None = None

    @property
    def plan(self) -> "Plan | None":
        return None if self.tuned is None else self.tuned.plan


def build(
    target: TargetLike,
    *,
    weights: "Weights | None" = None,
    match: Match = "name",
    skip: Sequence[str] = (),
    adapt: bool = False,
    deploy: bool = False,
    features_only: bool = False,
    genome: Genome | None = None,
    pick: Literal["first"] | None = None,
    allow_extern: bool = False,
    tune: Tune | bool = False,
    **settings: object,
) -> "nn.Module":
    """The model of a target, in training mode, with new weights or those of a file or state dict. `match="order"` loads
    by position, `skip` are patterns of names that stay at their initialisation, `adapt` renews a classifier of other
    classes and resizes tables of positions. `deploy` folds batch norms and branches for inference. With `features_only`
    the model gives the feature maps of its stages; `feature_info` says what these are. `allow_extern` permits to run
    the Python that an `extern` refers to. With `tune` the model is in evaluation mode and runs as fast as was measured
    here; `plan` says how."""
    opened = open_target(target, settings=settings, genome=genome, pick=pick, allow_extern=allow_extern)
    loading = Loading(weights, match, skip, adapt)
    return assembled(opened, loading, deploy=deploy, features_only=features_only, tune=tune).model


def assembled(
    target: Target,
    loading: Loading | None = None,
    *,
    deploy: bool = False,
    features_only: bool = False,
    tune: Tune | bool = False,
    tell: Tell | None = None,
    between: Between | None = None,
    seed: int | None = None,
) -> Assembly:
    """Build a target. With a `seed` the initialisation is the same each time, and PyTorch's own numbers go on as if
    nothing had been taken from them. `between` is told of every pass, `tell` how far tuning is."""
    given = _read(loading or Loading())
    graph = target.graph()
    order = order_of(tune, target, graph) if tune is not False else None
    features = features_of(graph)
    if features_only and not features:
        raise UsageError(f"`{target.name}` has no stages, whose feature maps `features_only` gives")
    made, source = made_of(target, features_only=features_only, between=None if deploy else between)
    model = _seeded(source, seed)
    report = None
    if loading is not None and given is not None:
        from archdsl.weights.loading import load_weights

        report = load_weights(model, graph, given, match=loading.match, skip=loading.skip, adapt=loading.adapt)
    built = made if features_only else graph
    folded = None
    if deploy:
        folded, source, model = _deployed(target, built, model, between)
    # Beside PyTorch's own attributes, which must be tensors or modules.
    vars(model).update(data_config=data_config_of(graph), weights_report=report, feature_info=features)
    if order is None:
        return Assembly(target, built, source, model, report, deploy)
    found = tuned(target, built, model, order, folded, tell)
    return Assembly(target, built, source, found.model, report, deploy, found)


def model_of_text(text: str, *, seed: int | None = None, allow_extern: bool = False) -> Assembly:
    """The one model of a resolved text, as a search sends it to its workers, with new weights. Raises ArchError with
    what keeps it from being built."""
    return assembled(target_of_text(text, allow_extern=allow_extern), seed=seed)


def target_of_text(text: str, *, allow_extern: bool = False) -> Target:
    """The one model of a resolved text."""
    program = program_of_text(text)
    return open_target((program, only_model(program)), allow_extern=allow_extern)


def _read(loading: Loading) -> "StateDict | None":
    """The tensors, before anything is built."""
    if loading.match not in ("name", "order"):
        raise UsageError(f'weights are matched by "name" or by "order", not by {loading.match!r}')
    if isinstance(loading.skip, str):
        raise UsageError("`skip` is a list of patterns, not one string")
    if loading.weights is None:
        for option, used in (("skip", loading.skip), ("adapt", loading.adapt), ("match", loading.match != "name")):
            if used:
                raise UsageError(f"`{option}` says how weights are loaded, and there are none: give --weights FILE")
        return None
    from archdsl.weights.files import read_weights

    return read_weights(loading.weights)


def _seeded(source: str, seed: int | None) -> "nn.Module":
    from archdsl_compiler.emit.execute import instantiate

    if seed is None:
        return instantiate(source)
    import torch

    before = torch.get_rng_state()
    try:
        torch.default_generator.manual_seed(seed)
        return instantiate(source)
    finally:
        torch.set_rng_state(before)


def _deployed(
    target: Target, graph: Module, model: "nn.Module", between: Between | None
) -> tuple[Module, str, "nn.Module"]:
    """The folded graph, its source, and its model with the parameters that follow from those of the model."""
    from archdsl_compiler.emit.execute import instantiate
    from archdsl_compiler.passes.deploy import deploy
    from archdsl_compiler.passes.equality import UnequalDeployment, check_equal
    from archdsl_compiler.passes.weights import transform_state

    deployed = deploy(graph, between)
    try:
        check_equal(graph, deployed, lambda root: instantiate(emitted(target, root)))
    except UnequalDeployment as error:
        raise UsageError(f"{error}; build it without --deploy") from None
    source = emitted(target, deployed.root)
    folded = instantiate(source)
    folded.load_state_dict(transform_state(model.state_dict(), deployed.changes))
    return deployed.root, source, folded.eval()
