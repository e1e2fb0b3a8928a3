"""A search over a hundred small models, with an evaluator that does as it is told. As a program it runs one:
`python -m tests.search.small_search FOLDER OPTIONS`, options as JSON."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from archdsl.parts import Part
from archdsl.search.events import Event
from archdsl.search.mirror import Mirror
from archdsl.search.opening import Wanted, as_before
from archdsl.search.output_folder import look_into, refuse_without_resume
from archdsl.search.problem import Problem, open_problem
from archdsl.search.running import Ended, run_problem
from tests.search.fakes import fake
from tests.search.home_fakes import fake_at_home

TEXT = """\
model net(a: int, b: int)(x: [batch, 4]) {
  return x |> linear(a + 1) as one |> linear(b + 2) as two
}

space nets() {
  let a = choose(0..9)
  let b = choose(0..9)
  return net(a, b)
}

search small() {
  space = nets()
  strategy = STRATEGY
  budget = limits(trials=20)
  maximize good = reported()
  minimize cost = reported()
}
"""


def write_small(folder: Path, strategy: str = "random()") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "small.arch"
    path.write_text(TEXT.replace("STRATEGY", strategy), encoding="utf-8")
    return path


def small_problem(path: Path, evaluators: tuple[Part, ...], wanted: Wanted) -> Problem:
    """The problem of the file, measured by these evaluators."""
    problem = open_problem(str(path), trials=wanted.trials, seconds=wanted.seconds, seed=wanted.seed)
    return replace(problem, built_in=evaluators)


def run_small(
    path: Path,
    folder: Path,
    evaluators: tuple[Part, ...] = (),
    listener: Callable[[Event], None] | None = None,
    **wanted: Any,
) -> Ended:
    """Run it, as `run_search` does."""
    found = look_into(folder)
    refuse_without_resume(found, wanted.get("resume", False))
    options = as_before(Wanted(**wanted), found)
    return run_problem(small_problem(path, evaluators or (fake_at_home(),), options), found, options, listener=listener)


if __name__ == "__main__":
    # Optuna's mirror has tests of its own, and costs seconds.
    Mirror.start = lambda self: None  # pyright: ignore[reportAttributeAccessIssue]
    Mirror.finish = lambda self, seconds: True  # pyright: ignore[reportAttributeAccessIssue]
    options = json.loads(sys.argv[2])
    settings = options.pop("evaluator")
    made = fake_at_home if settings.pop("home", False) else fake
    run_small(Path(options.pop("path")), Path(sys.argv[1]), (made(**settings),), **options)
