"""What the forms of the ops compute, against the rules and PyTorch: shapes, dtypes, state dicts, numbers."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from archdsl_compiler.emit import prelude
from archdsl_compiler.emit.code import Apply, Batch, Expression, Number, Raw, Use, literal, render
from archdsl_compiler.emit.forms.contract import CallView, Layer
from archdsl_compiler.emit.forms.registry import form_of
from archdsl_compiler.graph import OpCall, Place, Scalar, Structure
from archdsl_compiler.ops.contract import Inferred
from archdsl_compiler.ops.registry import ops
from archdsl_compiler.sizes import BATCH
from archdsl_compiler.types import TensorType
from tests.compiler.ops.cases import CASES, Case

DTYPES = {
    "real": torch.float32,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int64": torch.int64,
    "bool": torch.bool,
    "complex": torch.complex64,
}
WRITTEN_BY_EMISSION = {"param", *(op.name for op in ops().values() if op.category == "init")}
DRAWN = {"dropout", "add_noise"}
COMPUTED = [
    case for case in CASES if case.op not in WRITTEN_BY_EMISSION and not (case.op == "buffer" and case.at_batch(1)[1])
]
BY_NAME = [f"{number}-{case}" for number, case in enumerate(COMPUTED)]


def view_of(name: str, /, *tensors: Any, hints: Mapping[str, str] | None = None, **settings: Any) -> CallView:
    """A call whose inputs are v0, v1, ... in order."""
    op = ops()[name]
    types: list[TensorType] = []

    def placed(value: Any) -> Structure:
        if isinstance(value, list):
            return tuple(map(placed, value))
        if value is None:
            return -1
        if not isinstance(value, TensorType):
            return Scalar(value)
        types.append(value)
        return len(types) - 1

    inputs = tuple(map(placed, tensors))
    inferred: Inferred = op.rule(*tensors, **settings)
    found = inferred.result
    outputs = (found,) if isinstance(found, TensorType) else tuple(found)
    place = Place("test.arch", 0, 0)
    call = OpCall(
        op,
        "it",
        inputs,
        settings,
        inferred.resolved,
        hints or {},
        inferred.parameters,
        len(types),
        outputs,
        0,
        (),
        place,
    )
    return CallView(call, (*types, *outputs))


def leaf(part: Expression) -> str:
    match part:
        case Number():
            return literal(part.value)
        case Use():
            return f"v{part.value}"
        case Batch():
            return "batch"
        case _:
            raise AssertionError(part)


def text_of(view: CallView) -> str:
    """The form as text; a layer is called where it is made."""
    written = form_of(view.call.op)(view)
    return render(Apply(written.constructor, written.arguments) if isinstance(written, Layer) else written, leaf)


def evaluated(text: str, values: list[torch.Tensor], batch: int, **more: Any) -> Any:
    named = {f"v{number}": value for number, value in enumerate(values)}
    scope = {"torch": torch, "nn": nn, "F": F, **vars(prelude), **named, "batch": batch, "self": Untrained(), **more}
    return eval(text, scope)


class Untrained:
    """What `self` is in an expression that asks whether the model is in training."""

    training = False


def drawn(view: CallView, count: int) -> list[torch.Tensor]:
    """Random inputs. Whole numbers are in range where they are places, and elsewhere nothing that could not divide."""
    return [random_tensor(type_, 0 if view.call.op.name == "index" else 1) for type_ in view.types[:count]]


def random_tensor(type_: TensorType, lowest: int = 1) -> torch.Tensor:
    shape = tuple(int(size) for size in type_.shape)  # type: ignore[arg-type]
    match type_.dtype:
        case "int64":
            return torch.randint(lowest, lowest + 2, shape)
        case "bool":
            return torch.rand(shape) > 0.5
        case "complex":
            return torch.randn(shape, dtype=torch.complex64)
        case dtype:
            return torch.randn(shape).to(DTYPES[dtype])


def flat(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple | list) else [result]


def results_of(view: CallView) -> list[tuple[tuple[Any, ...], torch.dtype]]:
    return [(type_.shape, DTYPES[type_.dtype]) for type_ in view.call.outputs]


def as_given(structure: Any, values: list[torch.Tensor]) -> Any:
    """Inputs in the form in which a reference takes them."""
    if isinstance(structure, tuple):
        return [as_given(inner, values) for inner in structure]
    return structure.value if isinstance(structure, Scalar) else values[structure]


def copied(target: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    target.load_state_dict(dict(state))
    target.eval()


def changed(layer: nn.Module) -> nn.Module:
    """A layer whose state is not what it begins with."""
    with torch.no_grad():
        for tensor in layer.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor))
    return layer.eval()


def view_at(case: Case, batch: Any) -> CallView:
    tensors, settings = case.at_batch(batch)
    return view_of(case.op, *tensors, **settings)


@pytest.mark.parametrize("case", COMPUTED, ids=BY_NAME)
def test_forms_compute_what_the_rules_say_at_any_batch(case: Case) -> None:
    torch.manual_seed(0)
    free = view_at(case, BATCH)
    written = form_of(free.call.op)(free)
    for batch in (3, 2):
        view = view_at(case, batch)
        values = drawn(view, view.call.first_output)
        if isinstance(written, Layer):
            layer = changed(evaluated(render(written.constructor, leaf), [], batch))
            arguments = [evaluated(render(argument, leaf), values, batch) for argument in written.arguments]
            found = layer(*arguments)
            parameters = free.call.parameters
            state = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in layer.state_dict().items()}
            assert {p.name: (p.shape, DTYPES[p.dtype]) for p in parameters} == state
            assert {p.name for p in parameters if p.trainable} == {name for name, _ in layer.named_parameters()}
            held = {name: tensor for name, tensor in layer.state_dict().items()}
            functional = render(written.functional({name: Raw(f"held_{name}") for name in held}), leaf)
            named = {f"held_{name}": tensor for name, tensor in held.items()}
            torch.testing.assert_close(evaluated(functional, values, batch, **named), found, equal_nan=True)
        else:
            layer, found = None, evaluated(render(written, leaf), values, batch)
        assert results_of(view) == [(tuple(t.shape), t.dtype) for t in flat(found)]
        if case.reference is None or case.op in DRAWN or batch == 2:
            continue
        reference = case.reference()
        if isinstance(reference, nn.Module) and layer is not None:
            copied(reference, layer.state_dict())
        expected = reference(*(as_given(structure, values) for structure in view.call.inputs))
        torch.testing.assert_close(flat(found), flat(expected), atol=1e-5, rtol=1e-5, equal_nan=True)


def test_every_op_has_a_form() -> None:
    without = []
    for op in ops().values():
        try:
            form_of(op)
        except (LookupError, ModuleNotFoundError):
            without.append(op.name)
    assert sorted(WRITTEN_BY_EMISSION) == sorted(without)
