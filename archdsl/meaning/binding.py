"""Typed calls: which argument fills which setting, whether it has the right type, and how tensors bind the axes of a
signature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix, Label
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.declared import Declared
from archdsl.meaning.dispatch import evaluate
from archdsl.meaning.operators import equal
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe, describe_text, describe_type, fits, fits_text
from archdsl.meaning.values import UNKNOWN, Component, RealRange, Tensor, Unknown, Value, Variant, has_variant, show
from archdsl.meaning.variants import lift, origin_of, part_of
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler import sizes
from archdsl_compiler.ops.contract import Op


@dataclass(frozen=True, slots=True)
class Given:
    """One argument: its value, where it stands, and where its name stands if it has one."""

    value: Value
    span: Span
    name: Span | None = None


@dataclass(slots=True)
class Arguments:
    """The arguments of a call, evaluated."""

    positional: list[Given] = field(default_factory=list[Given])
    named: dict[str, Given] = field(default_factory=dict[str, Given])


def setting_names(callee: Declared | Op) -> tuple[str, ...]:
    return tuple(s.name for s in callee.settings) if isinstance(callee, Op) else tuple(callee.settings)


def tensor_names(callee: Declared | Op) -> tuple[str, ...]:
    return (
        tuple(t.name for t in callee.tensors) if isinstance(callee, Op) else tuple(t.name.text for t in callee.tensors)
    )


def fill(
    name: str,
    known: Sequence[str],
    arguments: Arguments,
    span: Span,
    *,
    open_names: bool = False,
    tensors: Sequence[str] = (),
) -> dict[str, Given]:
    """Settings by position and then by name; every way to get this wrong has its message."""
    filled: dict[str, Given] = {}
    if len(arguments.positional) > len(known):
        extra = arguments.positional[len(known)]
        takes = f"takes {len(known)} setting{'' if len(known) == 1 else 's'}" if known else "takes no settings"
        notes = (f"its settings: {', '.join(f'`{n}`' for n in known)}",) if known else ()
        raise Fault(
            codes.TOO_MANY_ARGUMENTS.at(
                extra.span,
                f"`{name}` {takes}, and {len(arguments.positional)} arguments are given",
                "one too many",
                notes=notes,
            )
        )
    for setting, given in zip(known, arguments.positional, strict=False):
        filled[setting] = given
    for setting, given in arguments.named.items():
        if setting in filled:
            raise Fault(
                codes.DUPLICATE_ARGUMENT.at(
                    given.name or given.span,
                    f"`{setting}` of `{name}` is given twice",
                    "given again by name",
                    others=(Label(filled[setting].span, "given here by position"),),
                )
            )
        if setting not in known and not open_names:
            raise Fault(unknown_setting(name, setting, (*known, *tensors), given.name or given.span))
        filled[setting] = given
    return filled


def unknown_setting(owner: str, setting: str, known: Sequence[str], span: Span) -> Diagnostic:
    """The message for a setting that is not there, with the nearest one that is."""
    near = closest(setting, known)
    notes = (f"a setting with a similar name exists: `{near}`",) if near else ()
    if not near and known:
        notes = (f"its settings: {', '.join(f'`{n}`' for n in known)}",)
    fixes = (Fix(f"rename it to `{near}`", (Edit(span, near),)),) if near else ()
    return codes.UNKNOWN_SETTING.at(
        span, f"`{owner}` has no setting `{setting}`", f"not a setting of `{owner}`", notes=notes, fixes=fixes
    )


def extended(frame: Frame, component: Component, arguments: Arguments, span: Span) -> Component:
    """The component with more of its settings given; later ones win."""
    callee = component.callee
    names = setting_names(callee)
    is_open = isinstance(callee, Op) and callee.open_settings
    filled = fill(callee.name, names, arguments, span, open_names=is_open, tensors=tensor_names(callee))
    if not filled:
        return component
    values = dict(component.settings)
    values.update((setting, _typed(frame, callee, setting, given)) for setting, given in filled.items())
    ordered = [(n, values[n]) for n in names if n in values]
    if is_open:
        ordered += sorted((n, v) for n, v in values.items() if n not in names)
    spans = {**component.spans, **{setting: given.span for setting, given in filled.items()}}
    return Component(callee, tuple(ordered), spans)


def _typed(frame: Frame, callee: Declared | Op, setting: str, given: Given) -> Value:
    """The argument, if it has its setting's type; where it depends on choices, each candidate is asked for itself."""

    def checked(value: Value) -> Value:
        check_type(callee, setting, replace(given, value=value))
        return value

    try:
        return checked(given.value)
    except Fault:
        if not has_variant(given.value):
            raise
    return lift(frame, checked, given.value, deep=not isinstance(given.value, Variant))


def check_type(callee: Declared | Op, setting: str, given: Given) -> None:
    """Whether an argument has its setting's type; `in` domains wait until the component is applied."""
    if isinstance(callee, Op):
        declared = next((s for s in callee.settings if s.name == setting), None)
        wanted = declared.type if declared else "int"
        if not fits_text(given.value, wanted) and not (declared and declared.default is None and given.value is None):
            raise Fault(_wrong_type(callee.name, setting, describe_text(wanted), given))
        return
    node = callee.settings[setting]
    if node.type is not None:
        if node.type.name == "int" and type(given.value) is int:
            return
        if not fits(given.value, node.type.name, node.type.arguments, node.type.optional):
            fault = _wrong_type(
                callee.name, setting, describe_type(node.type.name, node.type.arguments, node.type.optional), given
            )
            notes = _none_in_list(node.type, given.value)
            raise Fault(replace(fault, others=(Label(node.type.span, "declared here"),), notes=notes))
        return
    if node.default is None or isinstance(given.value, Unknown):
        return
    literal = _literal_type(node.default)
    if literal and not fits(given.value, literal):
        fault = _wrong_type(callee.name, setting, describe_type(literal), given)
        raise Fault(replace(fault, others=(Label(node.default.span, "its type is that of its default"),)))


def _none_in_list(type_: nodes.Type, value: Value) -> tuple[str, ...]:
    """The note for a list whose type does not allow the `none` in it."""
    if not isinstance(value, tuple) or None not in value or not type_.arguments or type_.arguments[0].optional:
        return ()
    return (f"`none` in the list needs a `?`: `list[{type_.arguments[0].span.text}?]`",)


def _literal_type(node: nodes.Expression) -> str:
    """The type of a setting without one, where its default shows it."""
    match node:
        case nodes.Integer():
            return "int"
        case nodes.Real():
            return "real"
        case nodes.Boolean():
            return "bool"
        case nodes.String():
            return "str"
        case nodes.List():
            return "list"
        case _:
            return ""


def _wrong_type(owner: str, setting: str, wanted: str, given: Given) -> Diagnostic:
    return codes.WRONG_TYPE.at(
        given.span, f"`{setting}` of `{owner}` must be {wanted}, not {describe(given.value)}", f"must be {wanted}"
    )


def bind_settings(frame: Frame, component: Component, span: Span) -> None:
    """Settings as given, else their defaults, from left to right: a default may use earlier settings and the axes. Then
    domains."""
    declared = component.callee
    assert isinstance(declared, Declared)
    given = dict(component.settings)
    for name, node in declared.settings.items():
        if name in given:
            frame.names[name] = given[name]
        elif node.default is not None:
            before, frame.naming = frame.naming, name
            value = evaluate(node.default, frame)
            frame.naming = before
            frame.names[name] = value
            wanted = node.type
            if wanted is not None and not fits(value, wanted.name, wanted.arguments, wanted.optional):
                words = describe_type(wanted.name, wanted.arguments, wanted.optional)
                raise Fault(_wrong_type(declared.name, name, words, Given(value, node.default.span)))
        else:
            raise Fault(
                codes.MISSING_SETTING.at(
                    span,
                    f"`{declared.name}` needs its setting `{name}`",
                    f"`{name}` is not given and has no default",
                    others=(Label(node.span, "declared here"),),
                )
            )
        if node.domain is not None:
            at = component.spans.get(name, span) if name in given or node.default is None else node.default.span
            _check_domain(frame, declared, node, at)


def _check_domain(frame: Frame, declared: Declared, node: nodes.Setting, span: Span) -> None:
    assert node.domain is not None
    domain = evaluate(node.domain, frame)
    name = node.name.text

    def check(value: Value, options: Value) -> Value:
        if (
            isinstance(value, Unknown)
            or isinstance(options, Unknown)
            or isinstance(value, sizes.Symbolic)
            or value is None
        ):
            return None
        if isinstance(options, RealRange):
            held = isinstance(value, int | float) and options.start <= value <= options.stop
        else:
            inside = options if isinstance(options, tuple | range) else ()
            held = value in inside if isinstance(inside, range) else any(equal(value, option) for option in inside)
        if not held:
            allowed = node.domain.span.text if node.domain else ""
            raise Fault(
                codes.OUTSIDE_DOMAIN.at(
                    span,
                    f"`{name}` of `{declared.name}` is {show(value)}, outside {allowed}",
                    "not allowed",
                    others=(Label(node.domain.span, "the values allowed"),) if node.domain else (),
                )
            )
        return None

    lift(frame, check, frame.names[name], domain, deep=True)


# ---- tensors against the shapes of a signature


def bind_tensors(
    frame: Frame, declared: Declared, inputs: Sequence[Value], spans: Sequence[Span], span: Span
) -> list[Callable[[], None]]:
    """Bind the axes that a signature names for the first time; what is left are demands, to be checked when settings
    are known."""
    demands: list[Callable[[], None]] = []
    for index, parameter in enumerate(declared.tensors):
        value = inputs[index] if index < len(inputs) else UNKNOWN
        at = spans[index] if index < len(spans) else span
        frame.names[parameter.name.text] = value
        if parameter.form is not None and value is not None:
            demands += _bind_form(frame, declared, parameter, value, at)
    return demands


def _bind_form(
    frame: Frame, declared: Declared, parameter: nodes.TensorParameter, value: Value, span: Span
) -> list[Callable[[], None]]:
    form = parameter.form
    assert form is not None
    if form.shape is None:
        if form.word is not None and form.word.text == "list" and isinstance(value, Tensor):
            raise Fault(_misfit(declared, parameter, value, span, "a list of tensors is needed"))
        return []
    axes = form.shape.axes
    rest = next((i for i, axis in enumerate(axes) if isinstance(axis, nodes.Rest)), None)
    dtype = form.word.text if form.word else "real"

    def measure(tensor: Value) -> Value:
        if isinstance(tensor, Unknown):
            return UNKNOWN
        if not isinstance(tensor, Tensor):
            raise Fault(_misfit(declared, parameter, tensor, span, "one tensor is needed"))
        shape = tensor.type.shape
        fixed = len(axes) - (rest is not None)
        if len(shape) != fixed if rest is None else len(shape) < fixed:
            count = f"{fixed} ax{'i' if fixed == 1 else 'e'}s" if rest is None else f"at least {fixed} axes"
            raise Fault(_misfit(declared, parameter, tensor, span, f"{count} are needed, and it has {len(shape)}"))
        if (
            (dtype == "int64") != (tensor.type.dtype == "int64")
            and dtype in ("int64", "real")
            and tensor.type.dtype in ("int64", "real")
        ):
            raise Fault(_misfit(declared, parameter, tensor, span, f"dtype {dtype} is needed", codes.WRONG_DTYPE))
        if rest is None:
            return tuple(shape)
        tail = len(axes) - rest - 1
        middle = shape[rest : len(shape) - tail]
        return (*shape[:rest], tuple(middle), *shape[len(shape) - tail :])

    measured = lift(frame, measure, value)
    demands: list[Callable[[], None]] = []
    for position, axis in enumerate(axes):
        size = lift(frame, part_of, measured, position)
        if isinstance(axis, nodes.Rest):
            if axis.name is not None:
                frame.names[axis.name.text] = size
        elif isinstance(axis, nodes.Name) and axis.text == "_":
            continue
        elif isinstance(axis, nodes.Name) and axis.text not in declared.settings and axis.text not in frame.names:
            frame.names[axis.text] = size
        else:
            demands.append(lambda a=axis, s=size, p=position: _demand(frame, declared, parameter, value, span, a, s, p))
    return demands


def _demand(
    frame: Frame,
    declared: Declared,
    parameter: nodes.TensorParameter,
    value: Value,
    span: Span,
    axis: nodes.Expression,
    size: Value,
    position: int,
) -> None:
    wanted = evaluate(axis, frame)

    def check(wanted: Value, size: Value, tensor: Value) -> Value:
        if isinstance(wanted, Unknown) or isinstance(size, Unknown) or wanted is None:
            return None
        if not isinstance(wanted, int | sizes.Symbolic) or not isinstance(size, int | sizes.Symbolic):
            raise Fault(codes.WRONG_TYPE.at(axis.span, f"an axis must be an int, not {describe(wanted)}", "no size"))
        if not sizes.same(wanted, size):
            is_batch = sizes.is_batch_dependent(size) and not sizes.is_batch_dependent(wanted)
            code = codes.BATCH_DEMANDED if is_batch else codes.WRONG_SHAPE
            text = axis.span.text
            told = f"`{text}`, which is {wanted}" if text != str(wanted) else text
            why = f"axis {position} must be {told}, and is {size}"
            if is_batch:
                why = f"axis {position} is the batch, whose size stays free; write a name for it in `{declared.name}`"
            raise Fault(_misfit(declared, parameter, tensor, span, why, code, axis.span))
        return None

    lift(frame, check, wanted, size, value)


def _misfit(
    declared: Declared,
    parameter: nodes.TensorParameter,
    value: Value,
    span: Span,
    why: str,
    code: object = None,
    axis: Span | None = None,
) -> Diagnostic:
    chosen = codes.WRONG_SHAPE if code is None else code
    assert isinstance(chosen, type(codes.WRONG_SHAPE))
    form = parameter.form.span.text if parameter.form else "a tensor"
    got = str(value.type) if isinstance(value, Tensor) else describe(value)
    others = [Label(axis or parameter.span, "demanded here")]
    made = origin_of(value)
    if made is not None and made != span:
        others.append(Label(made, f"this is {got}"))
    return chosen.at(
        span,
        f"`{declared.name}` takes `{parameter.name.text}: {form}` and is given {got}",
        why,
        others=tuple(others),
    )
