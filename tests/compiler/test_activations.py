"""Activation memory, counted by hand on small graphs."""

import pytest

import archdsl
from archdsl_compiler.activations import activation_bytes, tensor_bytes
from archdsl_compiler.sizes import BATCH
from archdsl_compiler.types import TensorType


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (TensorType((BATCH, 3, 8)), 96),
        (TensorType((2 * BATCH, 3), "float16"), 12),
        (TensorType((5,), "int64"), 40),
        (TensorType((5,), "bool"), 5),
        (TensorType((), "complex"), 8),
    ],
)
def test_a_tensor_is_that_of_one_picture(type_, expected):
    assert expected == tensor_bytes(type_)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return x |> relu()", 4 * 3 * 16),
        ("return x + relu(x)", 2 * 4 * 3 * 16),
        ('return rearrange(x, "b c h w -> b (h w) c")', 0),
        ("return x |> drop_path(0.1)", 0),
        ("return x |> conv(5, 1) as conv", 4 * 5 * 16),
        ("let mask = where(arange(4) > 1, 1.0, 0.0)\n  return x * mask", 4 * 3 * 16),
        ("let scale = param([4]) as scale\n  return x * (scale + 1.0)", 4 * 4 + 4 * 3 * 16),
        ("for i in 0..<3 {\n    x = x |> part() as parts[i]\n  }\n  return x", 3 * 2 * 4 * 3 * 16),
    ],
)
def test_a_module_is_what_its_ops_compute(tmp_path, body, expected):
    path = tmp_path / "net.arch"
    part = "mixer part()(x: [b, c, h, w]) {\n  return gelu(relu(x))\n}\n"
    path.write_text(f"{part}model net()(x: [b, 3, 4, 4]) {{\n  {body}\n}}\n", encoding="utf-8")
    module = archdsl.elaborate(archdsl.load(path), "net")
    known = {}
    assert expected == activation_bytes(module, known)
    assert expected == known[module]
