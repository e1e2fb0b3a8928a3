"""Measures the speeds that are promised, and prints them as a table and as JSON lines: `python -m tests.bench`."""

import json
import sys

from tests.bench.beside_timm import BESIDE_TIMM, timm
from tests.bench.kernels.figures import shortly
from tests.bench.measures import MEASURES, Measure
from tests.bench.neighborhood import neighborhoods
from tests.bench.proposing import proposals
from tests.bench.timing import machine


def main() -> int:
    where = machine()
    print(", ".join(f"{name} {value}" for name, value in where.items()), flush=True)
    if timm() is None:
        print("timm is not installed (pip install --no-deps timm): ours are measured alone", flush=True)
    found: list[Measure] = []
    print(f"\n{'what':<54} {'median':>10} {'':<8} {'promised':>12}      ")
    for measuring in (*MEASURES, *BESIDE_TIMM, proposals, neighborhoods, shortly):
        for measure in measuring():
            found.append(measure)
            print(_row(measure), flush=True)
    print()
    print(json.dumps(where))
    for measure in found:
        print(json.dumps(_object(measure)))
    return 0 if all(measure.holds() for measure in found) else 1


def _row(measure: Measure) -> str:
    promised = ""
    if measure.at_least is not None:
        promised = f">= {_number(measure.at_least)}"
    elif measure.at_most is not None:
        promised = f"<= {measure.at_most:g}"
    verdict = "" if not promised else "kept" if measure.holds() else "BROKEN"
    more = ", ".join(f"{name} {_number(value)}" for name, value in measure.more)
    return f"{measure.name:<54} {_number(measure.value):>10} {measure.unit:<8} {promised:>12} {verdict:<6} {more}"


def _object(measure: Measure) -> dict[str, object]:
    promise = {"at_least": measure.at_least, "at_most": measure.at_most}
    return {
        "name": measure.name,
        "value": float(f"{measure.value:.4g}"),
        "unit": measure.unit,
        **{key: bound for key, bound in promise.items() if bound is not None},
        **{name: float(f"{value:.4g}") for name, value in measure.more},
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
