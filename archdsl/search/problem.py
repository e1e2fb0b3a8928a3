"""What a `search` declaration asks for: the candidates, how they are measured, and what is wanted of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError
from archdsl.meaning.binding import Given
from archdsl.meaning.declared import Declared
from archdsl.meaning.fields import Fields, evaluate_fields, missed
from archdsl.meaning.program import Program, value_of_name, with_settings
from archdsl.meaning.run import Fault, Session, Unmet
from archdsl.meaning.values import Component, Configured, Decided, Value, space_of
from archdsl.parts import Part, default_part, part_of
from archdsl.search.contract import Candidate, Domain, Genome, Objective, Option
from archdsl.search.recipes import Recipes, WithRecipes
from archdsl.search.wanted import Wanted, cost_bounds
from archdsl.source import Span
from archdsl.space.opened import Space
from archdsl.space.wishes import COSTS, CostBound
from archdsl.syntax import nodes
from archdsl.syntax.descent import below
from archdsl.targets import Target, TargetLike, open_target

STATIC = Part("static")
"""The evaluator that goes first in every search: what is known without running anything."""
LATENCY = Part("latency")
"""The one that follows where a latency is wanted."""
TRIALS = 100
"""Of a search that says nothing of when it ends."""


@dataclass(slots=True)
class Problem:
    """A search, ready to be run. `begin` are genomes to look at first; `executor` and the limits are as declared, or as
    whoever opened it said."""

    target: Target
    space: Space
    domain: Domain
    strategy: Part
    objectives: tuple[Objective, ...]
    executor: Part
    trials: int | None
    seconds: float | None
    seed: int
    begin: tuple[Genome, ...]
    built_in: tuple[Part, ...]
    search: Component = field(repr=False)
    searched: Component = field(repr=False)
    recipes: Recipes = field(repr=False)

    @property
    def evaluators(self) -> tuple[Part, ...]:
        """The stages of a trial from cheap to dear, as those have them that take the first options of their recipes."""
        return tuple(self.stage(number, {}) for number in range(len(self.built_in) + len(self.recipes.evaluators)))

    def stage(self, number: int, genome: Genome) -> Part:
        """The evaluator of a stage for one candidate: a recipe's choices are taken as the genome says."""
        own = number - len(self.built_in)
        return self.built_in[number] if own < 0 else self.recipes.part(own, genome)

    def counted(self, candidate: Candidate) -> dict[str, float]:
        """What is known of a candidate before any evaluator runs, also under the names of objectives."""
        known: dict[str, float] = {"params": candidate.params, "macs": candidate.macs}
        if candidate.memory is not None:
            known["memory"] = candidate.memory
        known.update((o.name, known[o.metric.name]) for o in self.objectives if o.metric.name in known)
        return known

    def unmet(self, candidate: Candidate, metrics: Mapping[str, float]) -> list[Unmet]:
        """The requirements of the search that a candidate misses, of those that can be told by its genome and by these
        metrics, which have the names of objectives."""
        known = cast("dict[str, Value]", {**self.counted(candidate), **metrics})
        names = cast("dict[str, Value]", dict(candidate.names))
        spaces = {Component(self.searched.callee): names, self.searched: names}
        return missed(Session(self.target.program.limits), self.search, known, spaces)

    def values(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        """The objectives in order; raises KeyError where one was not measured."""
        return tuple(metrics[objective.name] for objective in self.objectives)

    def architecture(self, genome: Genome) -> str:
        """The candidate as `.arch` text that stands alone."""
        return self.space.architecture({p: o for p, o in genome.items() if not self.recipes.owns(p)})


def open_problem(
    target: TargetLike,
    *,
    settings: Mapping[str, object] | None = None,
    written: tuple[str, ...] = (),
    trials: int | None = None,
    seconds: float | None = None,
    seed: int | None = None,
    allow_extern: bool = False,
) -> Problem:
    """The problem of a target that is a `search`. What is given here goes before what the declaration says. Raises
    ArchError with what is wrong in the file, UsageError for what is wrong with the target."""
    opened = open_target(target, wants=("search",), settings=settings, written=written, allow_extern=allow_extern)
    program = opened.program
    search = _search(opened)
    try:
        found = evaluate_fields(Session(program.limits), search)
    except Fault as fault:
        raise ArchError((fault.diagnostic,)) from None
    _refuse_unbuilt(search, found)
    entry = cast("Component | Decided", found.values["space"])
    space = _space(opened, search, entry)
    space.weigh = _reads(search, "memory")
    evaluate = found.values.get("evaluate", ())
    recipes = Recipes(program, evaluate if isinstance(evaluate, tuple) else (evaluate,))
    objectives = tuple(_objective(name, wish.maximize, wish.metric) for name, wish in found.objectives.items())
    budget = _part(found, "budget") or default_part("budget", "limits")
    if trials is None and seconds is None:
        trials, seconds = cast("int | None", budget["trials"]), cast("float | None", budget["time"])
        trials = TRIALS if trials is None and seconds is None else trials
    timed = any(objective.metric.name == "latency" for objective in objectives)
    begin = cast("tuple[Decided, ...]", found.values.get("begin", ()))
    many = "nsga2" if len(objectives) > 1 else "evolution"
    problem = Problem(
        opened,
        space,
        Wanted(space, lambda candidate: problem.unmet(candidate, {}), _bounds(program, search, found, objectives)),
        _part(found, "strategy") or default_part("strategy", many),
        objectives,
        _part(found, "executor") or default_part("executor", "local"),
        trials,
        seconds,
        seed if seed is not None else cast(int, found.values.get("seed", 0)),
        tuple(_genome(each) for each in begin),
        (STATIC, LATENCY) if timed else (STATIC,),
        search,
        space_of(entry),
        recipes,
    )
    if recipes.choose():
        problem.domain = WithRecipes(problem.domain, recipes)
    return problem


def _bounds(
    program: Program, search: Component, found: Fields, objectives: tuple[Objective, ...]
) -> tuple[CostBound, ...]:
    """What the search requires of params and MACs, also under the names of its objectives."""
    metrics: dict[str, str] = {name: name for name in COSTS}
    metrics.update((o.name, o.metric.name) for o in objectives if o.metric.name in COSTS)
    body = cast(Declared, search.callee).body
    return tuple(cost_bounds(program, body, found.names, metrics)) if body is not None else ()


def _search(opened: Target) -> Component:
    """The declaration with the settings that were given."""
    found = value_of_name(opened.program, opened.name)
    component = cast(Component, found[0] if found else None)
    return with_settings(opened.program, Session(opened.program.limits), component, opened.settings)


def _part(found: Fields, name: str) -> Part | None:
    value = found.values.get(name)
    return part_of(value) if isinstance(value, Configured) else None


def _objective(name: str, maximize: bool, metric: Value) -> Objective:
    """An objective; what an evaluator reports under no name of its own is called like the objective."""
    part = part_of(cast(Configured, metric))
    if part.name == "reported" and part["name"] is None:
        part = Part(part.name, {**part.settings, "name": name})
    return Objective(name, maximize, part)


def _genome(begun: Decided) -> dict[str, Option]:
    return {path: cast(Option, "none" if option is None else option) for path, option in begun.decisions}


def _space(opened: Target, search: Component, entry: Component | Decided) -> Space:
    """The space that a search names, opened by the name that it has in the file."""
    program, component = opened.program, space_of(entry)
    span = _place(search, "space")
    name = _name_of(program, component)
    if name is None:
        title = f"the space `{component.name}` has no name in this file"
        raise ArchError((codes.WRONG_VALUE.at(span, title, "import it under a name, or declare it here"),))
    settings = {
        setting: Given(value, component.spans.get(setting, span), component.spans.get(setting, span))
        for setting, value in component.settings
    }
    target = Target(program, name, "space", f"{opened.shown}", settings, allow_extern=opened.allow_extern)
    return Space(target, _genome(entry) if isinstance(entry, Decided) else {})


def _name_of(program: Program, component: Component) -> str | None:
    """What the file calls the declaration of a component."""
    for name in program.unit.names():
        found = value_of_name(program, name)
        value = found[0] if found else None
        if isinstance(value, Component) and value.callee is component.callee and not value.settings:
            return name
    return None


def _refuse_unbuilt(search: Component, found: Fields) -> None:
    """Raise for what the language declares and nothing carries out."""
    if found.values.get("quantize") is not None:
        title = "`quantize` is declared and cannot run yet"
        raise ArchError((codes.NOT_BUILT.at(_place(search, "quantize"), title, "number formats are not searched yet"),))
    wishes = [(wish.metric, wish.span) for wish in found.objectives.values()]
    values = [(value, _place(search, name)) for name, value in found.values.items() if name != "space"]
    for value, span in wishes + values:
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Configured) and not each.entry.built:
                title = f"`{each.name}` is declared and cannot run yet"
                raise ArchError((codes.NOT_BUILT.at(span, title, f"another {each.entry.family} runs"),))


def _reads(search: Component, name: str) -> bool:
    """Whether the declaration speaks of a metric anywhere."""
    body = cast(Declared, search.callee).body
    for part in below(body) if body is not None else ():
        if isinstance(part, nodes.Name) and part.text == name:
            return True
        if isinstance(part, nodes.Objective) and part.metric is None and part.name.text == name:
            return True
    return False


def _place(search: Component, name: str) -> Span:
    """Where a field is set last."""
    node = cast(Declared, search.callee).node
    body = cast(Declared, search.callee).body
    spans = [n.value.span for n in below(body) if isinstance(n, nodes.Assign) and n.name.text == name] if body else []
    return spans[-1] if spans else node.name.span
