"""`archdsl sample`: candidates of a space, drawn evenly."""

import json
from pathlib import Path

import click

from archdsl.cli.target_options import takes_target
from archdsl.cli.waiting import waiting
from archdsl.diagnostics.record import UsageError
from archdsl.output import new_folder
from archdsl.space.sampling import Sample, drawn, shown
from archdsl.tables import short
from archdsl.targets import Target


@click.command(name="sample")
@takes_target(wants=("space", "model"))
@click.option("-n", "number", type=click.IntRange(min=1), default=5, show_default=True, help="Draw so many.")
@click.option("--seed", type=int, default=0, show_default=True, help="Begin the random numbers here.")
@click.option("--where", default="", metavar="CONDITION", help='Draw what meets it: "macs < 500M and width >= 32".')
@click.option("-o", "--output", metavar="DIR", help="Write each candidate as a file that stands alone.")
@click.option("--force", is_flag=True, help="Write into a folder that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one object instead of text.")
def command(target: Target, number: int, seed: int, where: str, output: str | None, force: bool, as_json: bool) -> None:
    """Draw valid candidates of TARGET, each as likely as every other. TARGET is FILE.arch or FILE.arch:NAME."""
    if target.genome is not None:
        raise UsageError("decisions are drawn: leave --genome and --pick out")
    with waiting("drawing candidates"):
        found = drawn(target, number, seed, where)
        files = [] if output is None else _written(found, Path(output), force)
    click.echo(json.dumps(as_object(found, files), indent=2) if as_json else as_text(found, files))


def _written(found: Sample, folder: Path, force: bool) -> list[str]:
    """The candidates as `000.arch`, `001.arch`, ..."""
    names = [f"{number:03}.arch" for number in range(len(found.candidates))]
    with new_folder(folder, force=force) as temporary:
        for name, candidate in zip(names, found.candidates, strict=True):
            (temporary / name).write_text(found.source(candidate), encoding="utf-8")
    return [str(folder / name) for name in names]


def as_object(found: Sample, files: list[str]) -> dict[str, object]:
    """For JSON."""
    candidates = [
        {"hash": c.hash, "params": c.params, "macs": c.macs, "decisions": c.genome, "decide": found.decided(c)}
        for c in found.candidates
    ]
    if files:
        candidates = [{**c, "file": file} for c, file in zip(candidates, files, strict=True)]
    return {"target": found.target.shown, "even": found.even, "candidates": candidates}


def as_text(found: Sample, files: list[str]) -> str:
    """A paragraph for each candidate; where files were written, a line."""
    lines: list[str] = []
    for number, candidate in enumerate(found.candidates):
        called = files[number] if files else f"{number:03}"
        costs = f"{short(candidate.params)} params, {short(candidate.macs)} MACs"
        lines.append(f"{called}: {costs}, {candidate.hash[:12]}")
        if not files:
            lines += [f"  {path} = {shown(option)}" for path, option in candidate.genome.items()]
    if not found.even:
        lines.append("Drawn approximately evenly: the conditions leave too few candidates to be drawn otherwise.")
    return "\n".join(lines)
