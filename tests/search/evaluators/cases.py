"""One small candidate, and how each evaluator is asked about it."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from archdsl.parts import EXTERN, Part, default_part
from archdsl.search.contract import Candidate, Ground, Objective, Result, TrialFailed, Work
from archdsl.search.evaluation import attempted, evaluator_named
from archdsl.search.workers.contract import Job
from archdsl.space.opened import Space
from archdsl.targets import open_target

SPACE = """\
model net(width: int, kernels: list[int], act: block)(x: [b, 3, 8, 8]) {
  x = x |> conv(width, 3, bias=false) as stem |> batch_norm() as norm |> act
  for i, k in enumerate(kernels) {
    x = x |> conv(width, k) as convs[i] |> batch_norm() as norms[i] |> act
  }
  return x |> mean(axes=(2, 3)) |> linear(5) as head
}

space nets() {
  let width = choose(4, 8)
  let depth = choose(1..2)
  let kernels = [choose(1, 3) for i in 0..<depth]
  let act = choose(relu, gelu)
  return net(width, kernels, act)
}
"""
FUNCTION = """\
def judged(model, source, report, scale=1.0):
    report(0, 0.25)
    size = sum(p.numel() for p in model.parameters())
    return {"quality": scale * size, "lines": source.count("\\\\n"), "accuracy": 0.5, "latency": 0.001}
"""


def space_in(folder: Path) -> Space:
    path = folder / "nets.arch"
    path.write_text(SPACE, encoding="utf-8")
    return Space(open_target(str(path), wants=("space",)))


def candidates_of(space: Space, count: int = 64, seed: int = 0) -> list[Candidate]:
    rng = Random(seed)
    return [found for _ in range(count) if isinstance(found := space.complete({}, rng), Candidate)]


def positions_of(candidate: Candidate) -> dict[str, int]:
    return {d.path: d.options.index(d.taken) for d in candidate.decisions}


def objective(name: str, metric: str | None = None, /, **settings: object) -> Objective:
    return Objective(name, True, default_part("metric", metric or name, **settings))


@dataclass(frozen=True)
class Case:
    """An evaluator, what it is asked for, and other metrics that it must leave to others."""

    part: Part
    objectives: tuple[Objective, ...]
    others: tuple[Objective, ...]


def cases() -> dict[str, Case]:
    """At least one for every registered evaluator."""
    return {
        "static": Case(
            Part("static"),
            (objective("params"), objective("size", "macs"), objective("memory")),
            (objective("accuracy"), objective("score", "reported")),
        ),
        "table": Case(
            default_part("evaluator", "table", path="nets.csv", metrics=(("accuracy", "acc"),)),
            (objective("acc", "reported"), objective("quality", "reported", name="acc"), objective("accuracy")),
            (objective("params"), objective("latency"), objective("none", "reported")),
        ),
        **{
            f"zero_cost {proxy}": Case(
                default_part("evaluator", "zero_cost", proxy=proxy, batch=8),
                (objective(proxy, "reported"), objective("score", "reported", name=proxy)),
                (objective("params"), objective("accuracy"), objective("none", "reported")),
            )
            for proxy in ("az_nas", "synflow")
        },
        "latency": Case(
            Part("latency"),
            (
                objective("latency"),
                objective("summed", "latency", mode="table", batch=2),
                objective("plain", "latency", tuned=False),
                objective("guessed", "latency", mode="predicted", device="phone", table="nets.csv", column="acc"),
            ),
            (objective("params"), objective("accuracy"), objective("score", "reported")),
        ),
        "extern": Case(
            Part(EXTERN, {"name": "judge", "reference": "FUNCTIONS:judged", "settings": {"scale": 2.0}}),
            (objective("quality", "reported"), objective("top", "accuracy"), objective("latency")),
            (objective("params"),),
        ),
    }


def write_table(path: Path, found: list[Candidate]) -> None:
    """Every candidate that was found, once, with `acc` that follows from it."""
    paths = sorted({place for candidate in found for place in candidate.genome})
    rows = {",".join(str(candidate.genome.get(place, "")) for place in paths): candidate.params for candidate in found}
    path.write_text(
        "\n".join([",".join([*paths, "acc", "note"]), *(f"{key},{acc / 7},x" for key, acc in rows.items())]),
        encoding="utf-8",
    )


@contextmanager
def ground_in(folder: Path) -> Generator[Ground]:
    """A folder with all that the cases need."""
    space = space_in(folder)
    found = candidates_of(space)
    write_table(folder / "nets.csv", found)
    (folder / "FUNCTIONS.py").write_text(FUNCTION, encoding="utf-8")
    sys.path.insert(0, str(folder))
    try:
        yield Ground(folder, found, allow_extern=True, architecture=space.architecture)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("FUNCTIONS", None)


def ready(case: Case, ground: Ground) -> Part:
    part = case.part
    found = evaluator_named(part.name).prepare(part, replace(ground, objectives=case.objectives)).found
    return Part(part.name, {**part.settings, **found})


def work_for(space: Space, candidate: Candidate, part: Part, *wishes: Objective, seed: int = 0) -> Work:
    return Work(
        space.architecture(candidate.genome),
        candidate.genome,
        part,
        wishes,
        seed,
        allow_extern=True,
        positions=positions_of(candidate),
    )


def evaluated(work: Work) -> Result:
    """What a worker finds; raises TrialFailed where it finds nothing."""
    found = attempted(Job(0, work))
    if found.result is None:
        raise TrialFailed(found.failure + found.trace)
    return found.result
