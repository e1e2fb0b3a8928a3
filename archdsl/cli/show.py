"""`archdsl show`: the resolved architecture as a tree with shapes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from typing import cast

import click

from archdsl.architecture import Node, architecture, written
from archdsl.cli.target_options import takes_target
from archdsl.profiling import Profile, profile_of
from archdsl.tables import clipped, shape, short
from archdsl.targets import Target

WIDTH = 100
INITIAL = ("init", "init_bias")
"""How parameters of an op begin is left to the JSON."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the tree, before its columns are set."""

    called: str
    params: str
    outputs: str


@click.command(name="show")
@takes_target()
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Show N levels of modules; by default all.")
@click.option("--json", "as_json", is_flag=True, help="Print one object instead of text.")
def command(target: Target, depth: int | None, as_json: bool) -> None:
    """Show the architecture of TARGET, all settings and choices resolved. Siblings that differ in rates alone are
    folded into one line. TARGET is FILE.arch, FILE.arch:NAME or zoo:NAME."""
    root = architecture(target.graph(), target.name)
    if as_json:
        shown = {"target": target.shown, "decisions": target.decisions, **root.as_object()}
        click.echo(json.dumps(shown, indent=2))
        return
    click.echo("\n".join(as_text(root, profile_of(target), depth)))


def as_text(root: Node, costs: Profile, depth: int | None) -> list[str]:
    """What is shown, then the tree in columns that fit the page."""
    called = f"{root.label} = {_call(root, ())}" if root.label != root.name else _call(root, ())
    head = wrap(called, WIDTH, subsequent_indent="  ", break_long_words=False)
    if costs.decisions:
        taken = ", ".join(f"{path} = {_option(value)}" for path, value in costs.decisions.items())
        head += wrap(f"decided: {taken}", WIDTH, subsequent_indent="  ", break_long_words=False)
    inputs, outputs = (" and ".join(map(shape, shapes)) for shapes in (costs.inputs, costs.outputs))
    head.append(f"{inputs} -> {outputs}, {root.params:,} params, {root.macs:,} MACs")
    lines = list(_below(root, "", depth))
    if not lines:
        return head
    params = max(len(line.params) for line in lines)
    outputs_width = max(len(line.outputs) for line in lines)
    room = WIDTH - params - outputs_width - 4
    called_width = min(max(len(line.called) for line in lines), room)
    return [
        *head,
        "",
        *(
            f"{clipped(line.called, room):<{called_width}}  {line.params:>{params}}  {line.outputs}".rstrip()
            for line in lines
        ),
    ]


def _option(value: object) -> str:
    return value if isinstance(value, str) else written(value)


def _below(node: Node, indent: str, depth: int | None) -> Iterator[Line]:
    """The lines of what is inside a node."""
    if depth == 0:
        return
    groups = list(_folded(node.children))
    for number, group in enumerate(groups):
        last = number == len(groups) - 1
        first = group[0]
        count = sum(other.params for other in group)
        yield Line(
            f"{indent}{'└─' if last else '├─'} {_labels(group)}  {_call(first, group[1:])}",
            short(count) if count else "",
            _outputs(first),
        )
        yield from _below(first, indent + ("   " if last else "│  "), None if depth is None else depth - 1)


def _folded(nodes: Sequence[Node]) -> Iterator[list[Node]]:
    """Siblings that differ in nothing but the last step of their labels and in rates, together, where the first
    stands."""
    groups: dict[object, list[Node]] = {}
    for node in nodes:
        stem, _, number = node.label.rpartition(".")
        key: object = (stem, _form(node)) if number.isdigit() else node.path
        groups.setdefault(key, []).append(node)
    yield from groups.values()


def _form(node: Node) -> object:
    """What nodes that are folded have in common."""
    settings = tuple((name, firm) for name, value in node.settings if (firm := _firm(value)) is not None)
    return node.name, settings, node.outputs, node.calls, tuple((c.label, _form(c)) for c in node.children)


def _firm(value: object) -> str | None:
    """A setting that tells an architecture from another; a rate does not."""
    text = written(value)
    items = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return None if items and all(isinstance(item, float) for item in items) else text


def _labels(group: Sequence[Node]) -> str:
    """`blocks.0-5`, `blocks.0-2,4`."""
    stem, dot, _ = group[0].label.rpartition(".")
    if len(group) == 1:
        return group[0].label
    numbers = [int(node.label.rpartition(".")[2]) for node in group]
    runs: list[str] = []
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        runs.append(str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}")
    return f"{stem}{dot}{','.join(runs)}"


def _call(node: Node, others: Sequence[Node]) -> str:
    """The component with the settings that all of a group have."""
    settings = [
        f"{name}={_rounded(value)}"
        for number, (name, value) in enumerate(node.settings)
        if all(other.settings[number] == (name, value) for other in others)
        and not (node.kind == "op" and name in INITIAL)
    ]
    times = f" x {node.calls}" if node.calls > 1 else ""
    return f"{node.name}({', '.join(settings)}){times}"


def _rounded(value: object) -> str:
    """A setting, rates to four digits."""
    return f"{value:.4g}" if isinstance(value, float) else written(value)


def _outputs(node: Node) -> str:
    return clipped(" ".join(map(shape, node.outputs)), 40)
