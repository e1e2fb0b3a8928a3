"""How a parameter begins: rules for `init`. PyTorch's own rule, where there is no `init`, has no name here."""

from collections.abc import Sequence
from typing import cast

from archdsl_compiler.ops.checks import at_least
from archdsl_compiler.ops.contract import InitialValue, Numbers, OpFault, Real, op
from archdsl_compiler.sizes import Symbolic

INITIAL = "-> a value for `init`"


@op(INITIAL, category="init")
def normal(*, std: Real = 0.02) -> InitialValue:
    """Normal around 0."""
    at_least(std, 0, "std")
    return InitialValue("normal", std)


@op(INITIAL, category="init")
def trunc_normal(*, std: Real = 0.02) -> InitialValue:
    """Normal around 0, drawn again where it lies outside -2 to 2."""
    at_least(std, 0, "std")
    return InitialValue("trunc_normal", std)


@op(INITIAL, category="init")
def uniform(*, limit: Real) -> InitialValue:
    """Even between `-limit` and `limit`."""
    at_least(limit, 0, "limit")
    return InitialValue("uniform", limit)


@op(INITIAL, category="init")
def xavier_uniform(*, gain: Real = 1.0) -> InitialValue:
    """Even within the limit that keeps the variance, of values on the way through and of gradients on the way back."""
    at_least(gain, 0, "gain")
    return InitialValue("xavier_uniform", gain)


@op(INITIAL, category="init")
def kaiming_normal(*, a: Real = 0.0) -> InitialValue:
    """Normal around 0, so wide that a leaky relu of slope `a` keeps the variance of values on their way through."""
    return InitialValue("kaiming_normal", a)


@op(INITIAL, category="init")
def kaiming_normal_out(*, a: Real = 0.0) -> InitialValue:
    """The same for gradients on their way back: by the outputs of a place of the kernel and not by its inputs. The
    groups of a convolution do not count; of a depthwise one, `kaiming_normal` is both."""
    return InitialValue("kaiming_normal_out", a)


@op(INITIAL, category="init")
def kaiming_uniform(*, a: Real) -> InitialValue:
    """Even within the limit that keeps the variance through a leaky relu of slope `a`; `a=5 ** 0.5` is PyTorch's for
    weights."""
    return InitialValue("kaiming_uniform", a)


@op(INITIAL, category="init")
def identity() -> InitialValue:
    """Ones on the diagonal, zeros elsewhere: a linear layer that begins by handing on what it gets."""
    return InitialValue("identity", ())


@op(INITIAL, category="init")
def values(*, numbers: object) -> InitialValue:
    """The values themselves: numbers in lists, as deep as the parameter has axes."""
    if not isinstance(numbers, list | tuple):
        raise OpFault("value", "the values are no list", "numbers", label="write a list of numbers, or of such lists")
    return InitialValue("values", tuple(_value(inner) for inner in cast("Sequence[object]", numbers)))


def _value(value: object) -> "float | Symbolic | Numbers":
    if isinstance(value, list | tuple):
        return tuple(_value(inner) for inner in cast("Sequence[object]", value))
    if isinstance(value, bool) or not isinstance(value, int | float | Symbolic):
        raise OpFault("value", "one of the values is no number", "numbers", label="write numbers")
    return value if isinstance(value, Symbolic) else float(value)
