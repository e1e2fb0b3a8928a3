"""Recipes that choose: their decisions belong to a candidate as those of its space do, under the recipe's name."""

from dataclasses import dataclass, field, replace
from hashlib import sha256
from random import Random
from typing import cast

from archdsl.meaning.decisions import Offer
from archdsl.meaning.program import Program
from archdsl.meaning.values import Component, Configured, Value
from archdsl.parts import Part, part_of, plain
from archdsl.search.contract import Candidate, Choosing, Domain, Genome, Rejected
from archdsl.source import Span
from archdsl.space.opened import Choose, Walker, decision_of, wanted_option
from archdsl.train.declared import recipe_of_component
from archdsl_compiler.graph import join


@dataclass(slots=True)
class Under:
    """A chooser for what sits under a name."""

    name: str
    walker: Walker

    def recall(self, path: str, offer: Offer | None = None) -> Value:
        return self.walker.recall(join(self.name, path), offer)

    def __call__(self, path: str, names: tuple[Value, ...], allowed: tuple[int, ...], span: Span) -> int:
        return self.walker(join(self.name, path), names, allowed, span)


@dataclass(slots=True)
class Recipes:
    """The recipes that the evaluators of a search name, `quick` in `training(quick(epochs=2))`. Two that differ in
    settings alone share their decisions."""

    program: Program
    evaluators: tuple[Value, ...]
    _fixed: dict[int, Part] = field(default_factory=dict[int, Part])
    _names: set[str] = field(default_factory=set[str])

    def walk(self, choose: Choose) -> Walker:
        """Take all decisions of all recipes."""
        walker = Walker(choose)
        for number in range(len(self.evaluators)):
            self._part(number, walker)
        return walker

    def choose(self) -> bool:
        """Whether there is anything to decide."""
        return bool(self.walk(lambda path, offer: wanted_option({}, path, offer, None)).taken)

    def owns(self, path: str) -> bool:
        """Whether a decision is one of a recipe's."""
        return path.split(".")[0] in self._names

    def part(self, number: int, genome: Genome) -> Part:
        """An evaluator as plain data, its recipe's choices taken as the genome says."""
        if number in self._fixed:
            return self._fixed[number]
        walker = Walker(lambda path, offer: wanted_option(genome, path, offer, None))
        part = self._part(number, walker)
        if not walker.taken:
            self._fixed[number] = part
        return part

    def _part(self, number: int, walker: Walker) -> Part:
        def recipe(component: Component) -> object:
            self._names.add(component.name)
            return recipe_of_component(self.program, component, Under(component.name, walker))

        value = self.evaluators[number]
        if isinstance(value, Configured):
            return part_of(value, recipe)
        return cast(Part, plain(value))


@dataclass(slots=True)
class WithRecipes:
    """A domain whose candidates are those of another, each with the decisions of recipes beside its own."""

    inner: Domain
    recipes: Recipes

    def draw(self, rng: Random) -> Candidate:
        return self._joined(self.inner.draw(rng), _wanting({}, rng))

    def follow(self, choose: Choosing) -> Candidate | Rejected:
        found = self.inner.follow(choose)
        return found if isinstance(found, Rejected) else self._joined(found, cast(Choose, choose))

    def complete(self, wanted: Genome, rng: Random) -> Candidate | Rejected:
        found = self.inner.complete(wanted, rng)
        return found if isinstance(found, Rejected) else self._joined(found, _wanting(wanted, rng))

    def _joined(self, candidate: Candidate, choose: Choose) -> Candidate:
        walker = self.recipes.walk(choose)
        decisions = tuple(decision_of(path, option, walker.offers[path]) for path, option in walker.taken.items())
        told = "\n".join((candidate.hash, *(f"{d.path} {d.taken!r}" for d in decisions)))
        found = sha256(told.encode()).hexdigest()[:16]
        return replace(candidate, decisions=candidate.decisions + decisions, hash=found)


def _wanting(wanted: Genome, rng: Random) -> Choose:
    return lambda path, offer: wanted_option(wanted, path, offer, rng)
