"""`archdsl export`: one model as one file."""

from pathlib import Path

import click

from archdsl.assembly import Loading
from archdsl.cli.target_options import takes_target
from archdsl.cli.tune_options import takes_tune
from archdsl.cli.waiting import telling, waiting
from archdsl.cli.weights_options import takes_weights
from archdsl.exporting import FORMATS, exported
from archdsl.tables import bytes_of
from archdsl.targets import Target
from archdsl.tuning import Tune


@click.command(name="export")
@takes_target(builds=True)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="python", show_default=True, help="What to write."
)
@click.option("-o", "--output", metavar="PATH", help="Write there; Python is printed without it.")
@takes_weights
@takes_tune()
def command(
    target: Target,
    form: str,
    output: str | None,
    loading: Loading,
    deploy: bool,
    seed: int,
    force: bool,
    tune: Tune | None,
) -> None:
    """Write the model TARGET as one file: Python source, ONNX, a program of torch.export (pt2), or its weights
    (safetensors). ONNX and pt2 take any batch; they are run and compared with the model first. With
    --tune or --plan it is the model folded for inference, in the forms of plain PyTorch that the plan chose."""
    path = None if output is None else Path(output)
    with waiting(f"exporting {target.name}"), telling(f"tuning {target.name}") as tell:
        found = exported(
            target, form, path, loading, deploy=deploy, force=force, tune=tune or False, tell=tell, seed=seed
        )
    if path is None:
        click.echo(found.text, nl=False)
        return
    if found.built is not None and found.built.report is not None:
        click.echo(str(found.built.report), err=True)
    compared = f"; {found.agreement}" if found.agreement is not None else ""
    click.echo(f"wrote {path}, {bytes_of(path.stat().st_size)}{compared}", err=True)
