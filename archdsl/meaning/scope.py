"""What a name means at the top level: a declaration, a `let`, an import; then the ops, the functions of numbers and
lists, and the entries of the catalogue."""

from archdsl.diagnostics import codes
from archdsl.meaning.builtins import BUILTINS, Builtin
from archdsl.meaning.catalogue import registry as catalogue
from archdsl.meaning.comprehensions import unpack
from archdsl.meaning.conditions import Universe
from archdsl.meaning.declared import Declared, Unit
from archdsl.meaning.dispatch import evaluate
from archdsl.meaning.expressions import LOOK_UP
from archdsl.meaning.run import Abandoned, Body, Fault, Frame
from archdsl.meaning.spaces import DECIDE, IN_TRAINING
from archdsl.meaning.values import UNKNOWN, Component, Configured, Value, has_variant
from archdsl.meaning.worlds import World
from archdsl.syntax import nodes
from archdsl_compiler.ops.registry import find

LANGUAGE: dict[str, Builtin] = {**BUILTINS, DECIDE.name: DECIDE, IN_TRAINING.name: IN_TRAINING}
"""Functions that are no ops."""


def look_up(frame: Frame, node: nodes.Name) -> Value:
    """The value of a name that no body binds. An unknown one was reported by the check of names and fits everywhere."""
    found = top_level(frame, frame.unit, node.text)
    if found is not None:
        return found[0]
    known = of_language(node.text, frame.families)
    return UNKNOWN if known is None else known


LOOK_UP.append(look_up)


def of_language(name: str, families: tuple[str, ...] = ()) -> Value:
    """An op, function or entry of the catalogue; where a field asks for a family, its entries go first."""
    entry = catalogue.find(name, families)
    if entry is not None and entry.family in families:
        return Configured(entry, ())
    op = find(name)
    if op is not None:
        return Component(op)
    return LANGUAGE.get(name) or (Configured(entry, ()) if entry is not None else None)


def top_level(frame: Frame, unit: Unit, name: str) -> tuple[Value] | None:
    """The value of a file's own name, in a tuple because `none` is a value too."""
    if name in unit.values:
        return (unit.values[name],)
    value: Value
    if name in unit.declarations:
        value = _declared(unit.declarations[name])
    elif name in unit.lets:
        value = _let(frame, unit, name)
    elif name in unit.imports:
        other, original = unit.imports[name]
        found = top_level(frame, other, original) if other is not None else None
        value = UNKNOWN if found is None else found[0]
    elif name in unit.broken:
        value = UNKNOWN
    else:
        return None
    if not frame.session.probing:
        unit.values[name] = value
    return (value,)


def _declared(declared: Declared) -> Value:
    return Component(declared)


def _let(frame: Frame, unit: Unit, name: str) -> Value:
    """A top-level `let`, evaluated where it is first asked for."""
    session = frame.session
    let = unit.lets[name]
    if (unit, name) in session.evaluating:
        raise Fault(codes.RECURSION.at(let.span, f"`{name}` is defined by itself", "its value needs its value"))
    session.evaluating.append((unit, name))
    inner = Frame(session, World(Universe(session.limits.conditions)), unit, Body(""), naming=name)
    try:
        value = evaluate(let.value, inner)
        # A choice belongs to a candidate, and a file has none; the check of names says so.
        unpack(inner, let.targets, UNKNOWN if has_variant(value) else value, let.value.span)
    except Fault as fault:
        if not session.checking:
            raise
        inner.report(fault.diagnostic)
        inner.names.update((target.text, UNKNOWN) for target in let.targets)
    except Abandoned:
        inner.names.update((target.text, UNKNOWN) for target in let.targets)
    finally:
        session.evaluating.pop()
    if not session.probing:
        unit.values.update((target.text, inner.names[target.text]) for target in let.targets)
    return inner.names[name]
