"""Tuning a model that is built: what a user may wish for, and the model that runs as fast as this machine allows."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from archdsl.building import emitted
from archdsl.cache import cache_folder
from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.kept_times import user_record
from archdsl.targets import Target
from archdsl.times import seconds_of
from archdsl_compiler.graph import Module, instances

if TYPE_CHECKING:
    from torch import nn

    from archdsl_compiler.engines.contract import Dtype as LongDtype
    from archdsl_compiler.passes.deploy import Deployed
    from archdsl_compiler.tuning.fast_model import FastModel
    from archdsl_compiler.tuning.plan import Plan
    from archdsl_compiler.tuning.record import Record
    from archdsl_compiler.tuning.tune import Wish

Dtype: TypeAlias = Literal["fp32", "bf16", "fp16"]
EngineName: TypeAlias = Literal["torch", "inductor", "onnxruntime", "openvino", "auto"]
Tell: TypeAlias = Callable[[int, int, str], None]
"""Told how much of the work is done, of how much, and what is next."""

DTYPES: Final[Mapping[str, "LongDtype"]] = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
ENGINES: Final = ("torch", "inductor", "onnxruntime", "openvino", "auto")
FOLDER: Final = "engines"
"""Where compiled engines are kept in the user's cache."""


@dataclass(frozen=True, slots=True)
class Tune:
    """What a model is tuned for. What is not given is as a pinned plan has it, else the cpu, fp32, a batch of 1, as
    many threads as the process has, and the kernels of PyTorch (engine torch).

    `dtype` is what the inside may compute in; inputs and results stay float32. `engine="auto"` tries engines for whole
    models as well, as long as the `budget` lasts: seconds, or a time like "5m". `plan` is a file: the plan is written
    there, and where there is one already it is taken as it is, and nothing is measured. Without `measure` the plan goes
    by what was measured before, and where that says nothing by rules of thumb."""

    device: str | None = None
    dtype: Dtype | str | None = None
    batch: int | None = None
    threads: int | None = None
    engine: EngineName | str | None = None
    budget: float | str | None = None
    plan: str | Path | None = None
    measure: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """A wish that can be fulfilled here. `page` is where the plan will be written, None if it stands there or is not
    wanted."""

    wish: "Wish"
    measure: bool
    pinned: "Plan | None"
    page: Path | None
    shown: str
    """The file of the plan, as it was given."""


@dataclass(frozen=True, slots=True)
class TunedModel:
    """`plan` is also an attribute of the model; `basis` is the graph that it is for, and how its weights follow from
    those of the model. `origin` says from which file the plan was taken, if it was."""

    model: "FastModel"
    plan: "Plan"
    basis: "Deployed"
    origin: str = ""


def order_of(wanted: Tune | bool, target: Target, graph: Module) -> Order:
    """Look at a wish before anything is built. Raises UsageError with what to do."""
    if wanted is True:
        wanted = Tune()
    if not isinstance(wanted, Tune):
        raise UsageError(f"`tune` is True or an archdsl.Tune(...), not {wanted!r}")
    if not graph.input_types:
        raise UsageError(f"`{target.name}` takes no input, so there is nothing to tune: build it without --tune")
    outside = sorted({each.module.extern for each in instances(graph)} - {""})
    if outside:
        raise UsageError(
            f"`{target.name}` has externs ({', '.join(outside)}), and what they compute is not known; "
            "build it without --tune"
        )
    from archdsl.plan_files import read_plan
    from archdsl_compiler.tuning.tune import BUDGET, Wish

    path, pinned = None if wanted.plan is None else Path(wanted.plan), None
    if path is not None and path.exists():
        pinned = read_plan(path)
    elif path is not None and not wanted.measure:
        raise UsageError(f"there is no plan at `{path}`; with --tune one is made and written there")
    device = device_of(wanted.device or (pinned.device if pinned else None))
    wish = Wish(
        device,
        dtype_of(wanted.dtype or (pinned.dtype if pinned else None)),
        count_of("batch", wanted.batch) or (pinned.batch if pinned else 1),
        count_of("threads", wanted.threads) or (pinned.threads if pinned else None),
        _engine(wanted.engine, device),
        BUDGET if wanted.budget is None else _budget(wanted.budget),
    )
    if pinned is not None:
        _agree(path, pinned, wish, wanted.engine)
    return Order(wish, wanted.measure and pinned is None, pinned, None if pinned else path, str(path or ""))


def tuned(
    target: Target, graph: Module, model: "nn.Module", order: Order, deployed: Module | None, tell: Tell | None
) -> "TunedModel":
    """The model with a program for it. `deployed` is its graph if it was folded; else it stays as it is, and only the
    program has it folded."""
    from archdsl.plan_files import ANEW, write_plan
    from archdsl_compiler.engines.contract import EngineFailure
    from archdsl_compiler.passes.deploy import Deployed
    from archdsl_compiler.tuning.allocator import keep_freed_memory
    from archdsl_compiler.tuning.pinning import PlanMismatch
    from archdsl_compiler.tuning.tune import tune

    keep_freed_memory()
    record = user_record()
    model.to(order.wish.device)
    if deployed is not None:
        basis, notes = Deployed(deployed, ()), ()
    else:
        basis, notes = _basis(target, graph, record)
    try:
        found = tune(
            model,
            basis,
            order.wish,
            record,
            root=engines_folder(),
            measure=order.measure,
            pinned=order.pinned,
            progress=tell,
        )
    except (PlanMismatch, EngineFailure) as error:
        raise UnusableFile(f"`{order.shown}` cannot be used for `{target.name}`: {error}; {ANEW}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt("what was measured until now is kept") from None
    notes = (*found.plan.notes, *notes, *record.notes)
    plan = found.plan.model_copy(update={"notes": tuple(dict.fromkeys(notes))})
    if order.page is not None:
        write_plan(order.page, plan)
    vars(found.model)["plan"] = plan
    return TunedModel(found.model, plan, basis, f"`{order.shown}`" if order.pinned else "")


def _basis(target: Target, graph: Module, record: "Record") -> "tuple[Deployed, tuple[str, ...]]":
    """The graph folded for inference; as it is where folding it changes results. That was seen once is kept."""
    from archdsl_compiler.digest import digest
    from archdsl_compiler.emit.execute import instantiate
    from archdsl_compiler.passes.contract import pipeline
    from archdsl_compiler.passes.deploy import Deployed, deploy
    from archdsl_compiler.passes.equality import UnequalDeployment, check_equal
    from archdsl_compiler.tuning.conditions import conditions_here
    from archdsl_compiler.tuning.rows import Kept, Key

    deployed = deploy(graph)
    conditions = conditions_here()
    key = Key(f"folded {digest(graph)}", digest(deployed.root), 1, "float32", "", 0)
    kept = record.kept(conditions, [key.region]).get(key)
    if kept is None:
        try:
            kept = Kept(None, check_equal(graph, deployed, lambda root: instantiate(emitted(target, root))))
        except UnequalDeployment as error:
            kept = Kept(None, error.difference, str(error), target.name)
        record.keep(conditions, {key: kept})
    if kept.failure is None:
        return deployed, ()
    return Deployed(pipeline().apply(graph), ()), (f"norms and branches are not folded: {kept.failure}",)


def device_of(wanted: str | None) -> str:
    kind, _, number = (wanted or "cpu").partition(":")
    if kind not in ("cpu", "cuda") or (number and not (kind == "cuda" and number.isdecimal())):
        raise UsageError(f"models are tuned for the device cpu or cuda, not {wanted!r}")
    if kind == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise UsageError("PyTorch finds no GPU here; tune for --device cpu, or on the machine that has one")
        if number and int(number) >= torch.cuda.device_count():
            raise UsageError(f"there is no {wanted}; this machine has {torch.cuda.device_count()}")
    return wanted or kind


def dtype_of(wanted: str | None) -> "LongDtype":
    word = wanted or "fp32"
    for short, long in DTYPES.items():
        if word in (short, long):
            return long
    raise UsageError(f"dtypes are {', '.join(DTYPES)}, not {word!r}")


def count_of(name: str, wanted: int | None) -> int | None:
    if wanted is not None and (type(wanted) is not int or wanted < 1):
        raise UsageError(f"{name} is a whole number from 1 on, not {wanted!r}")
    return wanted


def _engine(wanted: str | None, device: str) -> str:
    name = wanted or "torch"
    if name not in ENGINES:
        raise UsageError(f"engines are {', '.join(ENGINES)}, not {name!r}")
    if name in ("torch", "auto"):
        return name
    if not device.startswith("cpu"):
        raise UsageError(f"the engine {name} runs on the cpu here; for {device} take torch")
    from archdsl_compiler.engines.registry import engines_of

    missing = [engine.available() for engine in engines_of(name)]
    if all(missing):
        raise UsageError(f"the engine {name} cannot be used here: {missing[0]}")
    return name


def _budget(wanted: object) -> float:
    if isinstance(wanted, str):
        return seconds_of(wanted)
    if not isinstance(wanted, int | float) or isinstance(wanted, bool) or not wanted > 0:
        raise UsageError(f'a budget is seconds, or a time like "5m", not {wanted!r}')
    return wanted


def _agree(path: Path | None, pinned: "Plan", wish: "Wish", engine: str | None) -> None:
    """Whether what was asked for is what the plan is for."""
    pairs = {
        "device": (wish.device.partition(":")[0], pinned.device),
        "dtype": (wish.dtype, pinned.dtype),
        "batch": (wish.batch, pinned.batch),
        "threads": (wish.threads, pinned.threads),
        "engine": (engine or pinned.engine, pinned.engine),
    }
    for name, (asked, planned) in pairs.items():
        if asked != planned and (name, asked) != ("engine", "auto"):
            raise UsageError(
                f"the plan `{path}` is for {name} {planned}, not {asked}: leave out --{name}, or name another file, "
                "to which a new plan will be written"
            )


def engines_folder() -> Path:
    """Where programs of engines are kept; of this process alone if there is no cache folder."""
    folder = cache_folder()
    return _folder_of_this_process() if folder is None else folder / FOLDER


@cache
def _folder_of_this_process() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="archdsl-engines-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
