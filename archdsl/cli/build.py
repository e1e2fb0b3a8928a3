"""`archdsl build`: a model with its weights, and a folder that holds it."""

from pathlib import Path

import click

from archdsl.assembly import Assembly, Loading, assembled
from archdsl.build_summary import Summary, as_text, summary_of
from archdsl.cli.target_options import takes_target
from archdsl.cli.tune_options import takes_tune
from archdsl.cli.waiting import telling, waiting
from archdsl.cli.weights_options import takes_weights
from archdsl.diagnostics.record import UsageError
from archdsl.diagnostics.suggest import closest
from archdsl.exporting import save_tensors
from archdsl.output import new_folder, refuse_existing
from archdsl.plan_files import text_of
from archdsl.plan_text import explained
from archdsl.resolved.writing import resolved_source
from archdsl.targets import Target
from archdsl.tuning import Tune
from archdsl_compiler.graph import Module
from archdsl_compiler.passes.contract import BUILDING, DEPLOYING, Between, Pass
from archdsl_compiler.passes.printing import graph_text

FILES = ("model.arch", "model.py", "model.safetensors", "summary.json")
PLAN = "plan.json"
"""Of a tuned model."""


@click.command(name="build")
@takes_target(builds=True)
@click.option("-o", "--output", metavar="DIR", help=f"Write {', '.join(FILES)} to a new folder.")
@takes_weights
@takes_tune(explains=True)
@click.option("--print-after", metavar="PASS", help=f"Print the graph after a pass, such as {BUILDING[0]}.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary, or the plan, as one object.")
def command(
    target: Target,
    output: str | None,
    loading: Loading,
    deploy: bool,
    seed: int,
    force: bool,
    tune: Tune | None,
    explain_plan: bool,
    print_after: str | None,
    as_json: bool,
) -> None:
    """Build the model TARGET, load its weights if there are any, and tell what it is. TARGET is FILE.arch,
    FILE.arch:NAME or zoo:NAME; a space is built with --genome or --pick."""
    folder = None if output is None else Path(output)
    if folder is not None:
        refuse_existing(folder, force)
    between = None if print_after is None else _printing(print_after, deploy)
    with waiting(f"building {target.name}"), telling(f"tuning {target.name}") as tell:
        built = assembled(target, loading, deploy=deploy, tune=tune or False, tell=tell, between=between, seed=seed)
    files = FILES if built.plan is None else (*FILES, PLAN)
    summary = summary_of(built, seed, () if folder is None else files)
    if folder is not None:
        with waiting(f"writing {folder}"):
            write_folder(folder, built, summary, force)
    if as_json:
        told = built.plan if explain_plan and built.plan is not None else summary
        click.echo(told.model_dump_json(indent=2))
        return
    if explain_plan and built.plan is not None:
        click.echo(f"{explained(built.plan)}\n")
    click.echo(as_text(summary, built.report, built.tuned))
    if folder is not None:
        click.echo(f"wrote {folder}: {', '.join(files)}")


def write_folder(folder: Path, built: Assembly, summary: Summary, force: bool = False) -> None:
    """All files of a build, or none."""
    target = built.target
    resolved = resolved_source(target.program, target.name, target.settings, target.genome)
    with new_folder(folder, force=force) as temporary:
        (temporary / "model.arch").write_text(resolved, encoding="utf-8")
        (temporary / "model.py").write_text(built.source, encoding="utf-8")
        save_tensors(built.model.state_dict(), temporary / "model.safetensors")
        (temporary / "summary.json").write_text(summary.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if built.plan is not None:
            (temporary / PLAN).write_text(text_of(built.plan), encoding="utf-8")


def _printing(name: str, deploy: bool) -> Between:
    """Prints the graph each time the pass has run."""
    run = [step.partition("{")[0] for step in (*BUILDING, *(DEPLOYING if deploy else ()))]
    if name not in run:
        if name in DEPLOYING:
            raise UsageError(f"the pass `{name}` runs with --deploy alone")
        near = closest(name, run)
        hint = f"a similar name is `{near}`" if near else f"there are {', '.join(dict.fromkeys(run))}"
        raise UsageError(f"no pass `{name}` runs in a build; {hint}")

    def tell(ran: Pass | None, graph: Module, _following: Pass | None) -> None:
        if ran is not None and ran.name == name:
            click.echo(f"# after {name}\n{graph_text(graph)}", err=True)

    return tell
