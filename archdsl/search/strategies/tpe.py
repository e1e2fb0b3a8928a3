"""`tpe`: Optuna's tree-structured Parzen estimator, on a study in memory that is fed from what was told.

A decision is a parameter of its own wherever it is reached, and one for each set of options that was open there, so
that conditional spaces need no padding. What is asked is forgotten at once: the study knows told trials alone."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from random import Random
from statistics import median
from time import perf_counter
from typing import cast

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from archdsl.search.contract import Candidate, Domain, Objective, Offered, Option, Part, Trial
from archdsl.search.strategies.told import Told, names_of
from archdsl.search.strategies.unseen import Unseen

TRIES = 5
SLOW = 0.1
"""Seconds for a proposal from which on it says that it has become slow."""


@dataclass(slots=True)
class ParzenEstimator:
    """Asks Optuna for each decision as it is reached."""

    startup: int
    domain: Domain
    told: Told
    unseen: Unseen
    study: optuna.Study
    _seconds: deque[float] = field(default_factory=lambda: deque[float](maxlen=21))

    def propose(self, rng: Random, pending: Sequence[Candidate]) -> Candidate | None:
        waiting = names_of(pending)
        if len(self.told) < self.startup:
            return self.unseen.drawn(rng, waiting)
        began = perf_counter()
        found = self._asked(rng, waiting)
        self._seconds.append(perf_counter() - began)
        return found or self.unseen.drawn(rng, waiting)

    def tell(self, trial: Trial, candidate: Candidate) -> None:
        self.told.add(trial, candidate)
        self.study.add_trial(_frozen(trial, candidate, len(self.told.objectives)))

    def remarks(self) -> Mapping[str, float | str]:
        if not self._seconds:
            return {}
        taken = median(self._seconds)
        found: dict[str, float | str] = {"tpe_seconds": taken}
        if taken > SLOW:
            found["tpe_slow"] = (
                f"`tpe` takes {taken:.2f} s for a proposal after {len(self.told):,} trials, and more with each; "
                "`evolution` stays quick"
            )
        return found

    def _asked(self, rng: Random, waiting: Collection[str]) -> Candidate | None:
        self.study.sampler = optuna.samplers.TPESampler(n_startup_trials=0, seed=rng.getrandbits(32))
        for _ in range(TRIES):
            asked = self.study.ask()
            found = self.domain.follow(lambda path, offer, asked=asked: _suggested(asked, path, offer))
            self.study.tell(asked, state=TrialState.FAIL)
            if isinstance(found, Candidate) and self.told.is_new(found, waiting):
                return found
        return None


def _suggested(asked: optuna.Trial, path: str, offer: Offered) -> Option:
    """What Optuna takes of an offer."""
    if offer.bounds is not None:
        return asked.suggest_float(path, *offer.bounds)
    options = tuple(offer.names[number] for number in offer.allowed)
    written = tuple(repr(option) for option in options)
    return options[written.index(asked.suggest_categorical(_parameter(path, offer.names, offer.allowed), written))]


def _parameter(path: str, options: Sequence[Option], allowed: Sequence[int]) -> str:
    """What a decision is called in the study: Optuna takes no other set of choices under the same name."""
    if len(allowed) == len(options):
        return path
    return f"{path} {', '.join(repr(options[number]) for number in allowed)}"


def _frozen(trial: Trial, candidate: Candidate, objectives: int) -> optuna.trial.FrozenTrial:
    """A told trial as Optuna keeps it. Several objectives know no trials that were stopped."""
    params: dict[str, object] = {}
    distributions: dict[str, BaseDistribution] = {}
    for decision in candidate.decisions:
        if decision.bounds is not None:
            params[decision.path] = decision.taken
            distributions[decision.path] = FloatDistribution(*decision.bounds)
        else:
            name = _parameter(decision.path, decision.options, decision.allowed)
            written = [repr(decision.options[number]) for number in decision.allowed]
            params[name] = repr(decision.taken)
            distributions[name] = CategoricalDistribution(written)
    whole = trial.state == "complete" and len(trial.values) == objectives and all(map(isfinite, trial.values))
    if whole:
        return optuna.trial.create_trial(
            values=trial.values,
            params=params,
            distributions=distributions,
            constraints={"violation": trial.violation} if isfinite(trial.violation) else {"violation": 1e9},
        )
    state = TrialState.PRUNED if trial.state == "pruned" and objectives == 1 else TrialState.FAIL
    return optuna.trial.create_trial(state=state, params=params, distributions=distributions)


def strategy(part: Part, domain: Domain, objectives: Sequence[Objective]) -> ParzenEstimator:
    told = Told(objectives)
    heard = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["maximize" if wish.maximize else "minimize" for wish in objectives])
    optuna.logging.set_verbosity(heard)
    return ParzenEstimator(cast(int, part["startup"]), domain, told, Unseen(domain, told), study)
