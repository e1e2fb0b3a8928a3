"""Pipes: `x |> f(y)` is `f(x, y)`, and a pipe that begins with a component is a component."""

from archdsl.diagnostics import codes
from archdsl.meaning.application import is_tensor_like
from archdsl.meaning.binding import Arguments, Given
from archdsl.meaning.builtins import Builtin
from archdsl.meaning.calls import call, invoke
from archdsl.meaning.dispatch import evaluate, evaluates
from archdsl.meaning.placing import label_text, under, with_label
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe
from archdsl.meaning.values import (
    UNKNOWN,
    Composed,
    Placed,
    Step,
    Tensor,
    Unknown,
    Value,
    Variant,
    chain_of,
    is_component,
)
from archdsl.meaning.variants import lift
from archdsl.source import Span
from archdsl.syntax import nodes


@evaluates(nodes.Pipe)
def pipe(node: nodes.Pipe, frame: Frame) -> Value:
    """`x |> f(y)` is `f(x, y)`; a pipe that begins with a component is a component."""
    left = evaluate(node.left, frame)
    return pipe_value(frame, node, left)


def pipe_value(frame: Frame, node: nodes.Pipe, left: Value) -> Value:
    if isinstance(left, Unknown):
        return UNKNOWN
    if is_tensor_like(left):
        return into(frame, node.right, Given(left, node.left.span), node.span, None)
    if isinstance(left, Variant):
        return lift(frame, lambda chosen: pipe_value(frame, node, chosen), left)
    if is_component(left):
        return _compose(frame, left, node)
    if isinstance(left, Tensor | int | float | str | tuple | range | bool):
        right = node.right.operand if isinstance(node.right, nodes.Labelled) else node.right
        if isinstance(right, nodes.Call | nodes.Name):
            return into(frame, node.right, Given(left, node.left.span), node.span, None)
    raise Fault(
        codes.WRONG_OPERANDS.at(
            node.left.span, f"`|>` begins with a tensor or a component, not {describe(left)}", "cannot be piped"
        )
    )


def into(frame: Frame, right: nodes.Expression, given: Given, span: Span, label: str | None) -> Value:
    """The right side of a pipe, applied to what comes from the left."""
    if isinstance(right, nodes.Labelled):
        return with_label(
            frame,
            right.label,
            lambda text: under(frame, text, lambda: into(frame, right.operand, given, right.span, label or text)),
        )
    if isinstance(right, nodes.Call):
        return call(right, frame, given, label)
    callee = evaluate(right, frame)
    if not is_component(callee) and not isinstance(callee, Builtin | Variant | Unknown):
        raise Fault(
            codes.NOT_CALLABLE.at(
                right.span, f"{describe(callee)} cannot stand behind `|>`", "not a component or function"
            )
        )
    return invoke(frame, right.span, callee, Arguments([given]), label)


def _compose(frame: Frame, left: Value, node: nodes.Pipe) -> Value:
    """A chain of components. Labels inside it are labels of its steps."""
    steps: tuple[Step, ...] = left.steps if isinstance(left, Composed) else (_step(left),)
    right, label = node.right, None
    if isinstance(right, nodes.Labelled):
        label = label_text(frame, right.label)
        right = right.operand
    component = evaluate(right, frame)
    if isinstance(component, Variant):
        return lift(frame, lambda chosen: _composed(frame, steps, chosen, label, node), component)
    return _composed(frame, steps, component, label, node)


def _composed(frame: Frame, steps: tuple[Step, ...], component: Value, label: object, node: nodes.Pipe) -> Value:
    if isinstance(component, Unknown):
        return UNKNOWN
    if not is_component(component):
        raise Fault(
            codes.NOT_CALLABLE.at(
                node.right.span,
                f"a chain of components cannot go on with {describe(component)}",
                "not a component",
                notes=("the chain begins with a component, not with a tensor",),
            )
        )
    step = _step(component)
    chain = chain_of((*steps, Step(step.component, label if isinstance(label, str) else step.label)))
    limit = frame.session.limits.modules
    if chain.size > limit:
        raise Fault(
            codes.TOO_MANY_MODULES.at(
                node.span,
                f"this chain has more than {limit:,} components",
                "with the chains inside it",
                notes=(f"raise the limit: --limit modules={2 * limit}",),
            )
        )
    return chain


def _step(component: Value) -> Step:
    if isinstance(component, Placed):
        return Step(component.inner, component.label)
    return Step(component, None)  # pyright: ignore[reportArgumentType]
