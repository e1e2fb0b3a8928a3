"""`archdsl profile`: what a model costs, module by module."""

import json
from collections.abc import Iterator

import click

from archdsl.cli.target_options import takes_target
from archdsl.profiling import ModuleProfile, Profile, profile_of
from archdsl.tables import bytes_of, clipped, shape, short, table
from archdsl.targets import Target

LINES = 40
"""As many as are shown where nobody says how deep."""
WIDEST_LABEL = 34
WIDEST_OUTPUT = 40


@click.command(name="profile")
@takes_target(builds=True)
@click.option(
    "--depth", type=click.IntRange(min=0), metavar="N", help="Show N levels of modules; by default what fits."
)
@click.option("--measure", is_flag=True, help="Build the model and time each module, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one object instead of text.")
def command(target: Target, depth: int | None, measure: bool, as_json: bool) -> None:
    """Count what TARGET costs for one picture: parameters, multiply-accumulates, activation memory. TARGET is
    FILE.arch, FILE.arch:NAME or zoo:NAME."""
    found = profile_of(target, measure=measure)
    click.echo(json.dumps(as_object(found, target.shown, depth), indent=2) if as_json else as_text(found, depth))


def as_object(found: Profile, shown: str, depth: int | None) -> dict[str, object]:
    """For JSON. A time stands there only if it was measured."""
    return {
        "target": shown,
        "name": found.name,
        "params": found.params,
        "macs": found.macs,
        "activations": found.activations,
        "inputs": [list(sizes) for sizes in found.inputs],
        "outputs": [list(sizes) for sizes in found.outputs],
        "decisions": dict(found.decisions),
        "modules": [_row_object(row) for row in found.modules if depth is None or row.depth <= depth],
    }


def _row_object(row: ModuleProfile) -> dict[str, object]:
    known: dict[str, object] = {
        "path": row.path,
        "name": row.name,
        "depth": row.depth,
        "calls": row.calls,
        "params": row.params,
        "macs": row.macs,
        "share": round(row.share, 6),
        "activations": row.activations,
        "outputs": [list(sizes) for sizes in row.outputs],
    }
    return known if row.time is None else {**known, "time": row.time}


def as_text(found: Profile, depth: int | None) -> str:
    """A table, the model itself on its first line."""
    rows = found.modules
    if depth is None:
        deepest = max(row.depth for row in rows)
        depth = next((d for d in range(deepest, 1, -1) if sum(row.depth <= d for row in rows) <= LINES), 1)
    timed = rows[0].time is not None
    head = ["module", "", "params", "MACs", "share", "memory", *(["time"] if timed else []), "output"]
    cells = [head, *(_cells(row, label, timed) for row, label in _labels(found) if row.depth <= depth)]
    lines = table(cells, [False, False, *[True] * (5 if timed else 4), False])
    total = (
        f"{found.name}: {found.params:,} params, {found.macs:,} MACs, {bytes_of(found.activations)} of activations,"
        f" for one input {' and '.join(map(shape, found.inputs))}"
    )
    return "\n".join((total, "", *lines))


def _cells(row: ModuleProfile, label: str, timed: bool) -> list[str]:
    time = "" if row.time is None else f"{row.time * 1e3:.2f} ms"
    return [
        clipped("  " * max(row.depth - 1, 0) + label, WIDEST_LABEL),
        row.name + (f" x {row.calls}" if row.calls > 1 else ""),
        short(row.params),
        short(row.macs),
        f"{row.share:.1%}",
        bytes_of(row.activations),
        *([time] if timed else []),
        clipped(" ".join(map(shape, row.outputs)), WIDEST_OUTPUT),
    ]


def _labels(found: Profile) -> Iterator[tuple[ModuleProfile, str]]:
    """Each row with its path without that of the row around it."""
    around = [""]
    for row in found.modules:
        del around[max(row.depth, 1) :]
        yield row, (row.path.removeprefix(f"{around[-1]}.") if around[-1] else row.path or found.name)
        around.append(row.path)
