"""What a component promises of its result: the shapes behind `->`, and that a mixer gives back the shape of its first
tensor."""

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Label
from archdsl.meaning.declared import Declared
from archdsl.meaning.dispatch import evaluate
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe
from archdsl.meaning.values import Tensor, Unknown, Value, show
from archdsl.meaning.variants import lift
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler import sizes


def check_result(frame: Frame, declared: Declared, inputs: list[Value], result: Value) -> None:
    """The promise of `->`, and that a mixer gives back the shape of its first tensor."""
    span = frame.results[-1][2] if frame.results else declared.node.span
    shapes = declared.node.result
    if shapes is not None:
        several = len(shapes) > 1
        lift(frame, lambda value: _check_count(declared, span, shapes, value), result)
        for position, shape in enumerate(shapes):
            axes = [None if isinstance(axis, nodes.Rest) else evaluate(axis, frame) for axis in shape.axes]
            rest = next((i for i, axis in enumerate(shape.axes) if isinstance(axis, nodes.Rest)), None)
            bound = shape.axes[rest] if rest is not None else None
            if isinstance(bound, nodes.Rest) and bound.name is not None:
                known = frame.names.get(bound.name.text)
                if isinstance(known, tuple) and rest is not None:
                    axes[rest : rest + 1] = list(known)
                    rest = None

            def check(
                value: Value,
                *wanted: Value,
                shape: nodes.Shape = shape,
                rest: int | None = rest,
                position: int = position,
            ) -> Value:
                found = value[position] if several and isinstance(value, tuple) and len(value) > position else value
                _check_shape(declared, span, shape, wanted, rest, found)
                return None

            lift(frame, check, result, *axes, deep=True)
    if declared.kind.name == "mixer":
        lift(frame, lambda value, x: _check_mixer(declared, span, value, x), result, inputs[0])


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _check_count(declared: Declared, span: Span, shapes: tuple[nodes.Shape, ...], value: Value) -> Value:
    """Whether as many values are returned as are promised."""
    returned = len(value) if isinstance(value, tuple) else 1
    if isinstance(value, Unknown) or returned == len(shapes):
        return None
    promised = f"{_number(len(shapes))} tensor{'' if len(shapes) == 1 else 's'}"
    found = _number(returned) if isinstance(value, Tensor | tuple) else describe(value)
    raise Fault(
        codes.WRONG_RESULT.at(
            span,
            f"`{declared.name}` promises {promised} and returns {found}",
            f"this is {_number(returned)}",
            others=(Label(shapes[0].span.to(shapes[-1].span), "promised here"),),
        )
    )


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _check_shape(
    declared: Declared, span: Span, shape: nodes.Shape, wanted: tuple[Value, ...], rest: int | None, found: Value
) -> None:
    if isinstance(found, Unknown) or any(isinstance(w, Unknown) for w in wanted):
        return
    if isinstance(found, Tensor):
        actual = found.type.shape
        tail = len(wanted) - rest - 1 if rest is not None else 0
        fits = len(actual) == len(wanted) if rest is None else len(actual) >= len(wanted) - 1
        pairs = (
            list(zip(wanted, actual, strict=False))
            if rest is None
            else [
                *zip(wanted[:rest], actual, strict=False),
                *(zip(wanted[-tail:], actual[-tail:], strict=False) if tail else ()),
            ]
        )
        if fits and all(isinstance(w, int | sizes.Symbolic) and sizes.same(w, a) for w, a in pairs):
            return
    told = shape.span.text
    if any(isinstance(w, int) and str(w) not in told for w in wanted):
        told += f", here [{', '.join('...' if i == rest else show(w) for i, w in enumerate(wanted))}],"
    label = "this is returned"
    if isinstance(found, Tensor):
        label = f"this is {found.type}"
        differing = [] if rest is not None else [i for i, (w, a) in enumerate(_pairs(wanted, found)) if not _same(w, a)]
        if len(differing) == 1 and len(found.type.shape) == len(wanted):
            axis = differing[0]
            label = f"axis {axis} must be {show(wanted[axis])}, and is {found.type.shape[axis]}"
    returned = str(found.type) if isinstance(found, Tensor) else describe(found)
    raise Fault(
        codes.WRONG_RESULT.at(
            span,
            f"`{declared.name}` promises {told} and returns {returned}",
            label,
            others=(Label(shape.span, "promised here"),),
        )
    )


def _pairs(wanted: tuple[Value, ...], found: Tensor) -> list[tuple[Value, sizes.Size]]:
    return list(zip(wanted, found.type.shape, strict=False))


def _same(wanted: Value, actual: sizes.Size) -> bool:
    return isinstance(wanted, int | sizes.Symbolic) and sizes.same(wanted, actual)


def _check_mixer(declared: Declared, span: Span, value: Value, x: Value) -> Value:
    if isinstance(value, Unknown) or isinstance(x, Unknown):
        return None
    if isinstance(value, Tensor) and isinstance(x, Tensor):
        if len(value.type.shape) == len(x.type.shape) and all(map(sizes.same, value.type.shape, x.type.shape)):
            return None
        got = f"{value.type}"
    else:
        got = describe(value)
    parameter = declared.tensors[0]
    taken = str(x.type) if isinstance(x, Tensor) else describe(x)
    raise Fault(
        codes.MIXER_SHAPE.at(
            span,
            f"the mixer `{declared.name}` returns {got} for {taken}",
            "a mixer returns the shape of its first tensor",
            others=(Label(parameter.span, f"`{parameter.name.text}` is {taken}"),),
            notes=("declare it as a `block` if its shape may change",),
        )
    )
