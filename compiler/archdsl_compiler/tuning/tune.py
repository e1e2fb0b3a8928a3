"""Tuning a model: its plan, made of what was measured here, and the model that runs by it.

The plan of regions, and engines if they are wanted, are held against plain eager as whole models; the fastest that is
right wins, so a tuned model is never slower than the model itself."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any, Final

import torch
from torch import nn

from archdsl_compiler.engines.contract import Dtype, Engine, EngineFailure
from archdsl_compiler.engines.recipe import EngineRecipe, engine_recipe, kept_recipe
from archdsl_compiler.engines.registry import FAMILIES, engine_of, engines, engines_of
from archdsl_compiler.kernels.contract import Mode, Place, kernel
from archdsl_compiler.kernels.flat import as_program
from archdsl_compiler.kernels.regions.contract import Cut, cut
from archdsl_compiler.passes.deploy import Deployed
from archdsl_compiler.passes.weights import transform_state
from archdsl_compiler.tuning.allocator import keep_freed_memory
from archdsl_compiler.tuning.conditions import Conditions, conditions_here
from archdsl_compiler.tuning.contest import EAGER, Contender, Outcome, contest
from archdsl_compiler.tuning.cuda_graph import RecordedRecipe
from archdsl_compiler.tuning.fast_model import FastModel
from archdsl_compiler.tuning.forms import Forms
from archdsl_compiler.tuning.paging import page, page_of_whole, tuned_by
from archdsl_compiler.tuning.pinning import pinned_recipe
from archdsl_compiler.tuning.plan import Plan
from archdsl_compiler.tuning.pricing import Pricing, Progress
from archdsl_compiler.tuning.program import Weights
from archdsl_compiler.tuning.record import Record
from archdsl_compiler.tuning.regional import Priced, choices_for, chosen_modes, computes, modes_for, priced
from archdsl_compiler.tuning.regional_recipe import EagerRecipe, RegionalRecipe, example_inputs, on
from archdsl_compiler.tuning.rows import Key

ENGINES: Final = ("torch", *FAMILIES, "auto")
"""What may run a model: its regions by kernels, one whole engine, or whatever is the fastest."""
BUDGET: Final = 300.0
"""Seconds for `auto`, if nothing else is said."""
REGIONS: Final = "torch"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a model is tuned for; `threads` none are those of this process. `budget` is seconds of wall time in which
    engines may be tried."""

    device: str = "cpu"
    dtype: Dtype = "float32"
    batch: int = 1
    threads: int | None = None
    engine: str = "torch"
    budget: float = BUDGET


@dataclass(frozen=True, slots=True)
class Tuned:
    model: FastModel
    plan: Plan


def tune(
    portable: nn.Module,
    deployed: Deployed,
    wish: Wish,
    record: Record,
    *,
    root: Path,
    measure: bool = True,
    pinned: Plan | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """The model with the plan for it. Programs of engines are kept below `root`. Without `measure` rules of thumb stand
    in for what the record does not know, and no whole model is run. A plan that is `pinned` is taken as it is;
    PlanMismatch says why it cannot be."""
    begun = monotonic()
    keep_freed_memory()
    deployed = as_program(deployed)
    portable.eval()
    with _threads(wish.threads), on(wish.device), torch.inference_mode():
        conditions = conditions_here(wish.device)
        tuning = _Tuning(
            portable,
            deployed,
            wish,
            record,
            root,
            conditions,
            Place(conditions.device, conditions.threads, frozenset(conditions.features)),
            cut(deployed.root),
            begun + wish.budget,
            progress,
        )
        if pinned is not None:
            recipe = pinned_recipe(pinned, portable, deployed, tuning.parts, tuning.place, root)
            return Tuned(FastModel(portable, recipe), pinned)
        return tuning.tuned() if measure else tuning.untuned()


@dataclass(slots=True)
class _Tuning:
    portable: nn.Module
    deployed: Deployed
    wish: Wish
    record: Record
    root: Path
    conditions: Conditions
    place: Place
    parts: Cut
    deadline: float
    progress: Progress | None
    pages: dict[str, Plan] = field(default_factory=dict[str, Plan])
    """The plan of each contender."""

    def untuned(self) -> Tuned:
        """By rules of thumb, and what the record happens to know."""
        found, modes, plan = self._priced(measure=False)
        recipe = self._recipe(found, modes)
        return Tuned(FastModel(self.portable, recipe), plan)

    def tuned(self) -> Tuned:
        contenders: list[Contender] = []
        notes: list[str] = []
        if self.wish.engine in (REGIONS, "auto"):
            contenders += self._regional()
        if self.wish.engine != REGIONS:
            contenders += self._whole(_wanted(self.wish.engine), notes)
        contenders.append(Contender(EAGER, self._key(EAGER), EagerRecipe()))
        if not computes(self.place, self.wish.dtype):
            notes.append(f"this processor has no instructions for {self.wish.dtype}: regions are computed in float32")
        inputs = example_inputs(self.parts.flat, self.wish.batch, self.place.device)
        outcome = contest(self.portable, contenders, inputs, self.wish.dtype, self.conditions, self.record)
        winner = next(each for each in contenders if each.name == outcome.winner)
        model = FastModel(self.portable, winner.recipe, outcome.programs.get(winner.name))
        return Tuned(model, self._told(outcome, [each.name for each in contenders], notes))

    def _regional(self) -> Iterable[Contender]:
        """The mixture of modes that was chosen, and for comparison the same mode for all regions."""
        found, chosen, plan = self._priced(measure=True)
        makes = {REGIONS: chosen}
        for mode in found.modes:
            uniform = [mode] * len(found.cut.running)
            if mode.dtype == self.wish.dtype and uniform not in makes.values():
                makes[f"{REGIONS}, all in {mode}"] = uniform
        for name, modes in makes.items():
            recipe = self._recipe(found, modes)
            kernels = "".join(f"{mode}{each}{kernel(each).version}" for mode, each in recipe.choices)
            self.pages[name] = plan if name == REGIONS else self._page(found, modes, plan.tuned)
            key = f"plan {sha256(kernels.encode()).hexdigest()[:16]}"
            yield Contender(name, self._key(key), recipe)
            if self.place.device == "cuda":
                graph = f"{name}, as a CUDA graph"
                self.pages[graph] = self.pages[name].model_copy(update={"recorded": True})
                yield Contender(graph, self._key(f"{key} as a CUDA graph"), RecordedRecipe(recipe))

    def _priced(self, measure: bool) -> tuple[Priced, list[Mode], Plan]:
        """All prices, the modes that were chosen by them, and the plan of these."""
        state = transform_state(self.portable.state_dict(), self.deployed.changes)
        weights = Weights(self.parts, state, self.place.device)
        pricing = Pricing(self.record, self.conditions, self.wish.batch, measure, self.progress)
        forms = Forms(self.record, self.conditions, self.wish.batch, keeps=measure)
        modes = modes_for(self.parts, self.wish.dtype, self.place)
        found = priced(self.parts, weights, modes, pricing, forms, self.place)
        chosen = chosen_modes(found)
        return found, chosen, self._page(found, chosen, tuned_by(pricing, found))

    def _page(self, found: Priced, modes: Sequence[Mode], tuned: Any) -> Plan:
        return page(found, modes, self.wish.dtype, self.wish.batch, self.place, self.conditions, tuned)

    def _recipe(self, found: Priced, modes: Sequence[Mode]) -> RegionalRecipe:
        return RegionalRecipe(
            self.parts,
            self.deployed,
            tuple((choice.mode, choice.kernel.name) for choice in choices_for(found, modes)),
            {mode: found.seen[mode] for mode in dict.fromkeys(modes)},
            tuple(found.seen[found.modes[0]][value].shape for value in range(len(self.parts.flat.input_types))),
            self.place,
        )

    def _whole(self, wanted: Sequence[Engine], notes: list[str]) -> Iterable[Contender]:
        """Engines that are installed and, in the time that is left, can be made; those that were kept cost nothing."""
        nodes = len(self.parts.flat.calls)
        for number, engine in enumerate(wanted):
            left = self.deadline - monotonic()
            if self.progress is not None:
                self.progress(number, len(wanted), engine.name)
            if missing := engine.available():
                notes.append(f"{engine.name} was not tried: {missing}")
            elif self.place.device != "cpu":
                notes.append(f"{engine.name} was not tried: it runs on a CPU")
            else:
                try:
                    recipe = self._engine_recipe(engine, left, nodes)
                except EngineFailure as failure:
                    notes.append(str(failure))
                    continue
                if recipe is None:
                    seconds = engine.expected_seconds(nodes)
                    notes.append(
                        f"{engine.name} was not tried: it takes about {seconds:.0f} s, {max(left, 0):.0f} s were left"
                    )
                    continue
                dtype = self._computed(engine)
                if dtype != self.wish.dtype:
                    notes.append(f"{engine.name} computes in {dtype}: it has no {self.wish.dtype} on this processor")
                versions = " ".join((dtype, *engine.versions()))
                self.pages[engine.name] = page_of_whole(
                    engine.name, self.parts, dtype, self.wish.batch, self.place, self.conditions
                )
                yield Contender(engine.name, self._key(f"{engine.name} {versions}"), recipe)

    def _computed(self, engine: Engine) -> Dtype:
        """What an engine computes in: the wish, or float32, which is always as exact."""
        return self.wish.dtype if self.wish.dtype in engine.dtypes() else "float32"

    def _engine_recipe(self, engine: Engine, left: float, nodes: int) -> EngineRecipe | None:
        threads = torch.get_num_threads()
        given = (engine, self.portable, self.deployed, self._computed(engine), self.wish.batch, threads, self.root)
        kept = kept_recipe(*given)
        if kept is not None:
            return kept
        if engine.expected_seconds(nodes) > left:
            return None
        return engine_recipe(*given, seconds=max(left, 1.0))

    def _key(self, name: str) -> Key:
        return Key(f"model {self.parts.model}", name, 1, self.wish.dtype, "", self.wish.batch)

    def _told(self, outcome: Outcome, order: Sequence[str], notes: Sequence[str]) -> Plan:
        """The plan of the winner, with how the others did. If the model itself won, that of the best other, refused."""
        times = {name: timing.median * 1e3 for name, timing in outcome.times.items()}
        told: dict[str, Any] = {
            "eager_milliseconds": times.get(EAGER),
            "contenders": times,
            "notes": (*notes, *(f"{name} is out: {why}" for name, why in outcome.failures.items()), *self.record.notes),
        }
        name = outcome.winner
        if name == EAGER:
            others = [each for each in order if each != EAGER and each in self.pages]
            if not others:
                told["refused"] = "nothing else could be tried"
                whole = page_of_whole(EAGER, self.parts, self.wish.dtype, self.wish.batch, self.place, self.conditions)
                return whole.model_copy(update=told)
            name = min(others, key=lambda each: times.get(each, float("inf")))
            told["refused"] = outcome.failures.get(name, "it is not faster than the model itself")
            told["engine"] = EAGER
        told["plan_milliseconds"] = times.get(name)
        told["error"] = outcome.errors.get(name)
        return self.pages[name].model_copy(update=told)


def _wanted(name: str) -> tuple[Engine, ...]:
    """The engines of a wish: of a family all variants."""
    if name == "auto":
        return engines()
    return engines_of(name) if name in FAMILIES else (engine_of(name),)


@contextmanager
def _threads(count: int | None) -> Generator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
