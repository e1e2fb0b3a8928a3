"""Components whose body is Python: what they give is what their arrow says."""

from collections.abc import Mapping
from typing import cast

from archdsl.meaning.binding import bind_settings, bind_tensors
from archdsl.meaning.bodies import enter
from archdsl.meaning.declared import Declared
from archdsl.meaning.dispatch import evaluate
from archdsl.meaning.labels import place
from archdsl.meaning.run import Frame
from archdsl.meaning.summaries import outside
from archdsl.meaning.values import UNKNOWN, Component, Origin, Tensor, Unknown, Value
from archdsl.meaning.variants import lift
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler import sizes
from archdsl_compiler.graph import join
from archdsl_compiler.types import TensorType


def apply_extern(
    frame: Frame,
    component: Component,
    inputs: tuple[Value, ...],
    span: Span,
    spans: Mapping[str, Span],
    label: str | None,
) -> Value:
    """Python's own component: what it gives is what its arrow says; a mixer gives what it takes."""
    declared = cast(Declared, component.callee)
    where = place(frame, label, component.name, span)
    inner = enter(
        frame, frame.session, frame.world, component, join(frame.body.path, where), where, span, frame.condition
    )
    names = [t.name.text for t in declared.tensors]
    demands = bind_tensors(inner, declared, inputs, [spans.get(name, span) for name in names], span)
    bind_settings(inner, component, span)
    for demand in demands:
        demand()
    if declared.kind.name == "mixer" and declared.node.result is None:
        return outside(inputs[0], span, inputs)
    results: list[Value] = []
    for shape in declared.node.result or ():
        axes = [UNKNOWN if isinstance(axis, nodes.Rest) else evaluate(axis, inner) for axis in shape.axes]

        def build(*given: Value) -> Value:
            if any(isinstance(size, Unknown) for size in given):
                return UNKNOWN
            return Tensor(TensorType(cast("tuple[sizes.Size, ...]", given)), Origin(span))

        results.append(lift(inner, build, *axes))
    if not results:
        return UNKNOWN
    return results[0] if len(results) == 1 else tuple(results)
