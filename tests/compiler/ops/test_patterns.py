"""Patterns: what they parse to, and what they solve to, by hand and against reshape and permute."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl_compiler.ops.contract import OpFault
from archdsl_compiler.ops.patterns import Axis, Pattern, parse, parse_einsum, solve
from archdsl_compiler.sizes import BATCH, Size, unknown
from archdsl_compiler.types import TensorType


def solved(pattern: str, *shape: Size, repeats: bool = False, **sizes: Size) -> tuple[Size, ...]:
    return solve(parse(pattern, repeats=repeats), TensorType(shape), sizes, pattern).shape


def test_parsing_gives_both_sides() -> None:
    left = (Axis(("b",)), Axis(("h", "w"), True), Axis(()))
    right = (Axis(("b", "w"), True), Axis(()), Axis(("h",)))
    assert parse("b (h w) 1 -> (b w) 1 h") == Pattern(left, right)


def test_spaces_around_parentheses_do_not_matter() -> None:
    assert parse("b (h w)->b h w") == parse(" b ( h  w )  ->  b h w ")


@pytest.mark.parametrize(
    ("pattern", "shape", "sizes", "expected"),
    [
        ("b c h w -> b (h w) c", (2, 3, 4, 5), {}, (2, 20, 3)),
        ("b (h w) c -> b c h w", (2, 20, 3), {"h": 4}, (2, 3, 4, 5)),
        ("b (h w) c -> b c h w", (2, 20, 3), {"h": 4, "w": 5}, (2, 3, 4, 5)),
        ("b n (three h d) -> three b h n d", (2, 9, 24), {"three": 3, "h": 4}, (3, 2, 4, 9, 2)),
        ("b (y p) (x q) c -> (b y x) (p q) c", (2, 6, 8, 5), {"p": 3, "q": 4}, (8, 12, 5)),
        ("c -> c 1 1", (7,), {}, (7, 1, 1)),
        ("b 1 c -> b c", (2, 1, 7), {}, (2, 7)),
        ("b (1 c) -> b c", (2, 7), {}, (2, 7)),
        ("b c () -> b c", (2, 7, 1), {}, (2, 7)),
        ("b ... c -> b c ...", (2, 3, 4, 5), {}, (2, 5, 3, 4)),
        ("b ... c -> b c ...", (2, 5), {}, (2, 5)),
        ("b c ... -> b (...) c", (2, 3, 4, 5), {}, (2, 20, 3)),
        ("... -> (...)", (2, 3, 4), {}, (24,)),
        ("n -> n", (7,), {"n": 7}, (7,)),
        ("b n (h d) -> b h n d", (BATCH, 196, 192), {"h": 3}, (BATCH, 3, 196, 64)),
        ("(b n) c -> b n c", (BATCH * 49, 8), {"b": BATCH}, (BATCH, 49, 8)),
        ("(b y x) n c -> b y x n c", (BATCH * 64, 49, 8), {"y": 8, "x": 8}, (BATCH, 8, 8, 49, 8)),
        ("b h w c -> (b h) w c", (BATCH, 14, 14, 8), {}, (BATCH * 14, 14, 8)),
        ("b (h d) -> b h d", (BATCH, unknown("c")), {"h": 4}, (BATCH, 4, unknown("c") // 4)),
    ],
)
def test_sizes_follow(
    pattern: str, shape: tuple[Size, ...], sizes: dict[str, Size], expected: tuple[Size, ...]
) -> None:
    assert solved(pattern, *shape, **sizes) == expected


@pytest.mark.parametrize(
    ("pattern", "shape", "sizes", "expected"),
    [
        ("n c -> n k c", (5, 6), {"k": 4}, (5, 4, 6)),
        ("y -> (y x)", (5,), {"x": 3}, (15,)),
        ("s -> (before s after)", (5,), {"before": 2, "after": 3}, (30,)),
        ("... -> r ...", (5, 6), {"r": BATCH}, (BATCH, 5, 6)),
    ],
)
def test_repeats_bring_sizes(
    pattern: str, shape: tuple[Size, ...], sizes: dict[str, Size], expected: tuple[Size, ...]
) -> None:
    assert solved(pattern, *shape, repeats=True, **sizes) == expected


@pytest.mark.parametrize(
    ("pattern", "shape", "sizes", "message"),
    [
        ("b c", (2, 3), {}, 'the pattern "b c" needs one `->`'),
        ("b -> c -> b", (2,), {}, 'the pattern "b -> c -> b" needs one `->`'),
        ("b c -> b", (2, 3), {}, '`c` is only on the left of "b c -> b"'),
        ("b -> b c", (2,), {}, '`c` is only on the right of "b -> b c"'),
        ("b ... -> b", (2, 3), {}, '`...` is only on the left of "b ... -> b"'),
        ("b b -> b", (2, 2), {}, '`b` stands twice on one side of "b b -> b"'),
        ("... a ... -> a ...", (2, 2), {}, '`...` stands twice on one side of "... a ... -> a ..."'),
        ("(b ...) -> b ...", (6,), {"b": 2}, '`...` stands in parentheses on the left of "(b ...) -> b ..."'),
        ("(a (b c)) -> a b c", (6,), {}, 'parentheses stand in parentheses in "(a (b c)) -> a b c"'),
        ("(a b -> a b", (6,), {"a": 2}, 'a `(` in "(a b -> a b" is not closed'),
        ("a b) -> a b", (6,), {"a": 2}, 'a `)` in "a b) -> a b" closes nothing'),
        ("a + b -> a b", (6,), {}, '`+` has no meaning in the pattern "a + b -> a b"'),
        ("(a 2) -> a", (6,), {}, '`2` stands in the pattern "(a 2) -> a"'),
        ("a b -> b a", (2, 3, 4), {}, 'the left of "a b -> b a" has 2 axes, `x` is [2, 3, 4] with 3'),
        ("a b ... -> b a ...", (2,), {}, 'the left of "a b ... -> b a ..." has at least 2 axes, `x` is [2] with 1'),
        ("a -> a", (2,), {"k": 3}, 'the pattern "a -> a" has no axis `k`'),
        ("(a b) -> a b", (6,), {}, "axis 0 of [6] is (a b), and `a` and `b` have no size"),
        ("(a b) -> a b", (6,), {"a": 4}, "`a=4` does not divide 6, axis 0 of [6], which the pattern writes as (a b)"),
        (
            "(a b) -> a b",
            (6,),
            {"a": 2, "b": 2},
            "axis 0 of [6] is 6, but in the pattern it is `a=2 * b=2`, which is 4",
        ),
        ("a -> a", (6,), {"a": 2}, "axis 0 of [6] is 6, but in the pattern it is `a=2`"),
        ("a 1 -> a", (6, 2), {}, "axis 1 of [6, 2] is 2, but in the pattern it is `1`"),
        (
            "(b two) -> b two",
            (BATCH,),
            {"two": 2},
            "`two=2` does not divide batch, axis 0 of [batch], which the pattern writes as (b two)",
        ),
        ("a -> a", (6,), {"a": 0}, "`a=0` must be at least 1"),
    ],
)
def test_faults_are_named(pattern: str, shape: tuple[Size, ...], sizes: dict[str, Size], message: str) -> None:
    with pytest.raises(OpFault) as caught:
        solved(pattern, *shape, **sizes)
    assert caught.value.message == message


def test_a_repeat_needs_its_size() -> None:
    with pytest.raises(OpFault) as caught:
        solved("n -> n k", 3, repeats=True)
    assert caught.value.message == '"n -> n k" needs the size of `k`'


def test_a_pattern_has_a_limit() -> None:
    with pytest.raises(OpFault) as caught:
        solved("a " * 1000 + "->", 3)
    assert caught.value.message == "the pattern has 2002 characters, the limit is 1000"


def test_einsum_takes_letters_and_words() -> None:
    assert parse_einsum("bhid,bhjd->bhij", [4, 4]) == parse_einsum("b h i d, b h j d -> b h i j", [4, 4])
    assert parse_einsum("batch c, c -> batch", [2, 1]).output == ("batch",)


@pytest.mark.parametrize(
    ("pattern", "ranks", "message"),
    [
        ("ij,jk", [2, 2], 'the pattern "ij,jk" needs one `->`'),
        ("ij->ik", [2], '`k` is only on the right of "ij->ik"'),
        ("ii->i", [2], '`i` stands twice on one side of "ii->i"'),
        ("ij->i", [2, 2], 'the pattern "ij->i" is for 1 tensor, there are 2'),
        ("ij->i", [3], '"i j" names 2 axes, tensor 0 has 3'),
        ("i.->i", [2], '`.` in "i.->i" is no name of an axis'),
    ],
)
def test_einsum_faults_are_named(pattern: str, ranks: list[int], message: str) -> None:
    with pytest.raises(OpFault) as caught:
        parse_einsum(pattern, ranks)
    assert caught.value.message == message


@st.composite
def moves(draw: st.DrawFn) -> tuple[list[int], list[list[int]], list[list[int]]]:
    """Sizes of the elementary axes, and how each side groups their numbers."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    sides: list[list[list[int]]] = []
    for order in (list(range(len(sizes))), draw(st.permutations(range(len(sizes))))):
        groups: list[list[int]] = []
        for number in order:
            if groups and draw(st.booleans()):
                groups[-1].append(number)
            else:
                groups.append([number])
        sides.append(groups)
    return sizes, sides[0], sides[1]


def side(groups: list[list[int]]) -> str:
    words = [" ".join("abcde"[number] for number in group) for group in groups]
    return " ".join(f"({word})" if " " in word else word for word in words)


@settings(max_examples=300, deadline=None)
@given(moves())
def test_any_rearrangement_has_the_shape_of_reshape_and_permute(
    drawn: tuple[list[int], list[list[int]], list[list[int]]],
) -> None:
    sizes, before, after = drawn
    whole = torch.empty(sizes, device="meta")
    left = tuple(torch.empty([sizes[n] for n in group], device="meta").numel() for group in before)
    order = [number for group in after for number in group]
    shape = [torch.empty([sizes[n] for n in group], device="meta").numel() for group in after]
    expected = tuple(whole.permute(order).reshape(shape).shape)
    given_sizes: dict[str, Size] = {"abcde"[n]: sizes[n] for group in before for n in group[1:]}
    assert solved(f"{side(before)} -> {side(after)}", *left, **given_sizes) == expected
