"""How parameters begin, as code.

A layer whose parameters begin otherwise than PyTorch's is made by a function of its own, which all layers that begin
alike share (a `Maker`); a bare parameter is written with its values."""

import math
from collections.abc import Sequence

from archdsl_compiler.emit.code import Apply, Expression, Maker, Member, Number, Raw, Row, call, method
from archdsl_compiler.emit.forms.hints import elements
from archdsl_compiler.graph import OpCall
from archdsl_compiler.ops.contract import InitialValue, Parameter

NO_BIAS: tuple[str, object] = ("bias", None)
"""In a maker: its layers have none."""


def initialised_layer(constructor: Expression, parameters: Sequence[Parameter]) -> Expression:
    """The constructor of a layer, by a maker where some parameter has a rule of its own."""
    begins = tuple((p.name, p.init) for p in parameters if p.trainable and p.init is not None)
    if begins and not any(p.name == "bias" for p in parameters):
        begins = (*begins, NO_BIAS)
    if not begins or not isinstance(constructor, Apply) or not isinstance(constructor.function, Raw):
        return constructor
    return Apply(Maker(constructor.function.text, begins), constructor.arguments, constructor.named)


def initialised_parameter(each: OpCall, entry: Parameter) -> Expression:
    """A bare parameter with its values."""
    hint = each.hints.get("shape", "")
    inner = elements(hint) if hint.startswith("[") else ()
    if len(inner) != len(entry.shape):
        inner = ("",) * len(entry.shape)
    sizes = tuple(Number(size, hint) for size, hint in zip(entry.shape, inner, strict=True))
    shape: tuple[Expression, ...] = sizes or (Row(()),)
    init = entry.init if entry.init is not None else pytorchs_rule(each, entry)
    if isinstance(init, InitialValue) and init.rule == "values":
        values = call("torch.tensor", Number(init.amount))
    elif isinstance(init, InitialValue):
        values = rule_call(init, call("torch.empty", *shape))
    elif init == 0:
        values = call("torch.zeros", *shape)
    elif init == 1:
        values = call("torch.ones", *shape)
    else:
        values = call("torch.full", Row(sizes), Number(float(str(init)), each.hints.get("init", "")))
    if entry.dtype in ("int64", "bool", "bfloat16", "float16"):
        values = method(values, "to", Raw(f"torch.{entry.dtype}"))
    if entry.trainable:
        return call("nn.Parameter", values)
    # The statistics of a norm are buffers, which their module registers.
    return (
        Apply(Raw("nn.Parameter"), (values,), (("requires_grad", Raw("False")),)) if each.op.name == "param" else values
    )


def pytorchs_rule(each: OpCall, entry: Parameter) -> InitialValue | float:
    """How PyTorch's layer for an op begins: norms change nothing, others are even by the numbers that meet in a
    result."""
    if each.op.name.endswith("_norm"):
        return 0.0 if entry.name == "bias" else 1.0
    weight = next(parameter.shape for parameter in each.parameters if parameter.name == "weight")
    inside = weight[2:] if each.op.name == "expert_linear" else weight[1:]
    return InitialValue("uniform", math.prod(size for size in inside if isinstance(size, int)) ** -0.5)


def rule_call(rule: InitialValue, tensor: Expression) -> Expression:
    """PyTorch's call that fills a tensor by a rule."""
    amount = Number(rule.amount)
    match rule.rule:
        case "identity":
            return call("nn.init.eye_", tensor)
        case "values":
            return Apply(Member(Member(tensor, "data"), "copy_"), (call("torch.tensor", amount),))
        case "normal":
            return Apply(Raw("nn.init.normal_"), (tensor,), (("std", amount),))
        case "trunc_normal":
            return Apply(Raw("nn.init.trunc_normal_"), (tensor,), (("std", amount),))
        case "uniform":
            return call("nn.init.uniform_", tensor, Number(-float(str(rule.amount))), amount)
        case "xavier_uniform":
            return Apply(Raw("nn.init.xavier_uniform_"), (tensor,), (("gain", amount),) if rule.amount != 1 else ())
        case "kaiming_normal":
            return Apply(Raw("nn.init.kaiming_normal_"), (tensor,), (("a", amount),) if rule.amount != 0 else ())
        case "kaiming_normal_out":
            named = (("a", amount),) if rule.amount != 0 else ()
            return Apply(Raw("nn.init.kaiming_normal_"), (tensor,), (*named, ("mode", Raw('"fan_out"'))))
        case "kaiming_uniform":
            return Apply(Raw("nn.init.kaiming_uniform_"), (tensor,), (("a", amount),))
        case other:
            return call(f"{other}_", tensor, amount)
