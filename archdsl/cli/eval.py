"""`archdsl eval`: a model with weights, measured on data."""

import json

import click

from archdsl.assembly import Loading
from archdsl.cli.target_options import takes_target
from archdsl.cli.train import metrics_text
from archdsl.cli.train_options import takes_data
from archdsl.cli.waiting import waiting
from archdsl.targets import Target


@click.command(name="eval")
@takes_target(builds=True)
@click.option("--weights", required=True, metavar="FILE", help="The weights: .safetensors, or what torch.save wrote.")
@takes_data
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def command(target: Target, weights: str, given: dict[str, str], threads: int | None, as_json: bool) -> None:
    """Measure accuracy and loss of TARGET with weights, on the parts of the data that training does not see. Where the
    weights lie beside the summary of their training, its data and preprocessing are the default."""
    from archdsl.train.evaluating import evaluated
    from archdsl.train.planning import threads as computing_in

    with computing_in(threads), waiting(f"measuring {target.name}"):
        found = evaluated(target, Loading(weights), None, given)
    click.echo(
        json.dumps({"target": target.shown, "weights": weights, "metrics": found}, indent=2)
        if as_json
        else metrics_text(found)
    )
