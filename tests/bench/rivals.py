"""Other searches, as they are written elsewhere: what ours are measured against."""

from collections.abc import Callable
from random import Random

import optuna

from archdsl.search.contract import Decision, Objective, Option
from tests.bench.tabled import Search, Seen, Table


def plain_evolution(population: int, sample: int) -> Search:
    """Regularised evolution as published: the best of a sample has a child with one decision drawn anew, the oldest
    dies. A candidate may be met again; its evaluation counts each time."""

    def search(table: Table, objectives: tuple[Objective, ...], seen: Seen, budget: int, seed: int):
        rng = Random(seed)
        found: list[tuple[float, dict[str, Option], tuple[Decision, ...]]] = []
        for _ in range(budget):
            wanted: dict[str, Option] = {}
            if len(found) >= population:
                _, parent, decisions = max(rng.sample(found[-population:], sample), key=lambda each: each[0])
                changed = rng.choice(decisions)
                others = [option for option in changed.options if option != changed.taken]
                wanted = parent | {changed.path: rng.choice(others)}
            child = table.domain.complete(wanted, rng)
            value = seen(child.genome)[0]
            found.append((value if objectives[0].maximize else -value, dict(child.genome), child.decisions))
        return [genome for _, genome, _ in found]

    return search


def of_optuna(sampler: Callable[[int], optuna.samplers.BaseSampler]) -> Search:
    """A sampler of Optuna, asked and told as its documentation shows."""

    def search(table: Table, objectives: tuple[Objective, ...], seen: Seen, budget: int, seed: int):
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        directions = ["maximize" if objective.maximize else "minimize" for objective in objectives]
        study = optuna.create_study(directions=directions, sampler=sampler(seed))
        found: list[dict[str, Option]] = []
        for _ in range(budget):
            trial = study.ask()
            candidate = table.domain.follow(
                lambda path, offer, trial=trial: trial.suggest_categorical(path, offer.names)
            )
            study.tell(trial, list(seen(candidate.genome)))
            found.append(dict(candidate.genome))
        return found

    return search


OPTUNA_TPE = of_optuna(lambda seed: optuna.samplers.TPESampler(seed=seed))
OPTUNA_NSGA2 = of_optuna(lambda seed: optuna.samplers.NSGAIISampler(seed=seed))
