"""How well latencies are guessed from decisions: Spearman's correlation over rows that were held out, on the FBNet
table of six devices (HELP, MIT licence), beside the floor: a ridge regression on how often each option stands.

    python -m tests.bench.latency_prediction [--repeats 5] [--rows 10 100 900]"""

import argparse
import csv
import gzip
import io
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor

from archdsl.cost.fitting import rank_correlation
from archdsl.cost.predictor import Predictor, Row

TABLE = Path(__file__).parents[1] / "data" / "fbnet_latency.csv.gz"
DEVICES = ("pixel2", "pixel3", "raspi4", "samsung_s7", "essential_ph_1", "gold_6240")
HELD_OUT = 1000
RIDGES = (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0)


@cache
def table() -> tuple[list[Row], dict[str, list[float]]]:
    """The decisions of every row, and the milliseconds by device."""
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(TABLE.read_bytes()).decode())))
    decided: list[Row] = [{name: cell for name, cell in row.items() if name.startswith("op")} for row in rows]
    return decided, {device: [float(row[f"lat_{device}"]) for row in rows] for device in DEVICES}


def floor(rows: Sequence[Row], values: Sequence[float], asked: Sequence[Row]) -> list[float]:
    """Ridge regression on counts of options; its strength by leaving one row out."""
    options = sorted({option for row in rows for option in row.values()})

    def counts(them: Sequence[Row]) -> Tensor:
        return torch.tensor([[list(row.values()).count(o) for o in options] for row in them], dtype=torch.float64)

    linalg: Any = torch.linalg
    x, y = counts(rows), torch.tensor(values, dtype=torch.float64)
    middle, level = x.mean(0), y.mean()
    u, s, v = linalg.svd(x - middle, full_matrices=False)
    turned = u.T @ (y - level)

    def error(strength: float) -> float:
        hat = (u * (s * s / (s * s + strength))) @ u.T
        left_out = (y - level - hat @ (y - level)) / (1 - hat.diagonal() - 1 / len(y) + 1e-9)
        return float(left_out.square().mean())

    best = min(RIDGES, key=error)
    weights = v.T @ (s / (s * s + best) * turned)
    return ((counts(asked) - middle) @ weights + level).tolist()


def correlations(device: str, count: int, repeat: int) -> tuple[float, float]:
    """Of the floor and of the predictor, learned from so many rows."""
    rows, values = table()
    order = random.Random(f"{count} {repeat}").sample(range(len(rows)), count + HELD_OUT)
    known, asked = order[:count], order[count:]
    seen, truth = [rows[i] for i in known], [values[device][i] for i in asked]
    measured, wanted = [values[device][i] for i in known], [rows[i] for i in asked]
    guesses = floor(seen, measured, wanted), Predictor(seen, measured)(wanted)
    low, ours = (rank_correlation(each, truth) for each in guesses)
    return low, ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, nargs="*", default=[10, 100, 900])
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'device':16}{'rows':>6}{'floor':>16}{'predictor':>16}")
    for count in given.rows:
        for device in DEVICES:
            pairs = [correlations(device, count, repeat) for repeat in range(given.repeats)]
            shown = [
                f"{mean(each):.3f} +- {stdev(each) if len(each) > 1 else 0:.3f}" for each in zip(*pairs, strict=True)
            ]
            print(f"{device:16}{count:6}{shown[0]:>16}{shown[1]:>16}", flush=True)


if __name__ == "__main__":
    main()
