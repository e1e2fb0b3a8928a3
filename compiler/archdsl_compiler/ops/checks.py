"""What the rules of all families check: numbers, axes, ranks, sizes, dtypes and parameters. Each check raises
`OpFault`."""

from collections.abc import Iterable, Sequence
from typing import cast

from archdsl_compiler.ops.contract import Axes, Init, InitialValue, OpFault, Parameter, Real, Sizes, Undetermined
from archdsl_compiler.sizes import Number, Size, Symbolic, compare, divides, has_open, is_batch_dependent, same
from archdsl_compiler.types import TensorType

FLOATS = ("real", "float32", "float16", "bfloat16")


def whole(value: Symbolic | Number) -> Size:
    """The result of arithmetic on sizes alone, as a size."""
    return cast(Size, value)


def product(sizes: Iterable[Size]) -> Size:
    number, unknown = 1, None
    for size in sizes:
        if type(size) is int:
            number *= size
        else:
            unknown = size if unknown is None else whole(unknown * size)
    return number if unknown is None else whole(unknown * number)


def show(sizes: Iterable[object]) -> str:
    return f"[{', '.join(map(str, sizes))}]"


def counted(number: int, thing: str) -> str:
    if number == 1:
        return f"1 {thing}"
    return f"{number} {thing[:-2]}es" if thing.endswith("axis") else f"{number} {thing}s"


def holds(operator: str, left: Real, right: Real) -> bool:
    """Whether a comparison can be relied on: whatever the batch is, and for at least one choice of the open sizes."""
    truth = compare(operator, left, right)
    if truth is None:
        return has_open(left) or has_open(right)
    return truth


def definite(value: Size, argument: str) -> int:
    """A number that decides about the form of the result, so it must be known."""
    if isinstance(value, Symbolic):
        if is_batch_dependent(value):
            raise OpFault(
                "value",
                f"`{argument}={value}` depends on the batch, which stays free",
                argument,
                label="use a number here",
            )
        raise Undetermined(argument)
    return value


def at_least(value: Real, minimum: int, argument: str) -> None:
    if not (value >= minimum if type(value) is int else holds(">=", value, minimum)):
        raise OpFault(
            "value", f"`{argument}={value}` must be at least {minimum}", argument, label=f"use {minimum} or more"
        )


def above_zero(value: Real, argument: str) -> None:
    if not holds(">", value, 0):
        raise OpFault("value", f"`{argument}={value}` must be above 0", argument, label="use a number above 0")


def within(value: Real, low: float, high: float, argument: str) -> None:
    if not (holds(">=", value, low) and holds("<=", value, high)):
        raise OpFault(
            "value", f"`{argument}={value}` must lie in {low:g} to {high:g}", argument, label=f"use {low:g} to {high:g}"
        )


def one_of(value: str, choices: Sequence[str], argument: str) -> None:
    if value not in choices:
        listed = ", ".join(f'"{choice}"' for choice in choices)
        raise OpFault(
            "value",
            f'`{argument}` cannot be "{value}"',
            argument,
            label=f"use one of {listed}",
            given=value,
            options=choices,
        )


def each(value: Sizes, count: int, argument: str, *, of: str = "x", what: str = "spatial axis") -> tuple[Size, ...]:
    """One number for each axis."""
    if isinstance(value, int | Symbolic):
        return (value,) * count
    if len(value) != count:
        message = f"`{argument}={show(value)}` has {counted(len(value), 'number')}, `{of}` has {counted(count, what)}"
        raise OpFault("rank", message, argument, of, label="write one number, or one for each axis")
    return tuple(value)


def axis_of(axis: Size, x: TensorType, argument: str = "axis", *, of: str = "x") -> int:
    """The axis of a tensor, the parameter `of`, counted from the front."""
    number, rank = definite(axis, argument), len(x.shape)
    if not -rank <= number < rank:
        reach = f"axes are 0 to {rank - 1}, or -1 to -{rank} from the end" if rank else "it has no axes"
        message = f"`{argument}={number}` is out of range for {x}, which has {counted(rank, 'axis')}"
        raise OpFault("axis", message, argument, of, label=reach)
    return number % rank


def axes_of(axes: Axes, x: TensorType, argument: str = "axes", *, of: str = "x") -> tuple[int, ...]:
    """Several axes counted from the front, each at most once."""
    listed = (axes,) if isinstance(axes, int | Symbolic) else tuple(axes)
    found = tuple(axis_of(axis, x, argument, of=of) for axis in listed)
    if not found:
        raise OpFault("axis", f"`{argument}` names no axis", argument, label="name at least one axis")
    if len(set(found)) < len(found):
        raise OpFault(
            "axis", f"`{argument}={show(listed)}` names one axis twice", argument, label="name every axis once"
        )
    return found


def positive(size: Size, what: str, *arguments: str, label: str = "") -> Size:
    """A size that was computed; `what` says of what."""
    if type(size) is int:
        fits = size >= 1
    else:
        fits = _plainly_positive(size) or holds(">=", size, 1)
    if not fits:
        reason = "which is not at least 1 for every batch" if is_batch_dependent(size) else "but a size is at least 1"
        message = f"{what} would be {size}, {reason}"
        raise OpFault("size", message, *arguments, label=label)
    return size


def _plainly_positive(size: Size) -> bool:
    """Sums and products of unknown sizes alone; no comparison is needed to see that they are positive."""
    terms = size.terms if isinstance(size, Symbolic) else ()
    return bool(terms) and all(c > 0 and all(not atom.operation for atom in monomial) for monomial, c in terms)


def positive_shape(shape: Sequence[Size], argument: str) -> tuple[Size, ...]:
    for position, size in enumerate(shape):
        positive(size, f"axis {position} of `{argument}={show(shape)}`", argument, label="use sizes of 1 or more")
    return tuple(shape)


def need_rank(x: TensorType, low: int, high: int | None, form: str, argument: str = "x") -> None:
    rank = len(x.shape)
    if rank < low or (high is not None and rank > high):
        raise OpFault(
            "rank",
            f"`{argument}` must be {form}; it is {x} with {counted(rank, 'axis')}",
            argument,
            label=f"give {form}",
        )


def need_float(x: TensorType, argument: str = "x") -> None:
    if x.dtype not in FLOATS:
        advice = "cast it: `float32(...)`" if x.dtype != "complex" else "split it by `as_real`"
        raise OpFault("dtype", f"`{argument}` must hold real numbers; it is {x}", argument, label=advice)


def need_ordered(x: TensorType, argument: str = "x") -> None:
    """Anything but complex numbers."""
    if x.dtype == "complex":
        raise OpFault(
            "dtype", f"complex numbers have no order; `{argument}` is {x}", argument, label="split it by `as_real`"
        )


def need_int64(x: TensorType, argument: str) -> None:
    if x.dtype != "int64":
        message = f"`{argument}` must be an int64 tensor of places; it is {x.dtype}{show(x.shape)}"
        raise OpFault("dtype", message, argument, label="give an int64 tensor, such as the second result of `top_k`")


def need_divisor(divisor: Size, size: Size, argument: str, other: str, what: str) -> None:
    """`argument=divisor` must divide `size`, which `what` names and `other` brought."""
    if not divides(divisor, size):
        label = f"use a divisor of {size}"
        raise OpFault("divisibility", f"`{argument}={divisor}` does not divide {what}", argument, other, label=label)


def parameter(
    name: str,
    shape: tuple[Size, ...],
    init: Init = None,
    *,
    trainable: bool = True,
    dtype: str = "float32",
    source: str = "x",
) -> Parameter:
    """A parameter that has a size whatever the batch is; `source` is the argument that its shape follows."""
    for size in shape:
        if type(size) is not int and is_batch_dependent(size):
            what = f"the parameter `{name}`" if name else "the parameter"
            message = f"{what} would have the shape {show(shape)}, which depends on the batch"
            raise OpFault("size", message, source, label="parameters cannot follow the batch")
    if isinstance(init, InitialValue):
        _need_shape(init, shape)
    return Parameter(name, shape, init, trainable, dtype)


def _need_shape(init: InitialValue, shape: tuple[Size, ...]) -> None:
    """Initial values that are written out have the shape of the parameter; an identity is a matrix."""
    if init.rule == "identity" and len(shape) != 2:
        message = f"a parameter of {len(shape)} axes cannot begin as an identity"
        raise OpFault("rank", message, "init", label="only a matrix can")
    level: object = init.amount
    for size in shape if init.rule == "values" else ():
        found = len(cast("tuple[object, ...]", level)) if isinstance(level, tuple) else 0
        if not same(size, found):
            message = f"the values do not fit a parameter of shape {show(shape)}"
            raise OpFault("size", message, "init", label=f"one of its lists should have {size} and has {found}")
        level = cast("tuple[object, ...]", level)[0]
