"""Functions of one tensor, number by number, and of several that broadcast."""

from functools import reduce

from archdsl_compiler.emit.code import Expression, Infix, Raw, call, method
from archdsl_compiler.emit.forms.contract import CallView, operands
from archdsl_compiler.graph import Scalar


def abs_(view: CallView) -> Expression:
    return method(view.input("x"), "abs")


def sqrt(view: CallView) -> Expression:
    return method(view.input("x"), "sqrt")


def rsqrt(view: CallView) -> Expression:
    return method(view.input("x"), "rsqrt")


def exp(view: CallView) -> Expression:
    return method(view.input("x"), "exp")


def log(view: CallView) -> Expression:
    return method(view.input("x"), "log")


def sin(view: CallView) -> Expression:
    return method(view.input("x"), "sin")


def cos(view: CallView) -> Expression:
    return method(view.input("x"), "cos")


def erf(view: CallView) -> Expression:
    return method(view.input("x"), "erf")


def floor(view: CallView) -> Expression:
    return method(view.input("x"), "floor")


def ceil(view: CallView) -> Expression:
    return method(view.input("x"), "ceil")


def round_(view: CallView) -> Expression:
    return method(view.input("x"), "round")


def sign(view: CallView) -> Expression:
    return method(view.input("x"), "sign")


def zero(view: CallView) -> Expression:
    return call("torch.zeros_like", view.input("x"))


def clip(view: CallView) -> Expression:
    bounds = {
        word: view.number(name) for word, name in (("min", "low"), ("max", "high")) if view.value(name) is not None
    }
    return method(view.input("x"), "clamp", **bounds)


def where(view: CallView) -> Expression:
    return call("torch.where", view.input("condition"), view.input("a"), view.input("b"))


def minimum(view: CallView) -> Expression:
    left, right = operands(view)
    numbers = [isinstance(item, Scalar) for item in view.call.inputs]
    return _extreme("minimum", left, numbers[0], right, numbers[1])


def maximum(view: CallView) -> Expression:
    left, right = operands(view)
    numbers = [isinstance(item, Scalar) for item in view.call.inputs]
    return _extreme("maximum", left, numbers[0], right, numbers[1])


def add_all(view: CallView) -> Expression:
    return _sum(view)


def mean_all(view: CallView) -> Expression:
    count = len(view.items("tensors"))
    return Infix("/", _sum(view), Raw(str(count)))


def minimum_all(view: CallView) -> Expression:
    return _extreme_of_all("minimum", view)


def maximum_all(view: CallView) -> Expression:
    return _extreme_of_all("maximum", view)


def _sum(view: CallView) -> Expression:
    """Booleans are counted, not joined by `or`, so they are cast."""
    found: list[Expression] = []
    for item, expression in zip(view.structures("tensors"), view.items("tensors"), strict=True):
        boolean = isinstance(item, int) and view.types[item].dtype == "bool"
        found.append(method(expression, "long") if boolean else expression)
    if all(isinstance(item, Scalar) for item in view.structures("tensors")):
        found[0] = call("torch.tensor", found[0])
    return reduce(lambda left, right: Infix("+", left, right), found)


def _extreme_of_all(name: str, view: CallView) -> Expression:
    structures, items = view.structures("tensors"), view.items("tensors")
    pairs = sorted(zip(structures, items, strict=True), key=lambda pair: isinstance(pair[0], Scalar))
    first, *others = pairs
    result = call("torch.tensor", first[1]) if isinstance(first[0], Scalar) else first[1]
    for structure, item in others:
        result = _extreme(name, result, False, item, isinstance(structure, Scalar))
    return result


def _extreme(name: str, left: Expression, left_number: bool, right: Expression, right_number: bool) -> Expression:
    """A number is a bound; PyTorch's function takes tensors alone."""
    bound = {"minimum": "max", "maximum": "min"}[name]
    if right_number:
        return method(left, "clamp", **{bound: right})
    if left_number:
        return method(right, "clamp", **{bound: left})
    return call(f"torch.{name}", left, right)
