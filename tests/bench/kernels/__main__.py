"""Measures what is promised of tuned models, figure by figure; what the file has already is not measured again.

    python -m tests.bench.kernels --figure 1 --threads 1 --batch 1,8 --json rows.jsonl

1 our plans beside timm eager, 2 our `auto` beside other engines, 3 neighborhood attention and large kernels, 4 sums of
the record beside whole models, 5 how long tuning takes, 6 a GPU."""

import argparse
import json
import sys
from pathlib import Path

from tests.bench.beside_timm import timm
from tests.bench.kernels.asked import Asked
from tests.bench.kernels.figures import FIGURES
from tests.bench.kernels.models import MODELS
from tests.bench.kernels.rows import rows_of
from tests.bench.kernels.speeds import SECONDS
from tests.bench.measures import Measure
from tests.bench.timing import machine


def main() -> int:
    given = _arguments()
    asked = Asked(
        given.models,
        given.threads,
        given.batch,
        rows_of(given.json),
        given.seconds,
        given.contestants,
        given.candidates,
        given.regions,
        given.budget,
    )
    print(", ".join(f"{name} {value}" for name, value in machine().items() if name != "threads"))
    if timm() is None:
        print("timm is not installed (pip install --no-deps timm): eager is ours without tuning")
    found: list[Measure] = [measure for figure in given.figure for measure in FIGURES[figure](asked)]
    print()
    for measure in found:
        bound = measure.at_least if measure.at_least is not None else measure.at_most
        promised = "" if bound is None else f"promised {bound:g}: {'kept' if measure.holds() else 'BROKEN'}"
        print(f"{measure.name:<60} {measure.value:>8.3f} {measure.unit:<14} {promised}")
    for measure in found:
        print(json.dumps({"name": measure.name, "value": measure.value, "unit": measure.unit}))
    return 0 if all(measure.holds() for measure in found) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figure", type=_numbers, default=tuple(FIGURES), help="which, as in 1,2; all without it")
    parser.add_argument("--models", type=_words, default=MODELS, help="names of the zoo that timm has, too")
    parser.add_argument("--threads", type=_numbers, default=(1, 2))
    parser.add_argument("--batch", type=_numbers, default=(1, 8))
    parser.add_argument("--contestants", type=_words, default=(), help="others than the figure's own")
    parser.add_argument("--candidates", type=int, default=100, help="of each space, in figure 4")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="that the modules of a row take turns")
    parser.add_argument("--budget", help="for the engine `auto`, as in 5m")
    parser.add_argument("--regions", action="store_true", help="show where plans spend their time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where rows are kept, and read from")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


if __name__ == "__main__":
    sys.exit(main())
