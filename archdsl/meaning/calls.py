"""Calls: `f(...)` and `x |> f(...)`. If the first argument is a tensor the callee is applied, else it is given
settings."""

from typing import cast

from archdsl.diagnostics import codes
from archdsl.meaning.application import apply, is_tensor_like
from archdsl.meaning.binding import Arguments, Given, bind_settings, extended, fill, tensor_names
from archdsl.meaning.bodies import STEPS_OF_A_BODY, check_depth, enter, returned
from archdsl.meaning.builtins import OVERLOADS, Builtin
from archdsl.meaning.catalogue.contract import innermost
from archdsl.meaning.catalogue.families import takes_functions
from archdsl.meaning.conditions import NEVER
from archdsl.meaning.configured import configure
from archdsl.meaning.declared import Declared
from archdsl.meaning.dispatch import evaluate, evaluates, execute
from archdsl.meaning.memory import holds_tensor, remembered
from archdsl.meaning.op_calls import op_fault
from archdsl.meaning.operators import is_number
from archdsl.meaning.run import Abandoned, Fault, Frame
from archdsl.meaning.spaces import IN_TRAINING
from archdsl.meaning.types import describe
from archdsl.meaning.values import (
    UNKNOWN,
    Component,
    Composed,
    Configured,
    Placed,
    Tensor,
    Unknown,
    Value,
    Variant,
    Wrapped,
    is_component,
)
from archdsl.meaning.variants import lift
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler.graph import Wrapper
from archdsl_compiler.ops.contract import Op, OpFault
from archdsl_compiler.ops.registry import find


@evaluates(nodes.Call)
def call(node: nodes.Call, frame: Frame, piped: Given | None = None, label: str | None = None) -> Value:
    """A call, with the value that a pipe puts before its arguments."""
    if piped is not None and frame.definite and node.arguments and is_tensor_like(piped.value):
        ready = remembered(frame, node, lambda: _ready(node, frame))
        if isinstance(ready, Component):
            return apply(frame, ready, (piped.value,), node.span, {}, label)
    callee = evaluate(node.callee, frame)
    if piped is not None and node.arguments and _is_wrapper(callee):
        wrapped = invoke(frame, node.span, callee, _arguments(node, frame, callee, None))
        return invoke(frame, node.span, wrapped, Arguments([piped]), label)
    if frame.session.checking and isinstance(callee, Variant):
        arguments = _arguments(node, frame, callee.cases[0][1], piped)
        return lift(frame, lambda chosen: invoke(frame, node.span, chosen, arguments, label), callee)
    return invoke(frame, node.span, callee, _arguments(node, frame, callee, piped), label)


def _ready(node: nodes.Call, frame: Frame) -> Value:
    """What waits behind a pipe, where it is a component whose arguments are all settings: `x |> f(k)` is `f(k)` applied
    to `x`."""
    callee = evaluate(node.callee, frame)
    if (
        not isinstance(callee, Component)
        or callee.kind == "function"
        or callee.name in OVERLOADS
        or _is_wrapper(callee)
    ):
        return UNKNOWN
    arguments = _arguments(node, frame, callee, None)
    given = [*arguments.positional, *arguments.named.values()]
    several = len(callee.callee.tensors) > 1
    if any(is_tensor_like(one.value) or (several and one.value is None) for one in given):
        return UNKNOWN
    return extended(frame, callee, arguments, node.span)


def _is_wrapper(callee: Value) -> bool:
    """What takes a component and gives one: behind a pipe, it is the result that takes the tensor."""
    if isinstance(callee, Component):
        return isinstance(callee.callee, Op) and callee.callee.category == "cast"
    return callee is IN_TRAINING


def _arguments(node: nodes.Call, frame: Frame, callee: Value, piped: Given | None) -> Arguments:
    """The arguments, evaluated from left to right. A choice in a component's setting is named after the setting."""
    arguments = Arguments()
    if piped is not None:
        arguments.positional.append(piped)
    names = _naming(callee)
    base, families = frame.naming, frame.families
    place = 0
    for argument in node.arguments:
        name = argument.name.text if argument.name else None
        if names is not None:
            setting = name or (names[place] if place < len(names) else "")
            frame.naming = f"{base}.{setting}" if base and setting else setting or base
            if type(callee) is Configured:
                frame.families = _families(callee, setting)
        value = evaluate(argument.value, frame)
        frame.naming, frame.families = base, families
        if name is None:
            arguments.positional.append(Given(value, argument.value.span))
            place += not is_tensor_like(value)
        elif name in arguments.named:
            assert argument.name is not None
            title = f"`{name}` is given twice in one call"
            raise Fault(codes.DUPLICATE_ARGUMENT.at(argument.name.span, title, "given again"))
        else:
            arguments.named[name] = Given(value, argument.value.span, argument.name.span if argument.name else None)
    return arguments


def _naming(callee: Value) -> tuple[str, ...] | None:
    """The settings that may name a choice: those of a component. A function's arguments belong to what its result is
    for."""
    if isinstance(callee, Component) and callee.kind != "function":
        return (
            tuple(s.name for s in callee.callee.settings)
            if isinstance(callee.callee, Op)
            else tuple(callee.callee.settings)
        )
    return tuple(s.name for s in callee.entry.settings) if isinstance(callee, Configured) else None


def _families(callee: Value, name: str) -> tuple[str, ...]:
    """The families of the catalogue that a setting of an entry asks for."""
    if not isinstance(callee, Configured):
        return ()
    types = next((s.type for s in callee.entry.settings if s.name == name), "")
    return innermost(types)


def invoke(frame: Frame, span: Span, callee: Value, arguments: Arguments, label: str | None = None) -> Value:
    """What a call of any value gives."""
    match callee:
        case Unknown():
            return UNKNOWN
        case Builtin():
            return callee.run(frame, span, arguments)
        case Configured():
            return configure(frame, span, callee, arguments)
        case Component():
            return _invoke_component(frame, span, callee, arguments, label)
        case Composed() | Wrapped() | Placed() | None:
            return _invoke_made(frame, span, callee, arguments, label)
        case Variant():
            return lift(frame, lambda chosen: invoke(frame, span, chosen, arguments, label), callee)
        case _:
            raise Fault(
                codes.NOT_CALLABLE.at(
                    span,
                    f"{describe(callee)} cannot be called",
                    "not a component or function",
                )
            )


def _first(arguments: Arguments) -> Value:
    return arguments.positional[0].value if arguments.positional else None


def _invoke_component(frame: Frame, span: Span, component: Component, arguments: Arguments, label: str | None) -> Value:
    callee = component.callee
    if isinstance(callee, Declared) and callee.kind.name == "function":
        return call_function(frame, extended(frame, component, arguments, span), span)
    first = _first(arguments)
    if isinstance(first, Unknown) and arguments.positional:
        return UNKNOWN
    names = tensor_names(callee)
    if isinstance(callee, Op):
        overload = OVERLOADS.get(callee.name)
        if overload is not None and arguments.positional:
            if not is_tensor_like(first):
                return overload.run(frame, span, arguments)
            several = _several(callee, arguments)
            if several is not None:
                return apply(frame, Component(several[0]), (several[1],), span, {}, label)
        if callee.category == "cast" and arguments.positional and not is_tensor_like(first):
            return _wrap_or_convert(frame, span, callee, first, arguments)
        if not names:
            return _run_op(frame, span, extended(frame, component, arguments, span), label)
    if not is_tensor_like(first) or not names:
        return extended(frame, component, arguments, span)
    inputs, rest = _split(callee, names, arguments)
    chosen = extended(frame, component, rest, span)
    spans = {name: given.span for name, given in zip(names, inputs, strict=False)}
    return apply(frame, chosen, tuple(given.value for given in inputs), span, spans, label)


def _several(op: Op, arguments: Arguments) -> tuple[Op, Value] | None:
    """`sum(list)`, `max(a, b)`, `max(list)` of tensors, element by element: an op of its own."""
    tensors = [given.value for given in arguments.positional if is_tensor_like(given.value)]
    merging = find(SEVERAL[op.name]) if op.name in SEVERAL else None
    if merging is None or arguments.named or len(tensors) != len(arguments.positional):
        return None
    if len(tensors) > 1:
        return merging, tuple(tensors)
    return (merging, tensors[0]) if not isinstance(tensors[0], Tensor) else None


SEVERAL = {"sum": "add_all", "max": "maximum_all", "min": "minimum_all", "mean": "mean_all"}
"""What reductions of one tensor become for several."""


def _split(callee: Declared | Op, names: tuple[str, ...], arguments: Arguments) -> tuple[list[Given], Arguments]:
    """Tensors fill the second list first, `none` standing for an optional one; the rest are settings."""
    inputs: list[Given] = []
    rest = Arguments(list(arguments.positional), dict(arguments.named))
    if isinstance(callee, Op) and callee.name in IN_A_ROW:
        rest.positional = _together(rest.positional)
    while (
        rest.positional
        and len(inputs) < len(names)
        and (
            is_tensor_like(rest.positional[0].value)
            or _stands_for_tensor(callee, len(inputs), rest.positional[0].value)
        )
    ):
        inputs.append(rest.positional.pop(0))
    for name in names[len(inputs) :]:
        if name in rest.named:
            given = rest.named.pop(name)
            while len(inputs) < names.index(name):
                inputs.append(Given(None, given.span))
            inputs.append(given)
    return inputs, rest


IN_A_ROW = ("einsum",)
"""Ops whose list of tensors may be written without brackets."""


def _together(arguments: list[Given]) -> list[Given]:
    """Several tensors in front as the list that they stand for."""
    count = 0
    while count < len(arguments) and _is_one_tensor(arguments[count].value):
        count += 1
    if count < 2:
        return arguments
    tensors = tuple(given.value for given in arguments[:count])
    span = arguments[0].span
    last = arguments[count - 1].span
    inside = span.source == last.source and span.end <= last.start
    return [Given(tensors, span.to(last) if inside else last), *arguments[count:]]


def _is_one_tensor(value: Value) -> bool:
    return isinstance(value, Unknown) or (is_tensor_like(value) and not isinstance(value, tuple))


def _stands_for_tensor(callee: Declared | Op, index: int, value: Value) -> bool:
    """Whether what is no tensor fills a tensor's place: `none` for an optional one, a number where an op takes
    either."""
    if isinstance(value, Variant):
        return any(is_tensor_like(v) or _stands_for_tensor(callee, index, v) for _, v in value.cases)
    if isinstance(value, Unknown):
        return True
    if isinstance(callee, Op):
        slot = callee.tensors[index]
        return (slot.optional and value is None) or (slot.number and is_number(value))
    parameter = callee.tensors[index]
    return value is None and (parameter.default is not None or (parameter.form is not None and parameter.form.optional))


def _wrap_or_convert(frame: Frame, span: Span, op: Op, value: Value, arguments: Arguments) -> Value:
    """A dtype called on a component runs it in that dtype; on a number it converts it."""
    fill(op.name, ("value",), arguments, span)
    if is_component(value) and op.name in ("float32", "float16", "bfloat16"):
        return Wrapped(cast(Wrapper, op.name), value) if value is not None else None  # pyright: ignore[reportArgumentType]
    if isinstance(value, Variant):
        return lift(
            frame, lambda chosen: _wrap_or_convert(frame, span, op, chosen, Arguments([Given(chosen, span)])), value
        )
    if isinstance(value, int | float):
        return bool(value) if op.name == "bool" else int(value) if op.name == "int64" else float(value)
    raise Fault(
        codes.WRONG_TYPE.at(
            span, f"`{op.name}` takes a tensor or a component, not {describe(value)}", "cannot be converted"
        )
    )


def _run_op(frame: Frame, span: Span, component: Component, label: str | None) -> Value:
    """An op without tensors runs at once: `param`, `arange`, `trunc_normal`."""
    op = cast(Op, component.callee)
    if op.category == "init":

        def initial(*values: Value) -> Value:
            try:
                return cast(Value, op.rule(**dict(zip((n for n, _ in component.settings), values, strict=True))))
            except OpFault as fault:
                raise Fault(op_fault(op, fault, (), span, component.spans)) from None

        return lift(frame, initial, *(v for _, v in component.settings), deep=True)
    return apply(frame, component, (), span, {}, label)


def call_function(frame: Frame, component: Component, span: Span) -> Value:
    """Run a function in place: it owns no module, so its ops are the caller's."""
    declared = cast(Declared, component.callee)
    frame.session.step(span)
    frame.session.applied.add(id(declared))
    check_depth(frame, component, span)
    if declared.body is None:
        if takes_functions(frame.families):
            return component  # who does what the field says runs it
        if not frame.session.checking and frame.in_a_module:
            title = f"`{declared.name}` is a function of Python's, which no model can call yet"
            raise Fault(
                codes.EXTERN_NOT_RUN.at(span, title, "write it in the language, or an `extern block` of tensors")
            )
        return UNKNOWN
    if frame.definite:
        return _run_function(frame, declared, component, span)
    return _function_body(frame, declared, component, span)


def _run_function(frame: Frame, declared: Declared, component: Component, span: Span) -> Value:
    """The function's result, remembered where it left no ops behind and took no decisions."""
    session, body = frame.session, frame.body
    kept = session.remembered.get(component)
    if kept is not None:
        return cast("tuple[Value]", kept)[0]
    before = body.mark(), len(body.decisions), frame.world.alive, frame.world.entries
    value = _function_body(frame, declared, component, span)
    now = body.mark(), len(body.decisions), frame.world.alive, frame.world.entries
    unchanged = before == now and frame.definite
    if unchanged and not any(map(holds_tensor, (value, *(v for _, v in component.settings)))):
        session.remembered[component] = (value,)
    return value


def _function_body(frame: Frame, declared: Declared, component: Component, span: Span) -> Value:
    assert declared.body is not None
    frame.session.step(span, STEPS_OF_A_BODY)
    inner = enter(frame, frame.session, frame.world, component, "", "", span, frame.condition)
    inner.body = frame.body
    bind_settings(inner, component, span)
    try:
        execute(declared.body, inner)
    except Abandoned:
        if frame.effective() == NEVER:
            raise
        return UNKNOWN
    return returned(inner)


def _invoke_made(frame: Frame, span: Span, callee: Value, arguments: Arguments, label: str | None) -> Value:
    """A chain, a wrapped or a placed component, or `none`: they take tensors; a single component inside still takes
    settings."""
    first = _first(arguments)
    if isinstance(first, Unknown) and arguments.positional:
        return UNKNOWN
    if is_tensor_like(first):
        inputs = [given for given in arguments.positional]
        inner = callee
        while isinstance(inner, Wrapped | Placed):
            inner = inner.inner
        if isinstance(inner, Component):
            inputs, rest = _split(inner.callee, tensor_names(inner.callee), arguments)
            if rest.positional or rest.named:
                callee = _with_settings(frame, callee, rest, span)
        spans = (
            {}
            if inner is None or not isinstance(inner, Component)
            else dict(zip(tensor_names(inner.callee), (g.span for g in inputs), strict=False))
        )
        return apply(frame, callee, tuple(given.value for given in inputs), span, spans, label)
    if callee is None:
        raise Fault(
            codes.NOT_CALLABLE.at(
                span, "`none` takes no settings", "apply it to a tensor, or leave the parentheses out"
            )
        )
    return _with_settings(frame, callee, arguments, span)


def _with_settings(frame: Frame, callee: Value, arguments: Arguments, span: Span) -> Value:
    match callee:
        case Component():
            return extended(frame, callee, arguments, span)
        case Wrapped():
            return Wrapped(callee.wrapper, _with_settings(frame, callee.inner, arguments, span))  # pyright: ignore[reportArgumentType]
        case Placed():
            inner = _with_settings(frame, callee.inner, arguments, span)
            return Placed(inner, callee.label, callee.token, callee.body, callee.span)  # pyright: ignore[reportArgumentType]
        case _:
            raise Fault(
                codes.NOT_CALLABLE.at(
                    span, f"{describe(callee)} takes no settings", "set them where its parts are written"
                )
            )
