"""Norms. Those without anything learned are functions."""

from collections.abc import Callable, Mapping

from archdsl_compiler.emit.code import Apply, Expression, Index, Member, Raw, Row, Slice, call, method
from archdsl_compiler.emit.forms.contract import CallView, Layer, Written

OF_RANK = {2: 1, 3: 1, 4: 2, 5: 3}


def batch_norm(view: CallView) -> Layer:
    x, axis, rank = view.input("x"), _axis(view), len(view.type("x").shape)
    options = {
        "eps": view.option("eps", 1e-5),
        "momentum": view.option("momentum", 0.1),
        "affine": view.option("affine", True),
    }
    if axis == 1 and rank in OF_RANK:
        constructor = call(f"nn.BatchNorm{OF_RANK[rank]}d", _channels(view), **options)
    elif axis == rank - 1:
        constructor = call("BatchNormLast", _channels(view), **options)
    else:
        constructor = call("BatchNormAt", Raw(str(axis)), _channels(view), **options)

    def functional(held: Mapping[str, Expression]) -> Apply:
        names = ("running_mean", "running_var", "num_batches_tracked", "weight", "bias")
        state = (held.get(name, Raw("None")) for name in names)
        settings = {"eps": options["eps"], "momentum": options["momentum"]}
        place = {} if axis == 1 else {"axis": Raw(str(axis))}
        return call("batch_norm", x, *state, Raw("self.training"), **place, **settings)

    return Layer(constructor, (x,), functional)


def instance_norm(view: CallView) -> Written:
    x, rank, eps = view.input("x"), len(view.type("x").shape), view.option("eps", 1e-5)
    if not view.value("affine"):
        return call("F.instance_norm", x, eps=eps)
    constructor = call(f"nn.InstanceNorm{rank - 2}d", _channels(view), eps=eps, affine=view.number("affine"))
    return Layer(constructor, (x,), lambda held: call("F.instance_norm", x, **held, eps=eps))


def group_norm(view: CallView) -> Written:
    x, groups, eps = view.input("x"), view.number("groups"), view.option("eps", 1e-5)
    if not view.value("affine"):
        return call("F.group_norm", x, groups, eps=eps)
    constructor = call("nn.GroupNorm", groups, _channels(view), eps=eps)
    return Layer(constructor, (x,), lambda held: call("F.group_norm", x, groups, **held, eps=eps))


def layer_norm(view: CallView) -> Written:
    x, axis, rank = view.input("x"), _axis(view), len(view.type("x").shape)
    eps, bias = view.option("eps", 1e-5), view.option("bias", True)

    def functional(held: Mapping[str, Expression]) -> Expression:
        return _over_axis(view, lambda inner, shape: call("F.layer_norm", inner, shape, **held, eps=eps))

    if not view.value("affine"):
        return functional({})
    if axis == rank - 1:
        constructor = call("nn.LayerNorm", _channels(view), eps=eps, bias=bias)
    elif axis == 1 and rank == 4:
        constructor = call("LayerNorm2d", _channels(view), eps=eps, bias=bias)
    else:
        constructor = call("LayerNormAt", Raw(str(axis)), _channels(view), eps=eps, bias=bias)
    return Layer(constructor, (x,), functional)


def rms_norm(view: CallView) -> Written:
    x, axis, rank, eps = view.input("x"), _axis(view), len(view.type("x").shape), view.number("eps")

    def functional(held: Mapping[str, Expression]) -> Expression:
        return _over_axis(view, lambda inner, shape: call("F.rms_norm", inner, shape, **held, eps=eps))

    if not view.value("affine"):
        return functional({})
    if axis == rank - 1:
        constructor = call("nn.RMSNorm", _channels(view), eps=eps)
    else:
        constructor = call("RMSNormAt", Raw(str(axis)), _channels(view), eps=eps)
    return Layer(constructor, (x,), functional)


def normalize(view: CallView) -> Expression:
    return call("F.normalize", view.input("x"), **view.dim("axis", 1), eps=view.option("eps", 1e-12))


def cosine_similarity(view: CallView) -> Expression:
    sides = (view.input("left"), view.input("right"))
    return call("F.cosine_similarity", *sides, **view.dim("axis", 1), eps=view.option("eps", 1e-8))


def local_response_norm(view: CallView) -> Expression:
    options = {"alpha": view.option("alpha", 1e-4), "beta": view.option("beta", 0.75), "k": view.option("k", 1.0)}
    return call("F.local_response_norm", view.input("x"), view.number("size"), **options)


def _axis(view: CallView) -> int:
    axis = view.value("axis")
    assert isinstance(axis, int)
    return axis


def _channels(view: CallView) -> Expression:
    """How many numbers are learned: the size of the axis."""
    axis = _axis(view) if any(setting.name == "axis" for setting in view.call.op.settings) else 1
    return view.size(view.type("x").shape[axis], name="channels")


def _over_axis(view: CallView, normed: Callable[[Expression, Expression], Apply]) -> Expression:
    """A norm over the last axis, also where the axis is another one; `normed` writes it of a tensor and a shape."""
    x, axis, rank = view.input("x"), _axis(view), len(view.type("x").shape)
    if axis == rank - 1:
        return normed(x, Index(Member(x, "shape"), (Slice(Raw("-1")),)))
    shape = Row((_channels(view),))
    return method(normed(method(x, "movedim", Raw(str(axis)), Raw("-1")), shape), "movedim", Raw("-1"), Raw(str(axis)))
