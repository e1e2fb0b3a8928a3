"""What a component promises of its result: the shapes behind `->`, and that a mixer gives back the shape of its first tensor."""

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
    meant = f"[{', '.join('...' if i == rest else show(w) for i, w in enumerate(wanted))}]"
    told = f"{shape.span.text}, here {meant}" if meant != shape.span.text else meant
    raise Fault(
        codes.WRONG_RESULT.at(
            span,
            f"`{declared.name}` promises {told}, and returns {describe(found)}",
            f"this is {found.type}" if isinstance(found, Tensor) else "this is returned",
            others=(Label(shape.span, "promised here"),),
        )
    )


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
