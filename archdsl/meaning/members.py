"""Members of components: their settings by name, and of a space also the names at the top of its body."""

from typing import cast

from archdsl.meaning.binding import bind_settings
from archdsl.meaning.bodies import enter
from archdsl.meaning.conditions import ALWAYS
from archdsl.meaning.declared import Declared
from archdsl.meaning.dispatch import evaluate, execute
from archdsl.meaning.run import Abandoned, Fault, Frame
from archdsl.meaning.values import UNKNOWN, Component, Value
from archdsl.syntax import nodes
from archdsl_compiler.ops.contract import REQUIRED, Op


def of_component(frame: Frame, component: Component, name: str, node: nodes.Member) -> Value:
    """The member's value; NotImplemented where there is none."""
    given = dict(component.settings)
    if name in given:
        return given[name]
    callee = component.callee
    if isinstance(callee, Op):
        setting = next((s for s in callee.settings if s.name == name), None)
        return (
            NotImplemented
            if setting is None
            else UNKNOWN
            if setting.default is REQUIRED
            else cast(Value, setting.default)
        )
    if callee.kind.name == "space":
        if not frame.session.checking and component not in frame.world.spaces:
            return UNKNOWN  # no candidate is at hand that would say
        names = space_names(frame, component, node)
        return names.get(name, NotImplemented)
    if name not in callee.settings:
        return NotImplemented
    default = callee.settings[name].default
    if default is None:
        return UNKNOWN
    inner = enter(frame, frame.session, frame.world, component, frame.body.path, "", node.span, frame.condition)
    inner.names.update(given)
    try:
        return evaluate(default, inner)
    except (Fault, Abandoned):
        return UNKNOWN


def space_names(frame: Frame, component: Component, node: nodes.Member) -> dict[str, Value]:
    """The names that a space binds at the top of its body, for the candidates of the frame's world."""
    found = frame.world.spaces.get(component)
    if found is None:
        frame.world.spaces[component] = {}  # what a space reads of itself is not there yet
        declared = cast(Declared, component.callee)
        inner = enter(frame, frame.session, frame.world, component, "", "", node.span, ALWAYS)
        try:
            bind_settings(inner, component, node.span)
            if declared.body is not None:
                execute(declared.body, inner)
        except (Abandoned, Fault):
            pass
        found = frame.world.spaces[component] = inner.names
    return found
