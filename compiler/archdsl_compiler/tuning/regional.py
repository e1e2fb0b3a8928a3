"""The plan of a model region by region: every region's kernels are priced in every mode, modes are chosen over the
graph, and what was chosen becomes a program."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy

from archdsl_compiler.graph import leaves
from archdsl_compiler.kernels.contract import Case, Mode, Operand, Place, kernel
from archdsl_compiler.kernels.flat import Reading
from archdsl_compiler.kernels.regions.contract import Cut
from archdsl_compiler.tuning.choosing import Term, choose, conversion_terms
from archdsl_compiler.tuning.formats import maps_of
from archdsl_compiler.tuning.forms import Forms
from archdsl_compiler.tuning.measuring import TIE
from archdsl_compiler.tuning.pricing import Price, Pricing, form_of
from archdsl_compiler.tuning.program import Choice, Seen, Weights, case_of

NARROW: Final = ("bfloat16", "float16")
CAST: Final = 5e-6
"""Seconds that a result of fewer bits takes on its way out, as a rule."""
INSTRUCTIONS: Final = {
    "bfloat16": frozenset({"avx512_bf16", "amx_bf16", "bf16"}),
    "float16": frozenset({"avx512_fp16", "asimdhp"}),
}
"""Instruction sets of processors, one of which is needed."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A cut with the prices of all its kernels: `cases` and `prices` by mode, in the order of the running regions."""

    cut: Cut
    modes: tuple[Mode, ...]
    seen: Mapping[Mode, Seen]
    cases: Mapping[Mode, tuple[Case, ...]]
    prices: Mapping[Mode, tuple[tuple[Price, ...], ...]]
    terms: tuple[Term, ...]
    conversions: Mapping[tuple[Operand, Operand], float]


def modes_for(cut: Cut, dtype: str, place: Place) -> tuple[Mode, ...]:
    """The modes that regions of a model may run in, where its results may have the precision of `dtype`. What a
    processor has no instructions for it would compute a hundred times slower."""
    layouts = ("natural", "last") if maps_of(Reading(cut.flat)) else ("natural",)
    narrow = ("float32", dtype) if computes(place, dtype) else ("float32",)
    dtypes = narrow if dtype in NARROW else (dtype,)
    return tuple(Mode(layout, each) for each in dtypes for layout in layouts)


def computes(place: Place, dtype: str) -> bool:
    """Whether the processor or GPU has instructions for a dtype."""
    needed = INSTRUCTIONS.get(dtype)
    return needed is None or place.device != "cpu" or bool(place.features & needed)


def priced(cut: Cut, weights: Weights, modes: Sequence[Mode], pricing: Pricing, forms: Forms, place: Place) -> Priced:
    """All prices that a choice depends on."""
    seen = {mode: forms.seen(cut, weights, mode) for mode in modes}
    cases = {mode: tuple(case_of(region, mode, seen[mode], place) for region in cut.running) for mode in modes}
    found = pricing.prices((case, weights) for each in cases.values() for case in each)
    prices = {mode: tuple(found[case.region.digest, form_of(case)] for case in cases[mode]) for mode in modes}
    terms, conversions = _terms(cut, modes, seen, cases, prices, pricing)
    return Priced(cut, tuple(modes), seen, cases, prices, tuple(terms), conversions)


def chosen_modes(found: Priced) -> list[Mode]:
    """The mode of each region, so that the whole takes the least time."""
    return [found.modes[mode] for mode in choose(len(found.cut.running), len(found.modes), found.terms)]


def best_price(prices: Sequence[Price]) -> Price:
    """The fastest kernel of a case; of those nearly as fast, the simplest."""
    enough = min(price.seconds for price in prices) * (1 + TIE)
    return next(price for price in prices if price.seconds <= enough)


def choices_for(found: Priced, modes: Sequence[Mode]) -> list[Choice]:
    """The best kernel of each region in its mode."""
    return [Choice(mode, kernel(best_price(found.prices[mode][number]).kernel)) for number, mode in enumerate(modes)]


def _terms(
    cut: Cut,
    modes: Sequence[Mode],
    seen: Mapping[Mode, Seen],
    cases: Mapping[Mode, tuple[Case, ...]],
    prices: Mapping[Mode, tuple[tuple[Price, ...], ...]],
    pricing: Pricing,
) -> tuple[list[Term], dict[tuple[Operand, Operand], float]]:
    terms: list[Term] = []
    for number in range(len(cut.running)):
        seconds = [min((price.seconds for price in prices[mode][number]), default=inf) for mode in modes]
        terms.append(Term((number,), numpy.array(seconds)))
    producers = {value: number for number, region in enumerate(cut.running) for value in region.outputs}
    readers: dict[int, dict[int, list[Operand]]] = {}
    for number, region in enumerate(cut.running):
        for place, value in enumerate(region.inputs):
            if place not in region.constants and place not in region.unread:
                readers.setdefault(value, {})[number] = [cases[mode][number].inputs[place] for mode in modes]
    own = {value: [seen[mode][value] for mode in modes] for value in readers}
    for value in range(len(cut.flat.input_types)):
        if value in own:  # inputs come as they come
            own[value] = [seen[Mode()][value] if Mode() in seen else own[value][0]]
    pairs = [
        (source, goal) for v, by in readers.items() for goals in by.values() for goal in goals for source in own[v]
    ]
    conversions = pricing.conversions(pairs)
    for value, by_reader in readers.items():
        terms += conversion_terms(producers.get(value), own[value], by_reader, conversions)
    for value in set(leaves(cut.flat.outputs)) & producers.keys():
        back = [CAST if mode.dtype in NARROW else 0.0 for mode in modes]
        terms.append(Term((producers[value],), numpy.array(back)))
    return terms, conversions
