"""What the parts of a search say to each other: domains of genomes, strategies, work, results, trials.

All of it is plain data: it goes through pipes, to other machines and into the journal as it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal, Protocol, TypeAlias

from archdsl.parts import Part as Part

Option: TypeAlias = "int | float | bool | str | tuple[Option, ...] | None"
"""An option as results write it."""
Genome: TypeAlias = "Mapping[str, Option]"
"""The option taken at the path of each decision that was reached, in the order in which they were taken."""
State: TypeAlias = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of one candidate. `options` are all that the text writes, `allowed` the numbers of those whose `when`
    holds for this candidate; `bounds` are the ends of a continuous range, which has no options."""

    path: str
    taken: Option
    options: tuple[Option, ...]
    allowed: tuple[int, ...]
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A valid genome with what elaborating it told. Two genomes that mean the same graph have one hash; without the
    graph there is none. `names` are the values that the space's body bound, for requirements that read them."""

    decisions: tuple[Decision, ...]
    hash: str
    params: int
    macs: int
    names: Mapping[str, object] = field(default_factory=dict[str, object], compare=False, repr=False)
    memory: int | None = None
    """The most bytes of activations at a time, where the space was asked to count them."""

    @property
    def genome(self) -> dict[str, Option]:
        return {decision.path: decision.taken for decision in self.decisions}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A genome that is no candidate, and why: a `require` of the space that it breaks, or one of the search."""

    reason: str
    genome: Genome = field(default_factory=dict[str, Option])


class Offered(Protocol):
    """What a decision has to offer one candidate, as `Decision` has it: all options by name, the numbers of the open
    ones, and the ends of a continuous range."""

    @property
    def names(self) -> "tuple[Option, ...]": ...
    @property
    def allowed(self) -> tuple[int, ...]: ...
    @property
    def bounds(self) -> tuple[float, float] | None: ...


Choosing: TypeAlias = Callable[[str, Offered], Option]
"""Takes one of the open options at a path."""


class Domain(Protocol):
    """The genomes that a strategy may propose."""

    def follow(self, choose: Choosing) -> Candidate | Rejected:
        """The candidate whose decisions a function takes, one after the other as they are reached: it gets the path and
        what is on offer, and gives one of the open options."""
        ...

    def draw(self, rng: Random) -> Candidate:
        """A candidate, uniformly over the valid ones."""
        ...

    def complete(self, wanted: Genome, rng: Random) -> Candidate | Rejected:
        """The candidate that takes what is wanted wherever that is reached and open; other decisions are drawn
        uniformly among the open options, one after the other."""
        ...


@dataclass(frozen=True, slots=True)
class Objective:
    """One wish: a metric, under the name by which results call it."""

    name: str
    maximize: bool
    metric: Part


@dataclass(frozen=True, slots=True)
class Work:
    """One stage of one trial, as it goes to a worker. `architecture` is the candidate as stand-alone `.arch` text whose
    one model is built; `seed` is the trial's own."""

    architecture: str
    genome: Genome
    evaluator: Part
    """As its `prepare` gave it."""
    metrics: tuple[Objective, ...]
    """What is wanted. Results call each by its objective's name; a stage answers those that it can measure."""
    seed: int
    threads: int = 1
    allow_extern: bool = False
    cutoffs: Mapping[int, float] = field(default_factory=dict[int, float])
    """For each step of intermediate reports, the value below which the trial is given up (larger is better)."""
    positions: Mapping[str, int] = field(default_factory=dict[str, int])
    """The number of the option taken at each path among all that the text writes, from 0."""
    known: Mapping[str, float] = field(default_factory=dict[str, float])
    """Costs that elaborating the candidate told, such as `params`; they are not counted again."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a stage found: its objectives, and other metrics under names of their own, which give way to those of
    objectives. `reports` are the intermediate values by step; `weights` a safetensors file as bytes, the
    weights that the metrics were measured with; `data` the preprocessing of the data (mean, std, size, classes ...)."""

    metrics: Mapping[str, float]
    reports: Mapping[int, float] = field(default_factory=dict[int, float])
    pruned: bool = False
    weights: bytes | None = None
    data: Mapping[str, object] | None = None


class TrialFailed(Exception):
    """An evaluator's word that this candidate cannot be measured, and why; the search goes on."""


Report: TypeAlias = Callable[[int, float], bool]
"""Takes a step and the value there, of which larger is better, and says whether to go on."""
Place: TypeAlias = Literal["anywhere", "alone", "here"]
"""Where a stage runs: on any worker; on the one that is reserved for measuring time, where nothing runs beside it; or
in the driver's own process, for what costs less than sending it."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What evaluators may know before the first trial: the folder of the file that searches, some valid candidates, and
    whether Python of its `extern`s may run. `architecture` writes a candidate as `.arch` text; `objectives` are all
    that are wanted."""

    folder: Path
    samples: Sequence[Candidate] = ()
    allow_extern: bool = False
    architecture: Callable[[Genome], str] | None = None
    objectives: Sequence[Objective] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """An evaluator that is ready: settings that it `found`, such as whole paths, which its part gets beside its own,
    and notes for people."""

    found: Mapping[str, object] = field(default_factory=dict[str, object])
    notes: tuple[str, ...] = ()


class Evaluator(Protocol):
    """How metrics of a candidate are found: a module each, `archdsl.search.evaluators.NAME` for a bare name, else what
    the name says. Where other machines lack what a work refers to, such as data, it has `shared(work)`, which gives by
    name what makes each of these things, and `receive(name, content)`, which takes one there, once."""

    PLACE: Place
    READS_ARCHITECTURE: bool
    """False where genome, positions and what is known are enough: no text is made for it."""

    def prepare(self, evaluator: Part, ground: Ground) -> Prepared:
        """Once, before the first trial: what is wrong whatever the candidate is raised as UsageError."""
        ...

    def gives(self, evaluator: Part, objective: Objective) -> bool:
        """Whether a prepared evaluator measures what an objective wants."""
        ...

    def offers(self, evaluator: Part) -> Sequence[str]:
        """The names that `reported` may ask a prepared evaluator for, as far as they are known; for messages."""
        ...

    def evaluate(self, work: Work, report: Report) -> Result:
        """Measure a candidate. TrialFailed says in the evaluator's words why it cannot be. When a report says not to go
        on, what has been found is returned at once."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """A finished trial. `proposal` counts what the strategy was asked for; `values` are the objectives in order, in
    their own direction; `violation` sums by how much requirements on trials are missed, 0 where all are met."""

    number: int
    proposal: int
    state: State
    genome: Genome
    hash: str
    seconds: float
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    values: tuple[float, ...] = ()
    violation: float = 0.0
    rung: int = 0
    error: str = ""
    reports: Mapping[int, float] = field(default_factory=dict[int, float])
    """The intermediate values of its last stage by step."""
    judged: "tuple[tuple[int, bool, tuple[float, ...]], ...]" = ()
    """Where promotion judged it: the stage, whether it went on, and the losses that it had there."""


class Strategy(Protocol):
    """Proposes candidates and is told of trials. Its state is what it was told, in order: a strategy that is told the
    trials of a journal again proposes what it would have proposed then."""

    def propose(self, rng: Random, pending: Sequence[Candidate]) -> Candidate | None:
        """The next candidate, drawn by `rng` alone; `pending` are proposed and not finished. None where the strategy
        has nothing left to propose."""
        ...

    def tell(self, trial: Trial, candidate: Candidate) -> None:
        """A trial of this strategy has finished, whatever its state."""
        ...

    def remarks(self) -> Mapping[str, float | str]:
        """What it has to say of itself, for the log and the summary: how well its predictor ranked, that it slows."""
        ...
