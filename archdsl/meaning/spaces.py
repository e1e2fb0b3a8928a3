"""What turns spaces and components into others by a call: `decide(space, [...])` and `in_training(component)`."""

from archdsl.diagnostics import codes
from archdsl.meaning.application import is_tensor_like
from archdsl.meaning.binding import Arguments
from archdsl.meaning.builtins import Builtin, take
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe, fits
from archdsl.meaning.values import UNKNOWN, Component, Decided, Unknown, Value, Wrapped, is_component
from archdsl.meaning.variants import lift
from archdsl.source import Span


def _in_training(frame: Frame, span: Span, arguments: Arguments) -> Value:
    (value,) = take("in_training", ["component"], arguments, span)

    def wrap(v: Value) -> Value:
        if isinstance(v, Unknown):
            return v
        if not is_component(v) or is_tensor_like(v):
            raise Fault(
                codes.WRONG_TYPE.at(
                    span, f"`in_training` takes a component, not {describe(v)}", "wrap the component, then apply it"
                )
            )
        return Wrapped("in_training", v) if v is not None else None  # pyright: ignore[reportArgumentType]

    return lift(frame, wrap, value)


def _decide(frame: Frame, span: Span, arguments: Arguments) -> Value:
    space, decisions = take("decide", ["space", "decisions"], arguments, span)
    if isinstance(space, Unknown) or isinstance(decisions, Unknown):
        return UNKNOWN
    if isinstance(space, Decided):
        base, taken = space.space, list(space.decisions)
    elif isinstance(space, Component) and fits(space, "space"):
        base, taken = space, []
    else:
        raise Fault(codes.WRONG_TYPE.at(span, f"`decide` takes a space first, not {describe(space)}", "not a space"))
    if not isinstance(decisions, tuple):
        raise Fault(
            codes.WRONG_TYPE.at(span, f"`decide` takes a list of pairs, not {describe(decisions)}", "not a list")
        )
    for pair in decisions:
        if isinstance(pair, Unknown):
            return UNKNOWN
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)):
            raise Fault(
                codes.WRONG_TYPE.at(
                    span, f"a decision is a pair of a path and a value, not {describe(pair)}", "not a pair"
                )
            )
        path = pair[0]
        if any(path == known for known, _ in taken):
            raise Fault(codes.DUPLICATE_ARGUMENT.at(span, f"`{path}` is decided twice", "two values for one decision"))
        taken.append((path, pair[1]))
    return Decided(base, tuple(taken))


IN_TRAINING = Builtin(
    "in_training", "in_training(component)", "Runs in training, and passes its input on otherwise.", _in_training
)
DECIDE = Builtin("decide", "decide(space, [(path, value), ...])", "The space with some decisions taken.", _decide)
