"""What the rules say of arguments that do not fit: the message, the arguments it points at, and the kind."""

from typing import Any

import pytest

from archdsl_compiler.ops.contract import OpFault, Undetermined
from archdsl_compiler.ops.registry import ops
from archdsl_compiler.sizes import BATCH, unknown
from archdsl_compiler.types import TensorType

c, h = unknown("c"), unknown("h")
MAP = TensorType((BATCH, 64, 56, 56))
HEADS = TensorType((BATCH, 14, 8, 2, 32))


def x(*shape: Any, dtype: str = "real") -> TensorType:
    return TensorType(shape, dtype)


def int64(*shape: Any) -> TensorType:
    return TensorType(shape, "int64")


FAULTS: list[tuple[str, tuple[Any, ...], dict[str, Any], str, tuple[str, ...], str]] = [
    # Where the places of a map stand in a parameter.
    (
        "param",
        (),
        {"shape": (1, 197, 8), "resize": "(h w) c"},
        "pattern",
        ("resize", "shape"),
        '"(h w) c" names 2 axes, the parameter has 3',
    ),
    (
        "param",
        (),
        {"shape": (196, 8), "resize": "(n m) c"},
        "pattern",
        ("resize",),
        '`(n m)` stands in "(n m) c"',
    ),
    (
        "param",
        (),
        {"shape": (196, 8), "resize": "n c"},
        "pattern",
        ("resize",),
        '"n c" does not name the places of a map',
    ),
    (
        "param",
        (),
        {"shape": (2, 196), "resize": "1 (h w)"},
        "pattern",
        ("resize", "shape"),
        'the axis that "1 (h w)" writes as 1 is 2',
    ),
    ("param", (), {"shape": (4,), "resize": "(h w"}, "pattern", ("resize",), 'a `(` in "(h w" is not closed'),
    (
        "param",
        (),
        {"shape": (14, 14), "resize": "h w", "prefix": 1},
        "value",
        ("prefix", "resize"),
        '"h w" has no axis with rows before its places',
    ),
    (
        "param",
        (),
        {"shape": (4,), "prefix": 1},
        "value",
        ("prefix",),
        "`prefix` counts rows before the places that `resize` names",
    ),
    # Both sides are named.
    (
        "add",
        (MAP, x(BATCH, 32, 56, 56)),
        {},
        "broadcast",
        ("left", "right"),
        "[batch, 64, 56, 56] and [batch, 32, 56, 56] do not broadcast: axis 1 is 64 on the left and 32 on the right",
    ),
    (
        "multiply",
        (x(BATCH, 64), x(32)),
        {},
        "broadcast",
        ("left", "right"),
        "[batch, 64] and [32] do not broadcast: axis -1 is 64 on the left and 32 on the right",
    ),
    (
        "add",
        (x(BATCH, 8), x(5, 8)),
        {},
        "broadcast",
        ("left", "right"),
        "[batch, 8] and [5, 8] do not broadcast: axis 0 is batch on the left and 5 on the right",
    ),
    (
        "where",
        (x(BATCH, 4, dtype="bool"), x(BATCH, 5), 0),
        {},
        "broadcast",
        ("condition", "a", "b"),
        "bool[batch, 4] and [batch, 5] do not broadcast: axis 1 is 4 on the left and 5 on the right",
    ),
    (
        "matmul",
        (x(BATCH, 5, 6), x(BATCH, 5, 6)),
        {},
        "mismatch",
        ("left", "right"),
        "[batch, 5, 6] @ [batch, 5, 6] does not fit: "
        "the last axis on the left is 6, the second last axis on the right is 5",
    ),
    (
        "concat",
        ([MAP, x(BATCH, 32, 56, 56)],),
        {"axis": 2},
        "mismatch",
        ("tensors",),
        "number 1 of `tensors` is [batch, 32, 56, 56], number 0 is [batch, 64, 56, 56]: axis 1 is 32 and 64",
    ),
    (
        "einsum",
        ([x(BATCH, 4), x(BATCH, 5)],),
        {"pattern": "bi,bi->b"},
        "mismatch",
        ("tensors", "pattern"),
        "`i` is 4 in tensor 0 and 5 in tensor 1 of the pattern `bi,bi->b`",
    ),
    # Divisors.
    (
        "conv",
        (x(BATCH, 30, 8, 8),),
        {"out": 32, "kernel": 3, "groups": 4},
        "divisibility",
        ("groups", "x"),
        "`groups=4` does not divide the 30 input channels",
    ),
    (
        "conv",
        (x(BATCH, 30, 8, 8),),
        {"out": 32, "kernel": 3, "groups": 30},
        "divisibility",
        ("groups", "out"),
        "`groups=30` does not divide `out=32`",
    ),
    (
        "group_norm",
        (MAP,),
        {"groups": 48},
        "divisibility",
        ("groups", "x"),
        "`groups=48` does not divide the 64 channels",
    ),
    (
        "split",
        (MAP,),
        {"parts": 3, "axis": 1},
        "divisibility",
        ("parts", "x"),
        "`parts=3` does not divide the 64 along axis 1 of [batch, 64, 56, 56]",
    ),
    (
        "reshape",
        (x(BATCH, 12),),
        {"shape": (BATCH, 5, -1)},
        "divisibility",
        ("shape", "x"),
        "`shape=[batch, 5, -1]` leaves no size for -1: 5 * batch does not divide the 12 * batch numbers of [batch, 12]",
    ),
    # Sizes that are not there.
    (
        "conv",
        (x(BATCH, 3, 8, 8),),
        {"out": 8, "kernel": 9, "padding": 0},
        "size",
        ("kernel", "x"),
        "the kernel [9, 9] covers 9 places, but axis 2 of [batch, 3, 8, 8] has only 8 places",
    ),
    (
        "max_pool",
        (x(BATCH, 3, 1, 8),),
        {"kernel": 4, "padding": 1},
        "size",
        ("kernel", "x"),
        "the kernel [4, 4] covers 4 places, but axis 2 of [batch, 3, 1, 8] has only 3 places with its padding",
    ),
    (
        "conv_transpose",
        (x(BATCH, 3, 1),),
        {"out": 3, "kernel": 1, "padding": 1},
        "size",
        ("padding", "x"),
        "axis 2 of the result would be -1, but a size is at least 1",
    ),
    (
        "zeros",
        (),
        {"shape": (3, 0)},
        "size",
        ("shape",),
        "axis 1 of `shape=[3, 0]` would be 0, but a size is at least 1",
    ),
    (
        "zeros",
        (),
        {"shape": (BATCH - 3,)},
        "size",
        ("shape",),
        "axis 0 of `shape=[batch - 3]` would be batch - 3, which is not at least 1 for every batch",
    ),
    (
        "param",
        (),
        {"shape": (BATCH, 3)},
        "size",
        ("shape",),
        "the parameter would have the shape [batch, 3], which depends on the batch",
    ),
    (
        "linear",
        (x(4, BATCH),),
        {"out": 3},
        "size",
        ("x",),
        "the parameter `weight` would have the shape [3, batch], which depends on the batch",
    ),
    (
        "top_k",
        (x(BATCH, 4),),
        {"k": 5, "axis": 1},
        "size",
        ("k", "x"),
        "`k=5` is more than the 4 along axis 1 of [batch, 4]",
    ),
    # Queries, keys and values that do not meet.
    (
        "scaled_dot_product",
        (x(BATCH, 2, 5, 4), x(BATCH, 5, 4), x(BATCH, 2, 5, 4)),
        {},
        "mismatch",
        ("k", "q"),
        "attention takes tensors of one dtype with as many axes; `q` is [batch, 2, 5, 4], `k` is [batch, 5, 4]",
    ),
    (
        "scaled_dot_product",
        (x(BATCH, 2, 5, 4), x(BATCH, 2, 6, 4), x(BATCH, 2, 7, 4)),
        {},
        "mismatch",
        ("v", "k"),
        "axis 2 of `v`, which is [batch, 2, 7, 4], must be 6; `q` is [batch, 2, 5, 4], `k` is [batch, 2, 6, 4]",
    ),
    (
        "scaled_dot_product",
        (x(BATCH, 2, 5, 4), x(BATCH, 2, 6, 4), x(BATCH, 2, 6, 4), x(3, 5, 6)),
        {},
        "broadcast",
        ("bias", "q"),
        "`bias` is [3, 5, 6], which does not broadcast to the scores, [batch, 2, 5, 6]",
    ),
    # Neighbours that are not there.
    (
        "neighborhood_attention",
        (HEADS, HEADS, HEADS),
        {"kernel": 4},
        "value",
        ("kernel",),
        "`kernel=4` is even, so no place is in the middle of its neighbours",
    ),
    (
        "neighborhood_attention",
        (HEADS, HEADS, HEADS),
        {"kernel": (7, 9)},
        "size",
        ("kernel", "q"),
        "the kernel [7, 9] needs 9 places along axis 2, but the map [batch, 14, 8, 2, 32] has only 8",
    ),
    (
        "neighborhood_attention",
        (HEADS, HEADS, HEADS),
        {"kernel": 3, "dilation": (1, 3)},
        "size",
        ("kernel", "dilation", "q"),
        "the kernel [3, 3] with dilation 3 needs 9 places along axis 2, but the map [batch, 14, 8, 2, 32] has only 8",
    ),
    (
        "neighborhood_attention",
        (HEADS, HEADS, HEADS),
        {"kernel": 3, "dilation": 0},
        "value",
        ("dilation",),
        "`dilation=0` must be at least 1",
    ),
    (
        "neighborhood_attention",
        (HEADS, x(BATCH, 14, 8, 1, 32), HEADS),
        {"kernel": 3},
        "mismatch",
        ("k", "q"),
        "`q` is [batch, 14, 8, 2, 32] and `k` is [batch, 14, 8, 1, 32]: axis 3 is 2 and 1",
    ),
    (
        "neighborhood_attention",
        (HEADS, HEADS, x(BATCH, 14, 8, 2, 32, dtype="float16")),
        {"kernel": 3},
        "dtype",
        ("v", "q"),
        "`q` is [batch, 14, 8, 2, 32] and `v` is float16[batch, 14, 8, 2, 32]; they must have one dtype",
    ),
    (
        "neighborhood_attention",
        (HEADS, HEADS, HEADS, x(2, 3, 5)),
        {"kernel": (3, 5)},
        "mismatch",
        ("bias", "kernel"),
        "`bias` is [2, 3, 5]; a kernel of 3 by 5 has 5 by 9 offsets, and `q` has 2 heads",
    ),
    (
        "neighborhood_attention",
        tuple(x(4, BATCH, 8, 2, 32) for _ in "qkv"),
        {"kernel": 1},
        "size",
        ("q",),
        "axis 1 of `q`, batch, depends on the batch, and with it the places that are asked",
    ),
    (
        "neighborhood_attention",
        (x(BATCH, 14, 64), HEADS, HEADS),
        {"kernel": 3},
        "rank",
        ("q",),
        "`q` must be [b, h, w, heads, d]; it is [batch, 14, 64] with 3 axes",
    ),
    # Ranks and axes.
    (
        "conv",
        (x(BATCH, 3),),
        {"out": 8, "kernel": 3},
        "rank",
        ("x",),
        "`x` must be [b, c, size...] with one to three sizes; it is [batch, 3] with 2 axes",
    ),
    (
        "conv",
        (x(BATCH, 3, 8),),
        {"out": 8, "kernel": (3, 3)},
        "rank",
        ("kernel", "x"),
        "`kernel=[3, 3]` has 2 numbers, `x` has 1 spatial axis",
    ),
    (
        "softmax",
        (x(BATCH, 4),),
        {"axis": 2},
        "axis",
        ("axis", "x"),
        "`axis=2` is out of range for [batch, 4], which has 2 axes",
    ),
    ("mean", (x(BATCH, 4),), {"axes": (1, -1)}, "axis", ("axes",), "`axes=[1, -1]` names one axis twice"),
    (
        "batch_norm",
        (MAP,),
        {"axis": 0},
        "axis",
        ("axis",),
        "`axis=0` is the batch, over which the statistics are taken",
    ),
    # Indices.
    (
        "index",
        (x(BATCH, 4),),
        {"places": ("all", 4)},
        "axis",
        ("places", "x"),
        "place 4 is outside axis 1 of [batch, 4], which has 4",
    ),
    (
        "index",
        (x(BATCH, 4),),
        {"places": (5,)},
        "axis",
        ("places", "x"),
        "place 5 is outside axis 0 of [batch, 4], which has batch",
    ),
    (
        "index",
        (x(BATCH, 4),),
        {"places": ("all", ("slice", 3, 3))},
        "size",
        ("places", "x"),
        "`3:3` takes nothing from axis 1 of [batch, 4], which has 4",
    ),
    (
        "index",
        (x(BATCH, 4),),
        {"places": ("all", ("range", 0, 5, 1))},
        "axis",
        ("places", "x"),
        "`0..<5` reaches outside axis 1 of [batch, 4], which has 4",
    ),
    (
        "index",
        (x(BATCH, 4),),
        {"places": ("all", "all", 0)},
        "rank",
        ("places", "x"),
        "[batch, 4] has 2 axes, the index names 3",
    ),
    (
        "index",
        (x(4, 5), x(3)),
        {"places": ("tensor",)},
        "dtype",
        ("at",),
        "an index must be an int64 tensor; it is real[3]",
    ),
    # Dtypes.
    ("gelu", (int64(BATCH, 4),), {}, "dtype", ("x",), "`x` must hold real numbers; it is int64[batch, 4]"),
    ("mean", (int64(BATCH, 4),), {"axes": 1}, "dtype", ("x",), "the mean of int64[batch, 4] is not of its dtype"),
    ("where", (MAP, 1, 0), {}, "dtype", ("condition",), "`condition` must hold booleans; it is [batch, 64, 56, 56]"),
    (
        "matmul",
        (x(4, 4), int64(4, 4)),
        {},
        "dtype",
        ("left", "right"),
        "a product takes two tensors of one dtype; they are [4, 4] and int64[4, 4]",
    ),
    (
        "less",
        (x(4, dtype="complex"), 0),
        {},
        "dtype",
        ("left",),
        "`<` takes no complex numbers; this is complex[4]",
    ),
    # Values.
    ("conv", (MAP,), {"out": 8, "kernel": 3, "stride": 0}, "value", ("stride",), "`stride=0` must be at least 1"),
    (
        "conv",
        (MAP,),
        {"out": 8, "kernel": 3, "padding": "valid"},
        "value",
        ("padding",),
        '`padding="valid"` is not known; padding is numbers or "same"',
    ),
    (
        "avg_pool",
        (MAP,),
        {"kernel": 2, "padding": 2},
        "value",
        ("padding", "kernel"),
        "`padding=2` is more than half of `kernel=2`",
    ),
    ("dropout", (MAP,), {"rate": 1.5}, "value", ("rate",), "`rate=1.5` must lie in 0 to 1"),
    (
        "resize",
        (MAP,),
        {"size": 7, "mode": "cubic"},
        "value",
        ("mode",),
        '`mode` cannot be "cubic"',
    ),
    (
        "split",
        (x(BATCH, 4),),
        {"parts": BATCH, "axis": 0},
        "value",
        ("parts",),
        "`parts=batch` depends on the batch, which stays free",
    ),
    ("power", (int64(4), -1), {}, "value", ("right", "left"), "whole numbers to the power of -1 are not whole"),
]


@pytest.mark.parametrize(("name", "tensors", "settings", "kind", "arguments", "message"), FAULTS)
def test_faults_say_what_does_not_fit(
    name: str, tensors: tuple[Any, ...], settings: dict[str, Any], kind: str, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(OpFault) as caught:
        ops()[name].rule(*tensors, **settings)
    assert (caught.value.message, caught.value.arguments, caught.value.kind) == (message, arguments, kind)
    assert caught.value.label


def test_what_open_sizes_leave_open_is_no_fault() -> None:
    with pytest.raises(Undetermined) as caught:
        ops()["split"].rule(x(BATCH, c), parts=c // 4, axis=1)
    assert caught.value.argument == "parts"
