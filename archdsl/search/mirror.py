"""The mirror of the journal for Optuna's tools, such as optuna-dashboard. Nothing is read back from it.

It has a thread of its own, since a trial costs Optuna tens of milliseconds: trials come in batches, and whoever stops
waits until it is level. What goes wrong with the database is told, and costs no trial: the journal has them all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Condition, Thread
from typing import Any, cast

from archdsl.diagnostics.record import UsageError
from archdsl.search.contract import Decision, Objective, Trial
from archdsl.search.trial_table import as_printed

BATCH = 25
REST = 2.0
"""Of the time that a batch took: how long the thread then leaves the processor to the search."""
PATIENCE = 5
"""Seconds that a locked database is waited for."""
Param = tuple[str, object, Mapping[str, object]]
"""The name of a parameter, its value, and its distribution: `choices`, or `low` and `high`."""


Waiting = tuple[Trial, Callable[[], list[Param]]]


@dataclass(slots=True)
class Params:
    """Decisions as parameters. One name has one set of choices: where a text offers others at a path, depending on what
    was decided before, these are a parameter of their own."""

    known: dict[str, list[tuple[object, ...]]] = field(default_factory=dict[str, list[tuple[object, ...]]])

    def of(self, decisions: Sequence[Decision]) -> list[Param]:
        return [self._param(decision) for decision in decisions]

    def _param(self, decision: Decision) -> Param:
        if decision.bounds is not None:
            low, high = decision.bounds
            return self._name(decision.path, (low, high)), decision.taken, {"low": low, "high": high}
        # To a database 1, 1.0 and true are one; as texts they are three.
        plain = all(type(option) is type(decision.options[0]) for option in decision.options)
        plain = plain and isinstance(decision.taken, int | float | str)
        choices = tuple(option if plain else as_printed(option) for option in decision.options)
        taken = decision.taken if plain else as_printed(decision.taken)
        return self._name(decision.path, choices), taken, {"choices": choices}

    def _name(self, path: str, key: tuple[object, ...]) -> str:
        sets = self.known.setdefault(path, [])
        if key not in sets:
            sets.append(key)
        number = sets.index(key)
        return path if number == 0 else f"{path} ({number + 1})"


@dataclass(slots=True)
class Mirror:
    """Fills a study behind the search's back."""

    url: str
    name: str
    objectives: Sequence[Objective]
    failure: str = ""
    done: int = 0
    _waiting: list[Waiting] = field(default_factory=list[Waiting])
    _given: int = 0
    _changed: Condition = field(default_factory=Condition)
    _study: Any = None
    _closing: bool = False
    _hurry: bool = False
    _thread: Thread | None = None

    def start(self) -> None:
        """Begin to mirror, beside the search."""
        self._thread = Thread(target=self._run, name="mirror", daemon=True)
        self._thread.start()

    def open(self) -> None:
        """Open the database now. Raises UsageError if it is none."""
        try:
            self._study = _opened(self.url, self.name, self.objectives)
        except Exception as error:
            raise UsageError(f"the storage `{self.url}` cannot be used: {_told(error)}") from None

    def add(self, trial: Trial, params: Callable[[], list[Param]]) -> None:
        """Take a finished trial; they come in order. Parameters are asked for in the mirror's thread."""
        with self._changed:
            self._waiting.append((trial, params))
            self._given += 1
            self._changed.notify_all()

    def finish(self, seconds: float) -> bool:
        """Bring the study level and end; whether it is, in so many seconds."""
        with self._changed:
            self._hurry = self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)
        return self.done == self._given

    def _run(self) -> None:
        import time

        there: int | None = None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                batch = self._waiting[:BATCH]
                if not batch:
                    return
            begun = time.monotonic()
            try:
                if self._study is None:
                    self._study = _opened(self.url, self.name, self.objectives)
                there = _count(self._study) if there is None else there
                if there < self._given:
                    made = [(trial, params()) for trial, params in batch]
                    for trial, params in made:
                        if trial.number >= there:
                            self._study.add_trial(_frozen(trial, params))
                            there += 1
                self.failure = ""
            except Exception as error:
                self.failure = f"`{self.url}` could not be brought level: {_told(error)}"
                self._study, there = None, None
                if self._closing:
                    return
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, PATIENCE)
                continue
            with self._changed:
                del self._waiting[: len(batch)]
                self.done += len(batch)
                if not self._hurry:
                    self._changed.wait_for(lambda: self._hurry, REST * (time.monotonic() - begun))


def _opened(url: str, name: str, objectives: Sequence[Objective]) -> Any:
    """The study, which may be new."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    arguments = {"connect_args": {"timeout": PATIENCE}} if url.startswith("sqlite") else {}
    storage = optuna.storages.RDBStorage(url, engine_kwargs=arguments)
    directions: list[Any] = ["maximize" if wish.maximize else "minimize" for wish in objectives]
    study = optuna.create_study(storage=storage, study_name=name, directions=directions, load_if_exists=True)
    # As `Study.set_metric_names` does, which warns that it may change.
    number = storage.get_study_id_from_name(name)
    storage.set_study_system_attr(number, "study:metric_names", [wish.name for wish in objectives])
    return study


def _count(study: Any) -> int:
    """How many trials it has."""
    return len(cast("list[object]", study.get_trials(deepcopy=False)))


def _frozen(trial: Trial, params: Sequence[Param]) -> Any:
    """A trial as Optuna has it."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution
    from optuna.trial import TrialState, create_trial

    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    distributions = {
        name: CategoricalDistribution(cast("tuple[Any, ...]", kind["choices"]))
        if "choices" in kind
        else FloatDistribution(cast(float, kind["low"]), cast(float, kind["high"]))
        for name, _, kind in params
    }
    attributes: dict[str, object] = {"number": trial.number, "hash": trial.hash, "seconds": trial.seconds}
    attributes |= {f"metric {name}": value for name, value in trial.metrics.items()}
    attributes |= {"violation": trial.violation} if trial.violation else {}
    attributes |= {"error": trial.error} if trial.error else {}
    frozen = create_trial(
        state=states[trial.state],
        values=list(trial.values) if trial.state == "complete" else None,
        params=cast("dict[str, Any]", {name: value for name, value, _ in params}),
        distributions=cast(Any, distributions),
        user_attrs=cast("dict[str, Any]", attributes),
        intermediate_values=dict(trial.reports),
    )
    frozen.datetime_complete = datetime.now()
    frozen.datetime_start = frozen.datetime_complete - timedelta(seconds=trial.seconds)
    return frozen


def _told(error: BaseException) -> str:
    """What a database says, without the statement that it was given."""
    first = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return first or type(error).__name__
