"""A small part of `make fuzz`, and what it rests on: mutations that come back, a watch that notices, shrinking."""

import os
import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.corpus import ROOT, Seed, seeds
from tests.fuzz.mutations import TOKEN, mutated
from tests.fuzz.shrinking import CUTS, shrunk
from tests.fuzz.trial import mutant
from tests.fuzz.watch import Outcome, Worker

SMALL = 3_000
"""Sources of at most so many characters: a large space takes seconds where a small one takes milliseconds."""


def test_mutated_sources_raise_nothing():
    sources = [source for source in seeds() if len(source.text) <= SMALL]
    worker = Worker()
    found: dict[str, str] = {}
    for number in range(300):
        source, text = mutant(number, 7, sources)
        outcome = worker.attempt(source.name, text, source.folder)
        if outcome.fault:
            found[f"{outcome.signature}, number {number}"] = text
    worker.close()
    assert {} == found


def test_the_corpus_holds_every_folder():
    names = [source.name for source in seeds()]
    folders = ("archdsl/std/", "archdsl/zoo/", "searchspaces/", "examples/", "tests/bench/", "tests/cases/")
    assert [] == [folder for folder in folders if not any(name.startswith(folder) for name in names)]
    assert len(names) == len(set(names))


def test_a_mutation_comes_back_by_its_number():
    sources = seeds()[:20]
    first, again = (mutant(5, 1, sources) for _ in range(2))
    assert first == again
    assert len({mutant(number, 1, sources)[1] for number in range(50)}) > 40


def test_tokens_are_the_whole_text():
    for source in seeds():
        assert source.text == "".join(TOKEN.findall(source.text))


def test_mutations_of_nothing_are_texts():
    assert all(isinstance(mutated(Random(n), "", ["", "let a = 1"]), str) for n in range(200))


def test_pieces_that_are_dropped_are_the_whole_text():
    text = "let a = 1\n\n# note\nlet b = 2\n  + a\nlet c = 3"
    assert [text] * len(CUTS) == ["".join(found[0] for found in cut.finditer(text)) for cut in CUTS]


def test_shrinking_keeps_what_fails():
    assert "crash" == shrunk("let a = 1\n\nlet b = crash + 2\nlet c = 3\n", lambda text: "crash" in text)


def test_a_worker_answers_with_codes():
    worker = Worker()
    clean = worker.attempt("a.arch", "let a = 1\n", ROOT)
    wrong = worker.attempt("a.arch", "let a = \n", ROOT)
    worker.close()
    assert ((), "") == (clean.codes, clean.fault)
    assert wrong.codes[0].startswith("E000")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("raise KeyError('lost')", "KeyError: 'lost'"),
        ("any(iter(int, 1))", "time-out"),
        ("import os; os._exit(3)", "exit 3"),
    ],
    ids=["raises", "loops", "dies"],
)
def test_a_worker_that_fails_is_told_and_replaced(
    body: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "sitecustomize.py").write_text(
        "import archdsl.meaning.check as check\n"
        "true_check = check.check_source\n"
        "def check_source(source, *given, **named):\n"
        f"    if 'fail' in source.text: {body}\n"
        "    return true_check(source, *given, **named)\n"
        "check.check_source = check_source\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    worker = Worker(seconds=0.3)
    worker.attempt("a.arch", "let a = 1\n", ROOT)
    failed = worker.attempt("a.arch", "let fail = 1\n", ROOT)
    after = worker.attempt("a.arch", "let a = 1\n", ROOT)
    worker.close()
    assert (fault, "") == (failed.fault, after.fault)


def test_failures_are_alike_by_where_they_were_raised():
    told = (
        f'Traceback (most recent call last):\n  File "{sys.prefix}/lib/archdsl/meaning/run.py", line 3, in run\n'
        '    x\n  File "/a/archdsl_compiler/sizes.py", line 8, in same\n    y\nValueError: no\n'
    )
    outcome = Outcome((), 0.1, "ValueError: no", told)
    assert "ValueError: no at archdsl_compiler/sizes.py:8 same < archdsl/meaning/run.py:3 run" == outcome.signature


def test_a_seed_is_named_by_its_place():
    assert Seed("archdsl/std/blocks.arch", *_read("archdsl/std/blocks.arch")) in seeds()


def _read(name: str) -> tuple[str, Path]:
    return (ROOT / name).read_text(encoding="utf-8"), (ROOT / name).parent
