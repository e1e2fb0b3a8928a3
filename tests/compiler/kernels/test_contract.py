"""What every kernel has to keep: it gives what the plain piece gives, for any batch and any strides, again and again,
and changes nothing that it was given."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from archdsl_compiler.kernels.contract import LIMITS, Case, Kernel, Mode, Place, kernel, kernels, kernels_for
from archdsl_compiler.kernels.plain import Plain
from archdsl_compiler.kernels.regions.contract import Cut, Region
from archdsl_compiler.tuning.conditions import features_here
from archdsl_compiler.tuning.formats import LAST, Operand, in_dtype, sample_of
from archdsl_compiler.tuning.program import Seen, Weights, as_tuple, case_of, observe
from tests.compiler.kernels.flat_models import apart, cut_of, graph_of, inputs_of
from tests.compiler.kernels.region_models import MODELS

PLACE = Place("cpu", 1, frozenset(features_here()) - {"avx512f"})
"""This processor, without what makes some kernels not worth a try: they are right there as well."""
BATCHES = (2, 1, 5)
NAMES = [(kind, name) for kind, models in MODELS.items() for name in models]
MODES = [Mode(layout, dtype) for layout in ("natural", "last") for dtype in ("float32", "float64", "bfloat16")]  # type: ignore[arg-type]


class Small(NamedTuple):
    """A small model in a mode: how its values lie at each batch size."""

    parts: Cut
    state: Mapping[str, Tensor]
    seen: Mapping[int, Seen]

    def cases(self, kind: str, mode: Mode) -> list[Case]:
        return [case_of(region, mode, self.seen[2], PLACE) for region in self.parts.running if region.kind == kind]


@cache
def small(kind: str, name: str, mode: Mode) -> Small:
    graph = graph_of(MODELS[kind][name])
    parts, state = cut_of(graph)
    weights = Weights(parts, state)
    return Small(parts, state, {batch: observe(parts, weights, inputs_of(graph, batch), mode) for batch in BATCHES})


def as_made(tensor: Tensor) -> Tensor:
    return tensor


def last(tensor: Tensor) -> Tensor:
    """The same numbers with what is nearest in memory changed."""
    if tensor.dim() in LAST:
        return tensor.contiguous(memory_format=LAST[tensor.dim()])
    return tensor.transpose(-1, -2).contiguous().transpose(-1, -2) if tensor.dim() > 1 else tensor


def spread(tensor: Tensor) -> Tensor:
    """The same numbers, every second one of a larger tensor."""
    return torch.stack([tensor, torch.full_like(tensor, 77)], dim=-1)[..., 0]


def sliced(tensor: Tensor) -> Tensor:
    """The same numbers as some of the channels of a larger tensor, which lie last in it."""
    if tensor.dim() in LAST:
        return last(torch.cat([tensor, tensor], dim=1))[:, : tensor.shape[1]]
    return torch.cat([tensor, tensor], dim=-1)[..., : tensor.shape[-1]] if tensor.dim() else tensor


FORMS: Sequence[Callable[[Tensor], Tensor]] = (as_made, last, spread, sliced)


def examples(region: Region, mode: Mode, weights: Weights, seen: Seen) -> Iterator[list[Tensor]]:
    """Inputs of a region in several forms; what is constant is given as it is."""
    constants = weights.constants(region, mode)
    for seed, form in enumerate(FORMS):
        generator = torch.Generator().manual_seed(seed)
        yield [
            constants[place] if place in constants else form(sample_of(seen[value], generator))
            for place, value in enumerate(region.inputs)
        ]


def expected_of(case: Case, weights: Weights, given: Sequence[Tensor]) -> object:
    """The plain piece in float32, or in float64 where the mode says so."""
    wide = Mode("natural", "float64" if case.mode.dtype == "float64" else "float32")
    run = Plain().make(case, weights.of(case.region, wide), weights.constants(case.region, wide))
    return run(*(in_dtype(each, wide).contiguous() for each in given))


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_kernel_gives_what_the_piece_gives(kind: str, name: str, mode: Mode):
    model = small(kind, name, mode)
    weights = Weights(model.parts, model.state)
    before = {label: value.clone() for label, value in model.state.items()}
    cases = model.cases(kind, mode)
    assert cases, "the model has no region of its kind"
    for case in cases:
        for each in kernels_for(kind):
            if isinstance(each, Plain) or not each.applies(case):
                continue
            with torch.no_grad():
                run = each.make(case, weights.of(case.region, mode), weights.constants(case.region, mode))
            for batch in BATCHES:
                for given in examples(case.region, mode, weights, model.seen[batch]):
                    compare(each, case, weights, run, given)
    assert all(torch.equal(value, before[label]) for label, value in model.state.items())


def compare(each: Kernel, case: Case, weights: Weights, run: Callable[..., object], given: Sequence[Tensor]) -> None:
    what = f"{each.name} of {case.region.label}, inputs {[(tuple(x.shape), x.stride()) for x in given]}"
    kept = [x.clone() for x in given]
    with torch.inference_mode():
        expected, found = expected_of(case, weights, given), run(*given)
    with torch.no_grad():
        again = run(*given)
    for left, right in zip(as_tuple(expected), as_tuple(found), strict=True):
        assert left.shape == right.shape, what
        assert right.dtype == (in_dtype(left, case.mode)).dtype, what
    assert apart(expected, found) <= LIMITS[case.mode.dtype], what
    assert apart(found, again) <= 1e-6, f"{what}: the second call gives something else"
    assert all(torch.equal(x, y) for x, y in zip(given, kept, strict=True)), f"{what}: an input was changed"


@pytest.mark.parametrize("name", [each.name for each in kernels()])
def test_a_kernel_is_found_by_its_name(name: str):
    assert kernel(name).name == name
    assert [each.name for each in kernels()].count(name) == 1


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_rule_of_thumb_is_a_number_of_times(kind: str, name: str):
    for mode in MODES:
        for case in small(kind, name, mode).cases(kind, mode):
            for each in kernels_for(kind):
                if each.applies(case):
                    assert 0.01 < each.factor(case) < 1000, each.name


def test_every_kernel_for_this_place_is_tried():
    here = [
        each for each in kernels() if "gpu" not in type(each).__module__.split(".")
    ]  # those have tests of their own
    wanted = {each.name for each in here if each.kinds and set(each.kinds) <= set(MODELS)}
    tried = {
        each.name
        for kind, name in NAMES
        for mode in MODES
        for case in small(kind, name, mode).cases(kind, mode)
        for each in kernels_for(kind)
        if each.applies(case)
    }
    assert wanted - tried == set()


def test_examples_come_in_other_forms_with_the_same_numbers():
    made = sample_of(Operand((2, 3, 4, 5), (60, 20, 5, 1), "float32"), torch.Generator().manual_seed(0))
    assert [torch.equal(form(made), made) for form in FORMS] == [True] * len(FORMS)
    assert len({form(made).stride() for form in FORMS}) == len(FORMS)
