"""`archdsl train`: one model trained by a recipe, and the folder that holds it."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from archdsl.cli.target_options import takes_target
from archdsl.cli.train_options import asked_to_stop, takes_data
from archdsl.cli.waiting import waiting
from archdsl.tables import table
from archdsl.targets import Target


@click.command(name="train")
@takes_target(builds=True)
@takes_data
@click.option("--recipe", metavar="NAME", help="Train as a `train` of the file says; its only one by default.")
@click.option("--epochs", type=click.IntRange(min=0), metavar="N", help="As --with epochs=N.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="Of all numbers.")
@click.option("--device", default="cpu", show_default=True, metavar="NAME", help="Where to compute, such as cuda.")
@click.option("-o", "--output", metavar="DIR", help="Write the model, its summary and log.jsonl to a folder.")
@click.option("--resume", is_flag=True, help="Go on with the training that DIR holds.")
@click.option("--force", is_flag=True, help="Begin anew in a DIR that holds something.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one object.")
def command(
    target: Target,
    given: dict[str, str],
    recipe: str | None,
    epochs: int | None,
    seed: int,
    threads: int | None,
    device: str,
    output: str | None,
    resume: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Train the model TARGET: by a `train` of its file, or on --data with the usual recipe. TARGET is FILE.arch,
    FILE.arch:NAME or zoo:NAME; a space is trained with --genome or --pick."""
    # Threads that wait leave their core to others. OpenMP reads this when PyTorch is loaded, which is now.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from archdsl.diagnostics.record import UsageError
    from archdsl.train import planning
    from archdsl.train.failures import Interrupted, TrainingFailed
    from archdsl.train.folder import FILES, check_free, summary_of_training, trained_folder
    from archdsl.train.written import recipe_for

    if output is None and resume:
        raise UsageError("--resume goes on with the training of a folder: give -o DIR")
    folder = None if output is None else Path(output)
    if folder is not None:
        check_free(folder, resume=resume, force=force)
    if epochs is not None:
        given["epochs"] = str(epochs)
    chosen = recipe_for(target, recipe, given)
    try:
        with planning.threads(threads), asked_to_stop() as asked:
            with waiting(f"loading data and building {target.name}"):
                plan = planning.planned(target, chosen, seed=seed, device=device)
            if folder is None:
                plan.training.run(_tell, asked)
                found = planning.finished(plan)
            else:
                found = trained_folder(plan, folder, _tell, resume=resume, force=force, asked_to_stop=asked)
    except Interrupted:
        how = "give -o DIR to be able to resume" if folder is None else f"`{folder}` goes on with the same and --resume"
        raise KeyboardInterrupt(how) from None
    except TrainingFailed as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        summary = summary_of_training(plan, found.metrics, () if folder is None else FILES)
        history = [asdict(epoch) for epoch in found.history]
        click.echo(json.dumps({**summary.model_dump(mode="json"), "history": history}, indent=2))
        return
    click.echo(metrics_text(found.metrics))
    if folder is not None:
        click.echo(f"wrote {folder}: {', '.join(FILES)}")


def _tell(epoch: object) -> None:
    from archdsl.train.loop import Epoch

    assert isinstance(epoch, Epoch)
    validation = "".join(f"  {name} {value:.4f}" for name, value in epoch.validation.items())
    head = f"epoch {epoch.number:>{len(str(epoch.epochs))}}/{epoch.epochs}"
    held = f"  validation{validation}" if validation else ""
    click.echo(f"{head}  training loss {epoch.loss:.4f}{held}  {epoch.seconds:.1f} s", err=True)


def metrics_text(metrics: dict[str, float]) -> str:
    """A line for each split that was measured."""
    split_metrics = [name.partition(".")[::2] for name in metrics if "." in name]
    splits, kinds = (
        dict.fromkeys(names) for names in (zip(*split_metrics, strict=True) if split_metrics else ((), ()))
    )
    rows = [[split, *(f"{metrics[f'{split}.{kind}']:.4f}" for kind in kinds)] for split in splits]
    if not rows:
        return "nothing was held out, so nothing was measured"
    others = [f"{name} {value:.4f}" for name, value in metrics.items() if "." not in name]
    return "\n".join((*table([["split", *kinds], *rows], [False, *(True for _ in kinds)]), *others))
