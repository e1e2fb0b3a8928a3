"""How many lines a second are parsed to nodes, and that ten times the text takes ten times as long. Processor time, the
best of a few runs.

    python -m tests.bench.bench_parse
"""

import gc
import time
from pathlib import Path

from archdsl.source import Source
from archdsl.syntax.format import format_text
from archdsl.syntax.parse import parse

ROOT = Path(__file__).parents[2]
FOLDERS = ("examples", "archdsl/std", "archdsl/zoo", "searchspaces")


def sample(lines: int) -> str:
    """The files that are shipped, one behind the other, as often as it takes."""
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.arch"))
    text = "\n".join(path.read_text("utf-8") for path in paths)
    once = text.count("\n")
    whole = text * (lines // once + 1)
    return "".join(f"{line}\n" for line in whole.splitlines()[:lines])


def seconds(text: str, runs: int = 3) -> float:
    """The processor time of a parse, without the collector: so the command line runs."""
    source = Source("sample.arch", text)
    taken: list[float] = []
    for _ in range(runs):
        gc.collect()
        gc.disable()
        try:
            start = time.process_time()
            parse(source)
            taken.append(time.process_time() - start)
        finally:
            gc.enable()
    return min(taken)


def main() -> None:
    parse(Source("warm.arch", "let a = 1"))
    for lines in (200, 1_000, 10_000):
        text = sample(lines)
        print(f"parse   {lines:6} lines: {lines / seconds(text):8.0f} lines/s")
    whole = sample(1_000)
    end = whole.rindex("\n}\n") + 3
    source = Source("sample.arch", whole[:end])
    start = time.process_time()
    format_text(source)
    taken, count = time.process_time() - start, source.text.count("\n")
    print(f"format  {count:6} lines: {count / taken:8.0f} lines/s")


if __name__ == "__main__":
    main()
