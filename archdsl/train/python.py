"""`archdsl.fit` and `archdsl.evaluate`: one model trained, or measured, from Python."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from torch import Tensor

from archdsl.assembly import Loading
from archdsl.meaning.genomes import Genome
from archdsl.parts import Part
from archdsl.targets import TargetLike, open_target
from archdsl.train.data.arrays import data_set
from archdsl.train.data.prepared import prepare
from archdsl.train.evaluating import evaluated
from archdsl.train.fitting import wanted_by
from archdsl.train.folder import trained_folder
from archdsl.train.loop import Epoch, Told
from archdsl.train.planning import Fitted, finished, planned
from archdsl.train.written import check_fields, data_text, recipe_for


def fit(
    target: TargetLike,
    data: "str | Mapping[str, tuple[Any, Any]] | tuple[Any, Any] | None" = None,
    *,
    recipe: str | None = None,
    settings: Mapping[str, object] | None = None,
    genome: Genome | None = None,
    seed: int = 0,
    device: str = "cpu",
    output: str | Path | None = None,
    resume: bool = False,
    tell: Told | None = None,
    allow_extern: bool = False,
    **fields: object,
) -> Fitted:
    """Train the model of a target. `data` is a source as the language writes it (`"fashion_mnist()"`), a pair of images
    and labels, or such pairs by split; `recipe` the name of a `train` of the file; further fields replace its own, each
    a value, or an entry as the language writes it: `epochs=3, optimizer="adamw(lr=1e-3)"`. With `output` the folder
    that `archdsl train` writes is written, and `resume` goes on with one that was interrupted."""
    opened = open_target(target, settings=settings, genome=genome, allow_extern=allow_extern)
    own = {name: value for name, value in fields.items() if not isinstance(value, str) or name == "start"}
    texts = {name: value for name, value in fields.items() if name not in own and isinstance(value, str)}
    if data is not None:
        texts["data"] = data_text(data) if isinstance(data, str) else "digits()"
    check_fields(fields)
    chosen = replace(recipe_for(opened, recipe, texts), **cast("dict[str, Any]", own))
    given = None
    if data is not None and not isinstance(data, str):
        pairs = cast("Mapping[str, tuple[Any, Any]]", data if isinstance(data, Mapping) else {"train": data})
        chosen = replace(chosen, data=Part("given"))
        read = data_set("the data", pairs)
        given = prepare(chosen.data, wanted_by(opened.graph()), chosen.validation, chosen.samples, given=read)
    plan = planned(opened, chosen, seed=seed, device=device, given=given)
    if output is not None:
        return trained_folder(plan, Path(output), tell or _silently, resume=resume)
    plan.training.run(tell or _silently)
    return finished(plan)


def evaluate(
    target: TargetLike,
    weights: "str | Path | Mapping[str, Tensor]",
    data: str | None = None,
    *,
    settings: Mapping[str, object] | None = None,
    genome: Genome | None = None,
    allow_extern: bool = False,
    **fields: str,
) -> dict[str, float]:
    """Accuracy and loss of a model with weights, on the splits of a data source that it was not trained on. Where the
    weights lie beside the summary of their training, pictures are prepared as it says, and its data is the default."""
    opened = open_target(target, settings=settings, genome=genome, allow_extern=allow_extern)
    return evaluated(opened, Loading(weights), data, fields)


def _silently(_epoch: Epoch) -> None:
    """Nobody wants to know."""
