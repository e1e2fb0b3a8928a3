"""The folder that a training leaves: the model with its weights, its summary, a line of `log.jsonl` for each epoch, and
a checkpoint until it is finished."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from archdsl.assembly import Loading, assembled
from archdsl.build_summary import Summary, read_summary, summary_of
from archdsl.diagnostics.record import UsageError
from archdsl.exporting import save_tensors
from archdsl.output import new_file, new_folder, refuse_existing
from archdsl.resolved.writing import resolved_source
from archdsl.train.checkpoints import load_checkpoint, save_checkpoint
from archdsl.train.failures import Interrupted
from archdsl.train.loop import Epoch, Told
from archdsl.train.planning import Fitted, Plan, finished

FILES: Final = ("model.arch", "model.py", "model.safetensors", "summary.json", "log.jsonl")
CHECKPOINT: Final = "checkpoint.pt"
LOG: Final = "log.jsonl"
SUMMARY: Final = "summary.json"


def check_free(folder: Path, *, resume: bool, force: bool) -> None:
    """Refuse a folder that holds something, before anything is loaded; an unfinished training is there to be
    resumed."""
    if resume or force or not folder.exists():
        return
    if (folder / CHECKPOINT).is_file() and not (folder / SUMMARY).is_file():
        raise UsageError(
            f"`{folder}` holds a training that was interrupted; --resume (resume=True) goes on with it, "
            "--force begins anew"
        )
    if not folder.is_dir() or any(folder.iterdir()):
        refuse_existing(folder, force)


def trained_folder(
    plan: Plan,
    folder: Path,
    tell: Told,
    *,
    resume: bool = False,
    force: bool = False,
    asked_to_stop: Callable[[], bool] = lambda: False,
) -> Fitted:
    """Carry a plan out with its state in a folder after each epoch, and write the model there. A training that is
    finished there already is not repeated."""
    check_free(folder, resume=resume, force=force)
    if resume and (folder / SUMMARY).is_file():
        return _as_it_is(plan, folder)
    training, source, checkpoint = plan.training, plan.built.source, folder / CHECKPOINT
    if resume and checkpoint.is_file():
        load_checkpoint(training, source, checkpoint)
    _write_log(folder, training.history)

    def told(epoch: Epoch) -> None:
        save_checkpoint(training, source, checkpoint)
        _write_log(folder, training.history)
        tell(epoch)

    try:
        training.run(told, asked_to_stop)
    except Interrupted:
        save_checkpoint(training, source, checkpoint)
        raise
    found = finished(plan)
    _write(plan, found, folder)
    checkpoint.unlink(missing_ok=True)
    return found


def summary_of_training(plan: Plan, metrics: dict[str, float], files: Sequence[str] = ()) -> Summary:
    """The summary of a trained model: beside what it is, what was measured, of what data, and how it was trained."""
    summary = summary_of(plan.built, plan.seed, files)
    data, recipe = plan.data.summary(), plan.recipe.as_json()
    return summary.model_copy(update={"preprocessing": data, "metrics": metrics, "recipe": recipe})


def _write(plan: Plan, found: Fitted, folder: Path) -> None:
    target = plan.built.target
    summary = summary_of_training(plan, found.metrics, FILES)
    with new_folder(folder, force=True) as temporary:
        resolved = resolved_source(target.program, target.name, target.settings, target.genome)
        (temporary / "model.arch").write_text(resolved, encoding="utf-8")
        (temporary / "model.py").write_text(plan.built.source, encoding="utf-8")
        save_tensors(found.model.state_dict(), temporary / "model.safetensors")
        (temporary / LOG).write_text(_lines(found.history), encoding="utf-8")
        (temporary / SUMMARY).write_text(summary.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _as_it_is(plan: Plan, folder: Path) -> Fitted:
    """What a finished training has left, if it is this one."""
    summary = read_summary(folder / SUMMARY)
    recipe = json.loads(json.dumps(plan.recipe.as_json()))
    different = [name for name, value in recipe.items() if summary.recipe is None or summary.recipe.get(name) != value]
    different += ["seed"] if summary.seed != plan.seed else []
    if different:
        raise UsageError(f"`{folder}` holds another training, with another {different[0]}; name another folder")
    built = assembled(plan.built.target, Loading(folder / "model.safetensors"))
    lines = (folder / LOG).read_text(encoding="utf-8").splitlines() if (folder / LOG).is_file() else []
    history = tuple(Epoch(**json.loads(line)) for line in lines)
    return Fitted(built.model.eval(), dict(summary.metrics or {}), history, plan.data.summary())


def _write_log(folder: Path, history: Sequence[Epoch]) -> None:
    with new_file(folder / LOG, force=True) as temporary:
        temporary.write_text(_lines(history), encoding="utf-8")


def _lines(history: Sequence[Epoch]) -> str:
    return "".join(f"{json.dumps(asdict(epoch))}\n" for epoch in history)
