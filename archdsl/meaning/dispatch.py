"""Which function evaluates which node. The table lets applications, expressions and statements call each other without
importing each other."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from archdsl.diagnostics import codes
from archdsl.meaning.conditions import NEVER
from archdsl.meaning.memory import replay
from archdsl.meaning.run import ONCE, Abandoned, Fault, Frame
from archdsl.meaning.values import UNKNOWN, Value
from archdsl.syntax import nodes

Evaluator: TypeAlias = Callable[..., Value]
Executor: TypeAlias = Callable[..., None]
_E = TypeVar("_E", bound=Evaluator)
_X = TypeVar("_X", bound=Executor)

EVALUATORS: dict[type, Evaluator] = {}
EXECUTORS: dict[type, Executor] = {}


REPLAYED = (nodes.Let, nodes.Assign, nodes.Return, nodes.Require)


def evaluates(*kinds: type) -> Callable[[_E], _E]:
    """Declare the function that gives the value of these expressions."""

    def register(function: _E) -> _E:
        EVALUATORS.update(dict.fromkeys(kinds, function))
        return function

    return register


def executes(*kinds: type) -> Callable[[_X], _X]:
    """Declare the function that runs these statements."""

    def register(function: _X) -> _X:
        EXECUTORS.update(dict.fromkeys(kinds, function))
        return function

    return register


def evaluate(node: nodes.Expression, frame: Frame) -> Value:
    return EVALUATORS[type(node)](node, frame)


def execute(body: nodes.Body, frame: Frame) -> None:
    """Run statements until none is left or no candidate gets further. While checking, a fault spoils its own statement
    alone."""
    session = frame.session
    for item in body.items:
        if not session.checking:
            session.step(item.span)
            if frame.counted and type(item) in REPLAYED:
                replay(frame, item, lambda item=item: EXECUTORS[type(item)](item, frame))
            else:
                EXECUTORS[type(item)](item, frame)
            if frame.condition == NEVER:
                return
            continue
        if frame.effective() == NEVER:
            return
        try:
            session.step(item.span)
            EXECUTORS[type(item)](item, frame)
        except Fault as fault:
            frame.report(fault.diagnostic)
            if fault.diagnostic.code in ONCE:
                raise Abandoned from fault
            spoil(item, frame)
        except OverflowError:
            frame.report(codes.NUMBER_TOO_LARGE.at(item.span, "a size is too large to be followed", "computed here"))
            spoil(item, frame)
        except RecursionError:
            raise Abandoned from None


def spoil(item: nodes.Statement, frame: Frame) -> None:
    """Give the names that a faulty statement would have bound the value that fits everywhere."""
    match item:
        case nodes.Let():
            frame.names.update((target.text, UNKNOWN) for target in item.targets)
        case nodes.Assign():
            if frame.fields is not None:
                frame.fields[item.name.text] = UNKNOWN
            else:
                frame.names[item.name.text] = UNKNOWN
        case nodes.Return():
            frame.results.append((frame.condition, UNKNOWN, item.span))
            frame.condition = NEVER
        case nodes.For() | nodes.If():
            raise Abandoned
        case _:
            pass
