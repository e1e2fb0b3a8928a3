"""Components whose body is Python: what they give is what their arrow says, and a mixer gives what it takes."""

from typing import cast

from archdsl.diagnostics import codes
from archdsl.meaning.declared import Declared
from archdsl.meaning.dispatch import evaluate
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.values import UNKNOWN, Origin, Tensor, Unknown, Value
from archdsl.meaning.variants import lift
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler.sizes import Size
from archdsl_compiler.types import TensorType


def promised(frame: Frame, declared: Declared, first: Value, span: Span) -> Value:
    """The result that a signature promises, in the frame that has bound it; without an arrow nothing is known of it."""
    if declared.node.result is None:
        if declared.kind.name == "mixer":
            return lift(frame, lambda x: _made(frame, x.type, span) if isinstance(x, Tensor) else UNKNOWN, first)
        if frame.session.checking:
            return UNKNOWN
        title = f"`{declared.name}` is Python's and does not say what it gives"
        raise Fault(codes.WRONG_RESULT.at(declared.node.span, title, "write its result: `-> [b, c, h, w]`"))
    results = [_of_shape(frame, shape, span) for shape in declared.node.result]
    return results[0] if len(results) == 1 else tuple(results)


def _of_shape(frame: Frame, shape: nodes.Shape, span: Span) -> Value:
    axes = [UNKNOWN if isinstance(axis, nodes.Rest) else evaluate(axis, frame) for axis in shape.axes]

    def build(*given: Value) -> Value:
        if any(isinstance(size, Unknown) for size in given):
            return UNKNOWN
        return _made(frame, TensorType(cast("tuple[Size, ...]", given)), span)

    return lift(frame, build, *axes)


def _made(frame: Frame, type_: TensorType, span: Span) -> Value:
    """A tensor that no call of the body has made."""
    frame.body.values += 1
    return Tensor(type_, Origin(span), frame.body.values - 1)
