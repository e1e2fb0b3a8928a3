"""Checks mutated sources and reports every input that raises, dies or takes too long:
`python -m tests.fuzz --count 20000`."""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.fuzz.corpus import ROOT, Seed, seeds
from tests.fuzz.shrinking import shrunk
from tests.fuzz.trial import mutant
from tests.fuzz.watch import SECONDS_AT_MOST, Outcome, Worker

FOUND = Path(__file__).parent / "found"
AT_ONCE = 2


def main() -> int:
    arguments = _arguments()
    if arguments.replay:
        return _replay(arguments.replay, arguments.shrink)
    sources = seeds()
    workers: SimpleQueue[Worker] = SimpleQueue()
    for _ in range(arguments.jobs):
        workers.put(Worker())
    began, told, slowest = time.monotonic(), time.monotonic(), (0.0, 0)
    codes: Counter[str] = Counter()
    failures: dict[str, list[Path]] = {}
    numbers = range(arguments.start, arguments.start + arguments.count)

    def work(number: int) -> tuple[int, Seed, str, Outcome]:
        source, text = mutant(number, arguments.seed, sources)
        worker = workers.get()
        try:
            return number, source, text, worker.attempt(source.name, text, source.folder)
        finally:
            workers.put(worker)

    print(f"{arguments.count:,} mutations of {len(sources)} sources, seed {arguments.seed}", flush=True)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for done, (number, source, text, outcome) in enumerate(pool.map(work, numbers), 1):
            codes.update(outcome.codes or ("clean",) if not outcome.fault else ())
            slowest = max(slowest, (outcome.seconds, number))
            if outcome.fault:
                kept = _keep(arguments.seed, number, source, text, outcome)
                known = failures.setdefault(outcome.signature, [])
                known.append(kept)
                if len(known) == 1:
                    again = f"python -m tests.fuzz --replay {kept.relative_to(ROOT)}"
                    print(f"FAILED {outcome.signature}\n  {again}", flush=True)
            if time.monotonic() - told > 10:
                told = time.monotonic()
                rate = done / (told - began)
                print(f"{done:,} of {arguments.count:,}, {rate:.0f} a second, {_counted(failures)}", flush=True)
    while not workers.empty():
        workers.get().close()
    _summarize(arguments.count, time.monotonic() - began, slowest, codes, failures)
    return 1 if failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="how many inputs")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other mutations")
    parser.add_argument("--start", type=int, default=0, help="the number of the first input")
    parser.add_argument("--jobs", type=int, default=AT_ONCE, choices=range(1, AT_ONCE + 1), help="processes")
    parser.add_argument("--replay", type=Path, help="try one saved input again")
    parser.add_argument("--shrink", action="store_true", help="with --replay: make it small and print it")
    return parser.parse_args()


def _keep(seed: int, number: int, source: Seed, text: str, outcome: Outcome) -> Path:
    """Save an input, with where it came from and what went wrong beside it."""
    FOUND.mkdir(exist_ok=True)
    path = FOUND / f"{seed}-{number}.arch"
    path.write_bytes(text.encode("utf-8"))
    notes = f"{source.name}\n{source.folder.relative_to(ROOT)}\n{outcome.signature}\n\n{outcome.traceback}"
    path.with_suffix(".txt").write_text(notes, encoding="utf-8")
    return path


def _replay(path: Path, small: bool) -> int:
    text = path.read_bytes().decode("utf-8")
    notes = path.with_suffix(".txt")
    name, folder = notes.read_text(encoding="utf-8").splitlines()[:2] if notes.exists() else (str(path), ".")
    worker = Worker()
    outcome = worker.attempt(name, text, ROOT / folder)
    if outcome.fault and small:
        smaller = shrunk(text, lambda t: worker.attempt(name, t, ROOT / folder).fault == outcome.fault)
        print(f"{smaller}\n")
    worker.close()
    print(outcome.traceback or outcome.fault or f"{', '.join(outcome.codes) or 'clean'}, {outcome.seconds:.2f} s")
    return 1 if outcome.fault else 0


def _counted(failures: dict[str, list[Path]]) -> str:
    return f"{sum(map(len, failures.values()))} failures of {len(failures)} kinds"


def _summarize(
    count: int, seconds: float, slowest: tuple[float, int], codes: Counter[str], failures: dict[str, list[Path]]
) -> None:
    print(f"\n{count:,} inputs in {seconds:.0f} s, {count / seconds:.0f} a second; {_counted(failures)}")
    print(f"the slowest, number {slowest[1]}: {slowest[0]:.2f} s of processor time of {SECONDS_AT_MOST:.0f} allowed")
    print(f"found: {', '.join(f'{code} {number}' for code, number in codes.most_common())}")
    for signature, kept in sorted(failures.items(), key=lambda item: -len(item[1])):
        print(f"\n{len(kept)} x {signature}")
        for path in kept[:3]:
            print(f"  python -m tests.fuzz --replay {path.relative_to(ROOT)} --shrink")


if __name__ == "__main__":
    sys.exit(main())
