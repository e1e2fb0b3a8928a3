"""From a `train` declaration to what it says, as plain data."""

from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.declared import Declared
from archdsl.meaning.fields import evaluate_fields
from archdsl.meaning.program import Program, Settings, value_of_name, with_settings
from archdsl.meaning.run import Chooser, Fault, Session
from archdsl.meaning.types import with_article
from archdsl.meaning.values import Component, Configured, Value
from archdsl.parts import plain
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl.syntax.descent import below


def recipe_of(
    program: Program, name: str, settings: Settings | None = None, chooser: Chooser | None = None
) -> dict[str, object]:
    """What a `train` of a program says, from field to plain value or part. `chooser` decides the choices in it, whose
    paths begin with the field: `optimizer.lr`. Raises ArchError with what is wrong in the file, UsageError where the
    name means no `train`."""
    found = value_of_name(program, name)
    if found is None:
        near = closest(name, program.unit.names())
        hint = f"; a similar name is `{near}`" if near else f"; it has {', '.join(program.unit.names())}"
        raise UsageError(f"`{program.unit.source.name}` has no `{name}`{hint}")
    value = found[0]
    if not isinstance(value, Component) or value.kind != "train":
        what = with_article(value.kind) if isinstance(value, Component) else "no declaration"
        raise UsageError(f"`{name}` of `{program.unit.source.name}` is {what}; a `train` is needed")
    return recipe_of_component(program, with_settings(program, Session(program.limits), value, settings or {}), chooser)


def recipe_of_component(program: Program, component: Component, chooser: Chooser | None = None) -> dict[str, object]:
    """The same for a `train` that has its settings, as `training(quick(epochs=2))` has."""
    session = Session(program.limits, chooser=chooser)
    try:
        found = evaluate_fields(session, component).values
    except Fault as fault:
        raise ArchError((fault.diagnostic,)) from None
    for name, value in found.items():
        _refuse_unbuilt(cast(Declared, component.callee), name, value)
    return {name: plain(value) for name, value in found.items()}


def _refuse_unbuilt(declared: Declared, field: str, value: Value) -> None:
    """Raise for an entry that the language has and nothing carries out."""
    if isinstance(value, tuple):
        for item in value:
            _refuse_unbuilt(declared, field, item)
    if isinstance(value, Configured) and not value.entry.built:
        title = f"`{value.name}` is declared and cannot run yet"
        span = _place(declared, field)
        raise ArchError((codes.NOT_BUILT.at(span, title, f"another {value.entry.family} runs"),))


def _place(declared: Declared, field: str) -> Span:
    """Where a field is set last."""
    assert declared.body is not None
    assigned = [n.value.span for n in below(declared.body) if isinstance(n, nodes.Assign) and n.name.text == field]
    return assigned[-1] if assigned else declared.node.name.span
