"""Forms of what moves numbers, against the same semantics written out place by place."""

import itertools
import math
from typing import Any

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archdsl_compiler.emit.code import render
from archdsl_compiler.emit.forms.registry import form_of
from archdsl_compiler.sizes import BATCH, Size
from archdsl_compiler.types import TensorType
from tests.compiler.emit.test_forms import evaluated, leaf, view_of

Side = list[tuple[str, ...]]
NAMES = "abcdef"


def at(size: Any, batch: int) -> int:
    """A size for a batch."""
    return size if isinstance(size, int) else eval(str(size), {"batch": batch})


def computed(name: str, x: TensorType, batch: int, /, **settings_: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers in order, and what the form makes of them. The form is written for any batch."""
    view = view_of(name, x, **settings_)
    shape = [at(size, batch) for size in x.shape]
    values = torch.arange(math.prod(shape)).reshape(shape)
    written = form_of(view.call.op)(view)
    return values, evaluated(render(written, leaf), [values], batch)  # type: ignore[arg-type]


def rearranged(values: torch.Tensor, left: Side, right: Side, sizes: dict[str, int]) -> torch.Tensor:
    """Every place of the result by the places that its names have in it."""
    names = sorted({name for group in right for name in group})
    result = torch.full([math.prod(sizes[n] for n in group) for group in right], -1)
    for places in itertools.product(*(range(sizes[name]) for name in names)):
        place = dict(zip(names, places, strict=True))

        def joined(group: tuple[str, ...], place: dict[str, int] = place) -> int:
            number = 0
            for name in group:
                number = number * sizes[name] + place[name]
            return number

        result[tuple(map(joined, right))] = values[tuple(map(joined, left))]
    return result


def side(draw: st.DrawFn, names: list[str]) -> Side:
    """Names in groups, with axes of size 1 between them."""
    groups: Side = []
    for name in names:
        if groups and draw(st.booleans()) and draw(st.booleans()) and groups[-1]:
            groups[-1] = (*groups[-1], name)
        else:
            groups.append((name,))
        if draw(st.integers(0, 5)) == 0:
            groups.append(())
    return groups


def written(groups: Side) -> str:
    return " ".join("1" if not group else group[0] if len(group) == 1 else f"({' '.join(group)})" for group in groups)


@st.composite
def patterns(draw: st.DrawFn, repeats: bool) -> tuple[Side, Side, dict[str, Size], list[str]]:
    """Both sides, the sizes of all names, and the names whose sizes are given."""
    count = draw(st.integers(1, 5))
    names = list(NAMES[:count])
    sizes: dict[str, Size] = {name: draw(st.integers(1, 3)) for name in names}
    if draw(st.booleans()):
        sizes[draw(st.sampled_from(names))] = BATCH
    new = list("xy"[: draw(st.integers(0, 2))]) if repeats else []
    sizes.update({name: draw(st.integers(1, 3)) for name in new})
    left = side(draw, draw(st.permutations(names)))
    right = side(draw, draw(st.permutations([*names, *new])))
    told = [*new, *(name for group in left for name in group[1:])]
    told += [group[0] for group in left if draw(st.integers(0, 3)) == 0 for group in (group,) if group]
    return left, right, sizes, told


def check_pattern(name: str, drawn: tuple[Side, Side, dict[str, Size], list[str]]) -> None:
    left, right, sizes, told = drawn
    shape: list[Size] = []
    for group in left:
        size: Any = 1
        for each in group:
            size = sizes[each] * size
        shape.append(size)
    pattern = f"{written(left)} -> {written(right)}"
    given_sizes = {each: sizes[each] for each in told}
    for batch in (2, 3):
        values, found = computed(name, TensorType(tuple(shape), "int64"), batch, pattern=pattern, **given_sizes)
        expected = rearranged(values, left, right, {each: at(size, batch) for each, size in sizes.items()})
        assert expected.tolist() == found.tolist()


@settings(max_examples=120, deadline=None)
@given(patterns(repeats=False))
def test_rearrange_moves_every_number_to_its_place(drawn: tuple[Side, Side, dict[str, Size], list[str]]) -> None:
    check_pattern("rearrange", drawn)


@settings(max_examples=120, deadline=None)
@given(patterns(repeats=True))
def test_repeat_moves_and_repeats(drawn: tuple[Side, Side, dict[str, Size], list[str]]) -> None:
    check_pattern("repeat", drawn)


@settings(max_examples=100, deadline=None)
@given(st.data(), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_reshape_keeps_the_order(data: st.DataObject, sizes: list[int]) -> None:
    before: list[Size] = [BATCH * sizes[0] if data.draw(st.booleans()) else sizes[0], *sizes[1:]]
    factors: list[Size] = [before[0], *(n for size in sizes[1:] for n in ([2, size // 2] if size == 4 else [size]))]
    after: list[Any] = []
    for factor in factors:
        if after and data.draw(st.booleans()):
            after[-1] = after[-1] * factor
        else:
            after.append(factor)
        if data.draw(st.integers(0, 4)) == 0:
            after.append(1)
    target = tuple(after)
    if data.draw(st.booleans()):
        free = data.draw(st.integers(0, len(after) - 1))
        after[free] = -1
    for batch in (2, 3):
        values, found = computed("reshape", TensorType(tuple(before), "int64"), batch, shape=tuple(after))
        assert [at(size, batch) for size in target] == list(found.shape)
        assert values.flatten().tolist() == found.flatten().tolist()


@settings(max_examples=120, deadline=None)
@given(st.data(), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_index_takes_axis_by_axis(data: st.DataObject, sizes: list[int]) -> None:
    shape: list[Size] = [BATCH, *sizes]
    places: list[Any] = (
        ["all"] if data.draw(st.booleans()) else [("slice", data.draw(st.sampled_from([None, 0, 1])), None)]
    )
    for size in sizes:
        places.append(data.draw(place_in(size)))
    places = places[: data.draw(st.integers(1, len(places)))]
    if data.draw(st.booleans()):
        # What `...` stands for are the axes from here on but for those at the end that are still named.
        cut, kept = sorted((data.draw(st.integers(0, len(places))), data.draw(st.integers(0, len(places)))))
        assume(all(place == "all" for place in places[cut:kept]) or cut == kept)
        missing = len(shape) - len(places)
        assume(missing == 0 or kept == len(places))
        places = [*places[:cut], "rest", *places[kept:]]
    for batch in (2, 3):
        values, found = computed("index", TensorType(tuple(shape), "int64"), batch, places=tuple(places))
        assert one_by_one(values, places).tolist() == found.tolist()


def place_in(size: int) -> st.SearchStrategy[Any]:
    """A place that takes something of an axis."""
    end = st.none() | st.integers(-size - 1, size + 2)
    slices = st.tuples(st.just("slice"), end, end).filter(lambda s: len(range(size)[s[1] : s[2]]) > 0)
    ranges = st.tuples(st.integers(0, size - 1), st.integers(1, size), st.integers(1, 3)).filter(lambda r: r[0] < r[1])
    return st.one_of(st.just("all"), st.integers(-size, size - 1), slices, ranges.map(lambda found: ("range", *found)))


def one_by_one(values: torch.Tensor, places: list[Any]) -> torch.Tensor:
    """Axis after axis, by lists of places."""
    axis = 0
    for number, place in enumerate(places):
        size = values.shape[axis] if axis < values.ndim else 0
        if place == "rest":
            axis = values.ndim - sum(1 for _ in places[number + 1 :])
        elif place == "all":
            axis += 1
        elif isinstance(place, int):
            values = values.select(axis, place % size)
        else:
            taken = list(range(size))[place[1] : place[2] : place[3] if len(place) > 3 else 1]
            values = values.index_select(axis, torch.tensor(taken))
            axis += 1
    return values
