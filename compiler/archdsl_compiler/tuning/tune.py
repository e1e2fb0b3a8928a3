"""Tuning a model: its plan, made of what was measured here, and the model that runs by it.

The plan of regions is held against others as whole models, plain eager among them, and is refused where it is not the
fastest or not right: a tuned model is never slower than the model itself."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import torch
from torch import Tensor, nn

from archdsl_compiler.digest import digest
from archdsl_compiler.kernels.contract import LIMITS, Mode, Place, kernel
from archdsl_compiler.kernels.flat import flattened
from archdsl_compiler.kernels.regions.contract import Cut, cut
from archdsl_compiler.passes.deploy import Deployed
from archdsl_compiler.passes.equality import difference, random_input
from archdsl_compiler.passes.weights import transform_state
from archdsl_compiler.tuning.allocator import keep_freed_memory
from archdsl_compiler.tuning.conditions import Conditions, conditions_here
from archdsl_compiler.tuning.fast_model import FastModel, Program
from archdsl_compiler.tuning.measuring import Timing, race
from archdsl_compiler.tuning.paging import page, tuned_by
from archdsl_compiler.tuning.plan import Plan
from archdsl_compiler.tuning.pricing import Pricing, Progress
from archdsl_compiler.tuning.program import Choice, Seen, Weights, program
from archdsl_compiler.tuning.record import Record
from archdsl_compiler.tuning.regional import Priced, choices_for, chosen_modes, modes_for, priced
from archdsl_compiler.tuning.rows import Kept, Key
from archdsl_compiler.tuning.stopwatch import stopwatch

WHOLE: Final = 8.0
"""Seconds in which whole models are held against each other, at most."""
NEARLY: Final = 0.02
"""How much slower the plan of regions may be than one of another make before that is taken."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a model is tuned for; `threads` none are those of this process."""

    device: str = "cpu"
    dtype: str = "float32"
    batch: int = 1
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class RegionalRecipe:
    """The program of a plan, made of the weights of the portable model whenever they change."""

    cut: Cut
    deployed: Deployed
    choices: tuple[tuple[Mode, str], ...]
    seen: Mapping[Mode, Seen]
    shapes: tuple[tuple[int, ...], ...]
    place: Place

    def __deepcopy__(self, memo: dict[int, Any]) -> "RegionalRecipe":
        return self

    def program(self, portable: nn.Module) -> "RegionalProgram | None":
        state = portable.state_dict()
        if any(value.device.type != self.place.device for value in state.values()):
            return None
        weights = Weights(self.cut, transform_state(state, self.deployed.changes))
        choices = [Choice(mode, kernel(name)) for mode, name in self.choices]
        inputs = _inputs(self.cut, self.shapes[0][0], self.place.device)
        made = program(self.cut, choices, self.seen, weights, inputs, self.place)
        return RegionalProgram(made.run, self.shapes, tuple(x.dtype for x in inputs), made.source)


@dataclass(frozen=True, slots=True)
class RegionalProgram:
    """Takes any batch of inputs of these sizes."""

    run: Any
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[torch.dtype, ...]
    source: str = field(repr=False)

    def takes(self, inputs: Sequence[Tensor]) -> bool:
        if len(inputs) != len(self.shapes):
            return False
        for given, shape, dtype in zip(inputs, self.shapes, self.dtypes, strict=True):
            if given.shape[1:] != shape[1:] or given.dtype != dtype or not given.shape[0]:
                return False
        return True

    def __call__(self, *inputs: Tensor) -> Any:
        return self.run(*inputs)


@dataclass(frozen=True, slots=True)
class EagerRecipe:
    """No program: the portable model is the fastest."""

    def program(self, portable: nn.Module) -> Program | None:
        return None


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
    measure: bool = True,
    pinned: Plan | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """The model with the plan for it. Without `measure` rules of thumb stand in for what the record does not know, and
    no whole model is run; a plan that is `pinned` is taken as it is."""
    keep_freed_memory()
    portable.eval()
    with _threads(wish.threads), torch.inference_mode():
        parts = cut(flattened(deployed.root))
        return _Tuning(portable, deployed, wish, record, parts).tuned(measure, progress)


@dataclass(slots=True)
class _Tuning:
    portable: nn.Module
    deployed: Deployed
    wish: Wish
    record: Record
    parts: Cut

    def tuned(self, measure: bool, progress: Progress | None) -> Tuned:
        place = place_here(self.wish.device)
        conditions = conditions_here(self.wish.device)
        state = transform_state(self.portable.state_dict(), self.deployed.changes)
        weights = Weights(self.parts, state)
        inputs = _inputs(self.parts, self.wish.batch, place.device)
        pricing = Pricing(self.record, conditions, self.wish.batch, measure, progress)
        found = priced(self.parts, weights, inputs, modes_for(self.parts, self.wish.dtype), pricing, place)
        makes = self._makes(found)
        modes = makes["plan"]
        recipe = self._recipe(found, modes, place)
        plan = page(found, modes, self.wish.dtype, self.wish.batch, place, conditions, tuned_by(pricing, found))
        if not measure:
            return Tuned(FastModel(self.portable, recipe), plan)
        return self._held_against_others(found, makes, plan, place, conditions, inputs)

    def _makes(self, found: Priced) -> dict[str, list[Mode]]:
        """The modes that were chosen, and for comparison the same mode for all regions."""
        makes = {"plan": chosen_modes(found)}
        for mode in found.modes:
            uniform = [mode] * len(found.cut.running)
            if mode.dtype == self.wish.dtype and uniform not in makes.values():
                makes[str(mode)] = uniform
        return makes

    def _recipe(self, found: Priced, modes: Sequence[Mode], place: Place) -> RegionalRecipe:
        choices = choices_for(found, modes)
        return RegionalRecipe(
            self.parts,
            self.deployed,
            tuple((choice.mode, choice.kernel.name) for choice in choices),
            {mode: found.seen[mode] for mode in dict.fromkeys(modes)},
            tuple(found.seen[found.modes[0]][value].shape for value in range(len(self.parts.flat.input_types))),
            place,
        )

    def _held_against_others(
        self,
        found: Priced,
        makes: Mapping[str, list[Mode]],
        plan: Plan,
        place: Place,
        conditions: Conditions,
        inputs: Sequence[Tensor],
    ) -> Tuned:
        """Race whole models, unless the record knows how that ends."""
        recipes = {name: self._recipe(found, modes, place) for name, modes in makes.items()}
        keys = {name: self._whole_key(name, recipe) for name, recipe in recipes.items()}
        keys["eager"] = self._whole_key("eager", None)
        known = self.record.kept(conditions, [keys["eager"].region])
        programs: dict[str, Program] = {}
        if not all(key in known for key in keys.values()):
            known, programs = self._race(recipes, keys, conditions, inputs)
        times = {name: kept.timing for name, key in keys.items() if (kept := known.get(key)) and kept.timing}
        name = _winner(times, makes)
        error = known[keys[name]].error if keys[name] in known else None
        eager = times.get("eager")
        told: dict[str, Any] = {
            "plan_milliseconds": None if name == "eager" else times[name].median * 1e3,
            "eager_milliseconds": None if eager is None else eager.median * 1e3,
            "error": error,
        }
        if name == "eager":
            why = known[keys["plan"]].failure or "it is not faster than the model itself"
            refused = plan.model_copy(update={**told, "engine": "eager", "refused": why})
            return Tuned(FastModel(self.portable, EagerRecipe()), refused)
        if name != "plan":
            plan = page(found, makes[name], self.wish.dtype, self.wish.batch, place, conditions, plan.tuned)
            told["notes"] = (f"all regions in {name} were faster than the mixture with the smallest sum",)
        model = FastModel(self.portable, recipes[name], programs.get(name))
        return Tuned(model, plan.model_copy(update=told))

    def _race(
        self,
        recipes: Mapping[str, RegionalRecipe],
        keys: Mapping[str, Key],
        conditions: Conditions,
        inputs: Sequence[Tensor],
    ) -> tuple[dict[Key, Kept], dict[str, Program]]:
        rows: dict[Key, Kept] = {}
        programs: dict[str, Program] = {}
        for name, recipe in recipes.items():
            try:
                made = recipe.program(self.portable)
                assert made is not None
                error = difference(self.portable, made, inputs)  # pyright: ignore[reportArgumentType]
                if not error <= LIMITS[self.wish.dtype]:
                    raise ArithmeticError(f"it differs from the model by {error:.1e} of its largest result")
                programs[name] = made
                rows[keys[name]] = Kept(None, error, name=name)
            except Exception as failure:  # the model itself is always there
                rows[keys[name]] = Kept(None, None, str(failure) or type(failure).__name__, name)
        runs = {name: (lambda made=made: made(*inputs)) for name, made in programs.items()}
        raced = race(
            {**runs, "eager": lambda: self.portable(*inputs)},
            simplest="eager",
            watch=stopwatch(self.wish.device, alone=True),
            budget=WHOLE,
        )
        for name, timing in raced.timings.items():
            before = rows.get(keys[name])
            rows[keys[name]] = Kept(timing, before.error if before else 0.0, None, name)
        for name, why in raced.failures.items():
            rows[keys[name]] = Kept(None, None, why, name)
        self.record.keep(conditions, rows)
        return rows, programs

    def _whole_key(self, name: str, recipe: RegionalRecipe | None) -> Key:
        """The key of a whole model by how it is run."""
        model = f"model {digest(self.parts.flat)}"
        if recipe is None:
            return Key(model, name, 1, "float32", "", self.wish.batch)
        kernels = "".join(f"{mode}{each}{kernel(each).version}" for mode, each in recipe.choices)
        return Key(model, f"plan {sha256(kernels.encode()).hexdigest()[:16]}", 1, self.wish.dtype, "", self.wish.batch)


def place_here(device: str) -> Place:
    """Where kernels run in this process."""
    conditions = conditions_here(device)
    return Place(conditions.device, conditions.threads, frozenset(conditions.features))


def _winner(times: Mapping[str, Timing], makes: Mapping[str, list[Mode]]) -> str:
    """The plan unless another is clearly faster; none where the model itself is."""
    least = min(timing.median for timing in times.values())
    if "plan" in times and times["plan"].median <= least * (1 + NEARLY) and least < times["eager"].median:
        return "plan"
    return min(times, key=lambda name: times[name].median)


def _inputs(parts: Cut, batch: int, device: str) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [random_input(type_, generator, batch).to(device) for type_ in parts.flat.input_types]


@contextmanager
def _threads(count: int | None) -> Generator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
