"""How good what a search finds is after so many trials, beside what other searches find with as many:

    python -m tests.bench.search_efficiency [SEEDS]

Regret is by how much the mean accuracy of the candidate that looked best falls short of the best there is; missing
is the share of the whole table's hypervolume that is not dominated. Both are means over seeds, all in one run."""

import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import sqrt
from os import cpu_count
from statistics import mean, stdev

from tests.bench.rivals import OPTUNA_NSGA2, OPTUNA_TPE, plain_evolution
from tests.bench.tabled import Search, macro, one_objective, ours, two_objectives

BUDGETS = (50, 100, 200)
ALONE: Mapping[str, Search] = {
    "evolution": ours("evolution"),
    "random": ours("random"),
    "plain evolution 20, 5": plain_evolution(20, 5),
    "plain evolution 50, 10": plain_evolution(50, 10),
    "optuna tpe": OPTUNA_TPE,
    "optuna nsga2": OPTUNA_NSGA2,
}
FRONTS: Mapping[str, Search] = {
    "nsga2": ours("nsga2"),
    "random": ours("random"),
    "optuna tpe": OPTUNA_TPE,
    "optuna nsga2": OPTUNA_NSGA2,
}


@dataclass(frozen=True, slots=True)
class Compared:
    """What searches came to: for each, for each seed, a number for each budget; smaller is better."""

    of: str
    found: Mapping[str, list[tuple[float, ...]]]

    @property
    def names(self) -> list[str]:
        """Ours, and then its rivals."""
        return list(self.found)

    def means(self, name: str) -> list[float]:
        return [mean(column) for column in zip(*self.found[name], strict=True)]

    def ahead(self, rival: str, at: int) -> tuple[float, float]:
        """By how much ours is better at a budget on average, and the standard error of that: pairs have a seed each."""
        pairs = zip(self.found[rival], self.found[self.names[0]], strict=True)
        gaps = [theirs[at] - own[at] for theirs, own in pairs]
        return mean(gaps), stdev(gaps) / sqrt(len(gaps))

    def broken(self) -> list[str]:
        """What does not hold of what is promised: better than each at all budgets but the last, and at that not worse
        than any by more than one standard error."""
        found: list[str] = []
        for rival in self.names[1:]:
            for at, budget in enumerate(BUDGETS):
                ahead, error = self.ahead(rival, at)
                if ahead <= 0 if at < len(BUDGETS) - 1 else ahead < -error:
                    found.append(f"{self.of} after {budget}: {ahead:.4f} +- {error:.4f} ahead of {rival}")
        return found

    def __str__(self) -> str:
        lines = [f"{self.of:<28} " + " ".join(f"{budget:>8}" for budget in BUDGETS)]
        for name in self.names:
            row = " ".join(f"{value:8.4f}" for value in self.means(name))
            lines.append(f"  {name:<26} {row}")
        return "\n".join(lines)


def regrets(name: str, seed: int) -> tuple[float, ...]:
    table = macro()
    objectives, seen = one_objective(table)
    genomes = ALONE[name](table, objectives, seen, BUDGETS[-1], seed)
    return tuple(table.regret(genomes[:budget]) for budget in BUDGETS)


def missing(name: str, seed: int) -> dict[str, tuple[float, ...]]:
    table = macro()
    objectives, seen = two_objectives(table)
    genomes = FRONTS[name](table, objectives, seen, BUDGETS[-1], seed)
    return {
        called: tuple(table.missing(genomes[:budget], reference) for budget in BUDGETS)
        for called, reference in table.references().items()
    }


Mapped = Callable[..., Iterable[object]]


def compared(seeds: int, each: Mapped = map) -> list[Compared]:
    """Everything in one run."""
    alone = {name: list(each(regrets, [name] * seeds, range(seeds))) for name in ALONE}
    fronts = {name: list(each(missing, [name] * seeds, range(seeds))) for name in FRONTS}
    found = [Compared("regret in mean accuracy", alone)]
    for called in macro().references():
        rows = {name: [row[called] for row in rows] for name, rows in fronts.items()}
        found.append(Compared(f"missing hypervolume ({called})", rows))
    return found


def main() -> int:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with ProcessPoolExecutor(cpu_count()) as pool:
        found = compared(seeds, pool.map)
    print(f"{seeds} seeds")
    for each in found:
        print(each)
    broken = [line for each in found for line in each.broken()]
    print("\n".join(broken) if broken else "all that is promised holds")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
