"""What rules say beside what PyTorch can confirm: open sizes, initial values, resolved settings."""

from typing import Any

import pytest

from archdsl_compiler.ops.contract import Inferred, InitialValue, Parameter
from archdsl_compiler.ops.registry import ops
from archdsl_compiler.sizes import BATCH, Size, unknown
from archdsl_compiler.types import TensorType

c, h, k = unknown("c"), unknown("h"), unknown("k")


def infer(name: str, *tensors: Any, **settings: Any) -> Inferred:
    return ops()[name].rule(*tensors, **settings)


def x(*shape: Size, dtype: str = "real") -> TensorType:
    return TensorType(shape, dtype)


@pytest.mark.parametrize(
    ("name", "shape", "settings", "expected"),
    [
        ("conv", (BATCH, c, h, h), {"out": c, "kernel": 3}, (BATCH, c, h, h)),
        (
            "conv",
            (BATCH, c, h, h),
            {"out": 2 * c, "kernel": 3, "stride": 2},
            (BATCH, 2 * c, (h + 1) // 2, (h + 1) // 2),
        ),
        ("conv", (BATCH, 3, h), {"out": 8, "kernel": 16, "stride": 16}, (BATCH, 8, h // 16)),
        ("conv", (BATCH, c, h), {"out": c, "kernel": 7, "dilation": 3, "groups": c}, (BATCH, c, h)),
        ("conv", (BATCH, c, h), {"out": c, "kernel": 3, "stride": 2, "padding": "same"}, (BATCH, c, (h + 1) // 2)),
        ("max_pool", (BATCH, c, h), {"kernel": 3, "stride": 2, "padding": 1}, (BATCH, c, (h + 1) // 2)),
        ("avg_pool", (BATCH, c, h), {"kernel": 2, "ceil": True}, (BATCH, c, (h + 1) // 2)),
        ("conv_transpose", (BATCH, c, h), {"out": c, "kernel": 2, "stride": 2}, (BATCH, c, 2 * h)),
        ("pad", (BATCH, h), {"after": c, "axes": 1}, (BATCH, h + c)),
        ("index", (BATCH, h + 4), {"places": ("all", ("slice", None, h))}, (BATCH, h)),
        ("index", (BATCH, h), {"places": ("all", ("slice", 1, None))}, (BATCH, h - 1)),
        ("index", (BATCH, h), {"places": ("all", ("range", 0, h, 2))}, (BATCH, (h + 1) // 2)),
        ("index", (BATCH, h), {"places": (-1,)}, (h,)),
        ("add", (c, 1), {}, (c, 4)),
        ("pixel_shuffle", (BATCH, 4 * c, h, h), {"factor": 2}, (BATCH, c, 2 * h, 2 * h)),
        ("linear", (BATCH, h, c), {"out": 3 * c}, (BATCH, h, 3 * c)),
    ],
)
def test_open_sizes_pass_through(
    name: str, shape: tuple[Size, ...], settings: dict[str, Any], expected: tuple[Size, ...]
) -> None:
    tensors = [x(*shape), x(4)] if name == "add" else [x(*shape)]
    assert infer(name, *tensors, **settings).result == x(*expected)


def test_an_open_size_that_meets_a_number_becomes_it() -> None:
    assert infer("add", x(BATCH, c), x(64)).result == x(BATCH, 64)
    assert infer("concat", [x(BATCH, c), x(BATCH, 64)], axis=0).result == x(2 * BATCH, 64)


def test_neighbours_of_open_sizes() -> None:
    q, v = x(BATCH, h, h, k, c), x(BATCH, h, 14, k, 2 * c)
    found = infer("neighborhood_attention", q, q, v, x(k, 13, 13), kernel=7, dilation=2)
    assert found == Inferred(v, (), BATCH * h * h * k * 49 * 3 * c, {"kernel": (7, 7), "dilation": (2, 2)})
    assert infer("neighborhood_attention", q, q, q, kernel=2 * c + 1).result == q


def test_costs_hold_at_any_batch() -> None:
    assert infer("linear", x(BATCH, 4, 8), out=16).macs == BATCH * 512
    assert infer("conv", x(BATCH, 8, 6, 6), out=8, kernel=3, groups=8).macs == BATCH * (8 * 36 * 9)
    assert infer("conv", x(BATCH, c, 6), out=c, kernel=1).macs == BATCH * c * c * 6
    assert infer("gelu", x(BATCH, 4)).macs == 0


def test_initial_values_reach_their_parameter() -> None:
    start = InitialValue("trunc_normal", 0.02)
    linear = infer("linear", x(BATCH, 8), out=4, init=start, init_bias=0.0)
    assert linear.parameters == (Parameter("weight", (4, 8), start), Parameter("bias", (4,), 0.0))
    norm = infer("layer_norm", x(BATCH, 8), init=0.0, bias=False)
    assert norm.parameters == (Parameter("weight", (8,), 0.0),)
    assert infer("conv", x(BATCH, 8, 4), out=4, kernel=1, bias=False).parameters == (Parameter("weight", (4, 8, 1)),)


def test_batch_norm_keeps_what_it_saw() -> None:
    assert infer("batch_norm", x(BATCH, 7, 8), axis=-1, init=0.0).parameters == (
        Parameter("weight", (8,), 0.0),
        Parameter("bias", (8,)),
        Parameter("running_mean", (8,), 0.0, trainable=False),
        Parameter("running_var", (8,), 1.0, trainable=False),
        Parameter("num_batches_tracked", (), 0, trainable=False, dtype="int64"),
    )


def test_norms_have_the_size_of_their_axis() -> None:
    assert infer("layer_norm", x(BATCH, 7, 8), axis=1, bias=False).parameters == (Parameter("weight", (7,)),)
    assert infer("rms_norm", x(BATCH, 7, 8)).parameters == (Parameter("weight", (8,)),)


def test_parameters_and_buffers_are_named_by_their_label() -> None:
    start = InitialValue("normal", 0.02)
    assert infer("param", shape=(3, 4), init=start) == Inferred(x(3, 4), (Parameter("", (3, 4), start),))
    assert infer("param", shape=(3,), dtype="float16") == Inferred(
        x(3, dtype="float16"), (Parameter("", (3,), 0.0, dtype="float16"),)
    )
    table = x(3, dtype="int64")
    assert infer("buffer", table, saved=True) == Inferred(table, (Parameter("", (3,), trainable=False, dtype="int64"),))
    assert infer("buffer", table) == Inferred(table)


def test_initial_values_are_values() -> None:
    assert ops()["normal"].rule() == InitialValue("normal", 0.02)
    assert ops()["trunc_normal"].rule(std=0.1) == InitialValue("trunc_normal", 0.1)
    assert ops()["uniform"].rule(limit=0.5) == InitialValue("uniform", 0.5)
    assert ops()["kaiming_uniform"].rule(a=2) == InitialValue("kaiming_uniform", 2)
    assert ops()["kaiming_normal"].rule() == InitialValue("kaiming_normal", 0.0)
    assert ops()["kaiming_normal_out"].rule(a=1) == InitialValue("kaiming_normal_out", 1)
    assert ops()["xavier_uniform"].rule() == InitialValue("xavier_uniform", 1.0)
    assert ops()["identity"].rule() == InitialValue("identity", ())
    assert ops()["values"].rule(numbers=[[1, 2], [3, 4.5]]) == InitialValue("values", ((1.0, 2.0), (3.0, 4.5)))


def test_a_parameter_over_a_map_says_where_its_places_are() -> None:
    table = infer("param", shape=(1, 197, 8), resize="1 (h w) c", prefix=1).parameters
    assert table == (Parameter("", (1, 197, 8), 0.0, resize="1 (h w) c", prefix=1),)
    for pattern, shape in (("(h w) heads", (169, 3)), ("heads (h w)", (3, 169)), ("1 h w c", (1, 14, 14, 8))):
        assert infer("param", shape=shape, resize=pattern).parameters == (Parameter("", shape, 0.0, resize=pattern),)


@pytest.mark.parametrize(
    ("kernel", "dilation", "expected"),
    [(3, 1, (1, 1)), (7, 3, (9, 9)), (2, 1, (0, 0)), ((1, 5), 1, (0, 2)), ((4, 3), (1, 2), (0, 2))],
)
def test_padding_follows_the_kernel(kernel: Any, dilation: Any, expected: tuple[int, ...]) -> None:
    found = infer("conv", x(BATCH, 4, 32, 32), out=4, kernel=kernel, dilation=dilation)
    assert found.resolved["padding"] == expected


def test_same_padding_is_a_pair_where_its_ends_differ() -> None:
    assert infer("conv", x(BATCH, 4, 32), out=4, kernel=3, stride=2, padding="same").resolved["padding"] == ((0, 1),)
    assert infer("conv", x(BATCH, 4, 32), out=4, kernel=3, padding="same").resolved["padding"] == (1,)
    assert infer("max_pool", x(BATCH, 4, 32), kernel=3, stride=2, padding="same").resolved == {
        "kernel": (3,),
        "stride": (2,),
        "padding": ((0, 1),),
    }


def test_resolved_settings_are_counted_from_the_front() -> None:
    assert infer("softmax", x(BATCH, 4, 5), axis=-1).resolved == {"axis": 2}
    assert infer("mean", x(BATCH, 4, 5), axes=(-1, 1)).resolved == {"axes": (2, 1)}
    places = ("rest", -1, ("slice", -3, None))
    assert infer("index", x(BATCH, 4, 5), places=places).resolved == {"places": ("all", 3, (2, 5, 1))}


def test_resize_names_the_mode_of_torch() -> None:
    modes = [
        infer("resize", x(*shape), size=7).resolved["mode"] for shape in [(1, 2, 3), (1, 2, 3, 4), (1, 2, 3, 4, 5)]
    ]
    assert modes == ["linear", "bilinear", "trilinear"]


def test_slots_tell_what_may_stand_there() -> None:
    kinds = {
        name: [(s.name, s.many, s.optional, s.number) for s in ops()[name].tensors]
        for name in ("add", "index", "concat", "add_all")
    }
    assert kinds == {
        "add": [("left", False, False, True), ("right", False, False, True)],
        "index": [("x", False, False, False), ("at", False, True, False)],
        "concat": [("tensors", True, False, False)],
        "add_all": [("tensors", True, False, True)],
    }
