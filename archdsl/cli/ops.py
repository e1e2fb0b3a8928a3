"""`archdsl ops`: the reference of the ops and of the functions of numbers and lists, read from their declarations."""

import json

import click

from archdsl.diagnostics.record import UsageError
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.builtins import BUILTINS, Builtin
from archdsl_compiler.ops.contract import REQUIRED, Op
from archdsl_compiler.ops.reference import describe, overview, signature, written
from archdsl_compiler.ops.registry import ops


@click.command(name="ops")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print objects for programs.")
def command(name: str | None, as_json: bool) -> None:
    """List the ops, or describe the op NAME: its settings, shapes, parameters and costs."""
    if name is None:
        click.echo(json.dumps(_all_objects(), indent=2) if as_json else _everything())
        return
    op = ops().get(name)
    function = BUILTINS.get(name)
    if op is not None:
        click.echo(json.dumps(_op_object(op), indent=2) if as_json else describe(op).rstrip("\n"))
    elif function is not None:
        click.echo(json.dumps(_function_object(function), indent=2) if as_json else _page(function))
    else:
        near = closest(name, (*ops(), *BUILTINS))
        hint = f"a similar name: {near}" if near else "`archdsl ops` lists all"
        raise UsageError(f"there is no op {name!r}; {hint}")


def _everything() -> str:
    width = max(map(len, BUILTINS))
    lines = [f"  {name:<{width}}  {function.doc}" for name, function in BUILTINS.items()]
    return "\n".join((overview().rstrip("\n"), "", "Numbers and lists", *lines))


def _page(function: Builtin) -> str:
    return f"{function.signature}\n\n{function.doc}"


def _all_objects() -> list[dict[str, object]]:
    return [*map(_op_object, ops().values()), *map(_function_object, BUILTINS.values())]


def _op_object(op: Op) -> dict[str, object]:
    """Defaults are given as the language writes them; a setting without one is required."""
    settings: list[dict[str, object]] = []
    for setting in op.settings:
        required = setting.default is REQUIRED
        known: dict[str, object] = {"name": setting.name, "type": setting.type, "required": required}
        settings.append(known if required else {**known, "default": written(setting.default)})
    return {
        "name": op.name,
        "category": op.category,
        "signature": signature(op),
        "shapes": op.shapes,
        "doc": " ".join(op.documentation.split()),
        "settings": settings,
        "open_settings": op.open_settings,
        "state": op.state,
        "macs": op.cost,
    }


def _function_object(function: Builtin) -> dict[str, object]:
    return {
        "name": function.name,
        "category": "function",
        "signature": function.signature,
        "doc": function.doc,
    }
