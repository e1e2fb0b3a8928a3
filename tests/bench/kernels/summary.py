"""What the rows of the speeds say: a line for each model, then means and the least."""

import statistics
from collections.abc import Iterator, Sequence

from tests.bench.kernels.alternation import Samples
from tests.bench.kernels.rivals import RIVALS
from tests.bench.kernels.rows import Row
from tests.bench.measures import Measure


def faster(row: Row, contestant: str, than: str | None = None) -> float | None:
    """How many times as fast as the eager module, or as another contestant; None where one of both has no times."""
    samples = row["samples"]
    other = best_rival(row) if than == "best rival" else than or row["baseline"]
    if contestant not in samples or other not in samples:
        return None
    return Samples(tuple(samples[contestant])).times_as_fast(Samples(tuple(samples[other])))


def best_rival(row: Row) -> str | None:
    """The fastest of those that others made and that were right, by the median."""
    medians = {name: statistics.median(row["samples"][name]) for name in RIVALS if name in row["samples"]}
    return min(medians, key=medians.__getitem__) if medians else None


def heading(contestants: Sequence[str]) -> str:
    return f"{'':<30} {'eager ms':>9} " + " ".join(f"{name:>18}" for name in contestants)


def line(row: Row, contestants: Sequence[str]) -> str:
    """Times as fast as eager, with the error, and what failed."""
    eager = statistics.median(row["samples"][row["baseline"]]) * 1e3
    cells = " ".join(f"{_cell(row, name):>18}" for name in contestants)
    failures = [f"  {name}: {(text.splitlines() or [''])[0][:140]}" for name, text in row["failures"].items()]
    return "\n".join([f"{row['key'].get('model', ''):<30} {eager:>9.1f} {cells}", *failures])


def ending(rows: Sequence[Row], contestants: Sequence[str]) -> list[str]:
    """The mean and the least of each."""
    ratios = [[ratio for row in rows if (ratio := faster(row, name))] for name in contestants]
    lines: list[str] = []
    for word, of in (("geometric mean", statistics.geometric_mean), ("least", min)):
        cells = " ".join(f"{of(each):>10.3f}        " if each else f"{'-':>10}        " for each in ratios)
        lines.append(f"{word:<40} {cells}".rstrip())
    return lines


def _cell(row: Row, name: str) -> str:
    ratio = faster(row, name)
    return "-" if ratio is None else f"{ratio:.3f} ({row['errors'][name]:.0e})"


def least_and_mean(
    rows: Sequence[Row], contestant: str, beside: str | None, least: float | None, mean: float | None, where: str
) -> Iterator[Measure]:
    """The values that have bounds, where the rows have them."""
    ratios = [ratio for row in rows if (ratio := faster(row, contestant, beside))]
    if not ratios:
        return
    unit = f"x {beside or 'eager'}"
    if mean is not None:
        value = statistics.geometric_mean(ratios)
        yield Measure(f"{contestant}, mean of {len(ratios)}, {where}", value, unit, at_least=mean)
    if least is not None:
        yield Measure(f"{contestant}, least of {len(ratios)}, {where}", min(ratios), unit, at_least=least)


def regions(row: Row, count: int = 8) -> list[str]:
    """Where a plan spends its time: like regions together, beside what their plain pieces take."""
    lines: list[str] = []
    for contestant, plan in row["plans"].items():
        lines.append(
            f"{row['key'].get('model', '')}, {contestant}: engine {plan['engine']}, sum {plan['summed_ms']:.1f} ms, "
            f"{plan['conversions']} conversions {plan['conversions_ms']:.1f} ms"
            + (f", refused: {plan['refused']}" if plan["refused"] else "")
        )
        lines += [f"  note: {note}" for note in plan["notes"]]
        lines += [
            f"  {each['ms']:7.2f} ms {each['ms'] / plan['summed_ms']:4.0%} {each['count']:4d} x, plain "
            f"{each['plain_ms']:7.2f}  {each['kind']}: {each['ops']} | {each['kernel']} in {each['mode']}"
            for each in plan["groups"][:count]
        ]
    return lines
