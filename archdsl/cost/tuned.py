"""How long models take with the kernels that `archdsl build --tune` runs: whole, or as the sum of what the record knows
of their regions. Graphs of which that cannot be told, those with externs, are left to PyTorch's modules."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from archdsl.cost.latency_record import keep_time, kept_time
from archdsl.cost.timed_pass import TimedPass
from archdsl.kept_times import user_record
from archdsl.tuning import DTYPES, engines_folder
from archdsl_compiler.digest import Known, digest
from archdsl_compiler.graph import Module, instances
from archdsl_compiler.tuning.measuring import Timing

if TYPE_CHECKING:
    from archdsl_compiler.tuning.pricing import Progress
    from archdsl_compiler.tuning.summed import Sum, Sums


def is_tunable(graph: Module, dtype: str) -> bool:
    """Whether `build --tune` takes the graph."""
    return (
        dtype in DTYPES.values()
        and bool(graph.input_types)
        and not any(each.module.extern for each in instances(graph))
    )


@dataclass(slots=True)
class SummedRegions:
    """Sums of the record. Under conditions of this process what it does not know is measured; under those of another
    machine (`elsewhere`) rules of thumb stand in, and `ruled` says for which share of the last sum."""

    elsewhere: bool = False
    progress: "Progress | None" = None
    ruled: float = 0.0

    def seconds(self, graph: Module, timed: TimedPass) -> float:
        found = self.found(graph, timed)
        self.ruled = found.ruled / found.seconds if found.seconds else 0.0
        return found.seconds

    def found(self, graph: Module, timed: TimedPass) -> "Sum":
        sums = _sums(timed, not self.elsewhere, user_record().path)
        sums.progress = self.progress
        return sums.of(graph)


@cache
def _sums(timed: TimedPass, measure: bool, record: object) -> "Sums":
    """One for a process, which remembers the regions that it met."""
    from archdsl_compiler.tuning.summed import Sums

    return Sums(user_record(), timed.conditions, timed.batch, timed.dtype, measure)


@dataclass(slots=True)
class TunedWholes:
    """Times of whole tuned models, in this process."""

    build: Callable[[Module], Any]
    known: Known = field(default_factory=dict[int, tuple[Module, str]])

    def seconds(self, graph: Module, timed: TimedPass) -> float:
        name = digest(graph, self.known)
        found = kept_time(name, timed, _kernel())
        if found is None:
            seconds = _tuned_seconds(self.build(graph), graph, timed)
            found = keep_time(name, timed, Timing(seconds, seconds, 1), graph.name, _kernel())
        return found


def _tuned_seconds(model: Any, graph: Module, timed: TimedPass) -> float:
    """Of the plan, or of the model itself where that is faster."""
    from archdsl_compiler.passes.deploy import deploy
    from archdsl_compiler.tuning.tune import Wish, tune

    wish = Wish(timed.device, cast(Any, timed.dtype), timed.batch)
    plan = tune(model.to(timed.device), deploy(graph), wish, user_record(), root=engines_folder()).plan
    milliseconds = plan.eager_milliseconds if plan.refused else plan.plan_milliseconds
    if milliseconds is None:
        raise RuntimeError("; ".join(("the tuned model could not be timed", *plan.notes)))
    return milliseconds * 1e-3


@cache
def _kernel() -> str:
    """The name of tuned models in the record: another one when there are other kernels."""
    from archdsl_compiler.kernels.contract import kernels

    versions = " ".join(f"{kernel.name}{kernel.version}" for kernel in kernels())
    return f"tuned {sha256(versions.encode()).hexdigest()[:12]}"
