"""One input through everything that reads text: check, both renderings, the safe fixes, the formatter where it parses.

Run as a program it is the worker of `tests.fuzz.watch`: it takes requests, one JSON object a line, and answers each
with a line. The system ends it when one input takes too much processor time; its error output says what it did then."""

import faulthandler
import json
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from random import Random

from archdsl.diagnostics.fixes import apply_fixes
from archdsl.diagnostics.json import as_objects
from archdsl.diagnostics.record import ArchError
from archdsl.diagnostics.text import presentable, render
from archdsl.meaning.check import check_source
from archdsl.source import Source
from archdsl.syntax.format import format_text
from tests.fuzz.corpus import Seed
from tests.fuzz.mutations import mutated

MEMORY_AT_MOST = 3 << 30


def mutant(number: int, seed: int, sources: list[Seed]) -> tuple[Seed, str]:
    """The input of a number: always the same for the same seed and sources."""
    random = Random(f"{seed}/{number}")
    source = random.choice(sources)
    return source, mutated(random, source.text, [other.text for other in sources])


def attempt(name: str, text: str, folder: Path) -> tuple[str, ...]:
    """The codes that are found in a text. Whatever this raises is a fault of ours."""
    source = Source(name, text)
    found = presentable(check_source(source, folder=folder).diagnostics)
    render(found)
    json.dumps(as_objects(found))
    apply_fixes({name: text}, found)
    try:
        formatted = format_text(source)
    except ArchError:
        formatted = None
    if formatted is not None:
        assert format_text(Source(name, formatted)) == formatted, "formatting again changes the text"
    return tuple(diagnostic.code for diagnostic in found)


def serve(seconds: float) -> None:
    """Answer requests; each may use `seconds` of processor time."""
    faulthandler.register(signal.SIGPROF, all_threads=True, chain=True)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_AT_MOST, MEMORY_AT_MOST))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        began, answer = time.process_time(), {}
        try:
            answer["codes"] = attempt(request["name"], request["text"], Path(request["folder"]))
        except BaseException:
            answer["traceback"] = traceback.format_exc(limit=-40)
        signal.setitimer(signal.ITIMER_PROF, 0)
        answer["seconds"] = time.process_time() - began
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(float(sys.argv[1]))
