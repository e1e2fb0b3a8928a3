"""Broadcasting from the right: an axis that is missing or 1 takes the size of the other side."""

from collections.abc import Sequence

from archdsl_compiler.ops.contract import Operand, OpFault
from archdsl_compiler.sizes import Size, same
from archdsl_compiler.types import TensorType


def broadcast(left: Operand, right: Operand, *arguments: str) -> tuple[Size, ...]:
    """The shape of both together; `arguments` are their names."""
    a = left.shape if isinstance(left, TensorType) else ()
    b = right.shape if isinstance(right, TensorType) else ()
    if a == b or not b:
        return a
    if not a:
        return b
    shape, position = broadcast_shapes(a, b)
    if position is not None:
        axis = len(a) + position if len(a) == len(b) else position
        reason = f"axis {axis} is {a[position]} on the left and {b[position]} on the right"
        message = f"{left} and {right} do not broadcast: {reason}"
        raise OpFault("broadcast", message, *arguments, label="make the axis equal, or 1 on one side")
    return shape


def broadcast_all(operands: Sequence[Operand], argument: str) -> tuple[Size, ...]:
    """The shape of a list of operands together."""
    shape: tuple[Size, ...] = ()
    for number, operand in enumerate(operands):
        if isinstance(operand, TensorType):
            before, (shape, position) = shape, broadcast_shapes(shape, operand.shape)
            if position is not None:
                reason = f"axis {position} is {before[position]} before it and {operand.shape[position]} in it"
                message = f"number {number} of `{argument}` is {operand} and does not broadcast: {reason}"
                raise OpFault("broadcast", message, argument, label="make the axis equal, or 1")
    return shape


def broadcast_shapes(a: tuple[Size, ...], b: tuple[Size, ...]) -> tuple[tuple[Size, ...], int | None]:
    """The common shape and None, or the axis, counted from the end, where there is none."""
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    shape = list(longer)
    for position in range(-1, -len(shorter) - 1, -1):
        size, other = longer[position], shorter[position]
        if size == other or other == 1:
            continue
        if size == 1:
            shape[position] = other
        elif not same(size, other):
            return (), position
        elif type(other) is int:
            # An open size that meets a number can only be that number.
            shape[position] = other
    return tuple(shape), None
