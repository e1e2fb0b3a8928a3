"""`archdsl search`: what it prints, its exit statuses, and how it is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import archdsl
from archdsl.cli.main import run
from archdsl.search.journal import finished_trials
from archdsl.search.mirror import Mirror
from tests.search.small_search import TEXT, write_small

COUNTED = """\
search counted() {
  space = nets()
  strategy = random()
  budget = limits(trials=12)
  minimize size = params
  minimize work = macs
  require size <= most
}
""".replace("counted()", "counted(most: int = 90)")


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Mirror, "start", lambda _: None)
    monkeypatch.setattr(Mirror, "finish", lambda *_: True)
    Path("nets.arch").write_text(TEXT.partition("search")[0] + COUNTED, encoding="utf-8")
    return "nets.arch"


def test_a_search_is_run_and_told(nets: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["search", nets, "-o", "out", "--seed", "3", "--set", "most=80"])
    out = capsys.readouterr().out
    trials = finished_trials(Path("out/trials.jsonl"))
    assert out.startswith("12 trials (12 complete) in ")
    assert "in out/pareto:" in out
    assert all(trial.metrics["size"] <= 80 for trial in trials)
    assert f"  {min(trials, key=lambda t: t.values).number:03}  size " in out


def test_events_are_printed_as_json(nets: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["search", nets, "-o", "out", "--trials", "3", "--json"])
    printed, error = capsys.readouterr()
    events = [json.loads(line) for line in printed.splitlines()]
    assert ["begun", *["proposed", "finished"] * 3, "ended"] == [event["event"] for event in events]
    assert "" == error


def test_resuming_remembers_what_was_given(nets: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["search", nets, "-o", "out", "--trials", "4", "--seed", "9", "--set", "most=80"])
    assert 2 == run(["search", nets, "-o", "out"])
    assert "holds 4 finished trials; go on with --resume" in capsys.readouterr().err
    assert 0 == run(["search", nets, "-o", "out", "--resume"])
    assert 4 == len(finished_trials(Path("out/trials.jsonl")))
    assert 0 == run(["search", nets, "-o", "out", "--resume", "--trials", "6"])
    assert 0 == run(["search", nets, "-o", "whole", "--trials", "6", "--seed", "9", "--set", "most=80"])
    parts, whole = (finished_trials(Path(folder, "trials.jsonl")) for folder in ("out", "whole"))
    assert [trial.hash for trial in whole] == [trial.hash for trial in parts]
    assert 2 == run(["search", nets, "-o", "out", "--resume", "--set", "most=70"])
    assert 'settings was {"most": "80"} and is {"most": "70"}' in capsys.readouterr().err


def test_the_kept_source_runs_again(nets: str):
    assert 0 == run(["search", nets, "-o", "out", "--trials", "3"])
    assert 0 == run(["search", "out/search.arch", "-o", "out", "--resume", "--trials", "5"])
    assert 0 == run(["search", "out/search.arch", "-o", "again", "--trials", "5"])
    out, again = (finished_trials(Path(folder, "trials.jsonl")) for folder in ("out", "again"))
    assert [trial.hash for trial in out] == [trial.hash for trial in again]


def test_imports_are_kept_beside_the_source(nets: str):
    text = Path(nets).read_text(encoding="utf-8")
    Path("parts").mkdir()
    Path("parts/nets.arch").write_text(f"from .search import net\n{text[text.index('space') : text.index('search')]}")
    Path("parts/search.arch").write_text(text[: text.index("space")])
    Path("search.arch").write_text("let most_allowed = 90\n")
    main = "from .parts.nets import nets\nfrom .search import most_allowed\n" + COUNTED.replace(
        "= 90", "= most_allowed"
    )
    Path("mine.arch").write_text(main)
    assert 0 == run(["search", "mine.arch", "-o", "out", "--trials", "3"])
    kept = sorted(str(path.relative_to("out")) for path in Path("out").rglob("*.arch") if "pareto" not in path.parts)
    assert ["parts/nets.arch", "parts/search.arch", "search.arch", "search_1.arch"] == kept
    os.rename("parts", "away")
    assert 0 == run(["search", "out/search.arch", "-o", "out", "--resume", "--trials", "4"])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["--storage", "nowhere://x"], "the storage `nowhere://x` cannot be used: "),
        (["--storage", "sqlite:////not/there/study.db"], "cannot be used: unable to open database file"),
        (["--time", "soon"], "a time is written as 8h, 30min or 90s, not 'soon'"),
        (["--trials", "0"], "0 is not in the range x>=1"),
        (["--set", "least=3"], "least"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_trial(
    line: list[str], told: str, nets: str, capsys: pytest.CaptureFixture[str]
):
    assert run(["search", nets, "-o", "out", *line]) in (1, 2)
    assert told in capsys.readouterr().err
    assert not Path("out", "trials.jsonl").exists() or [] == finished_trials(Path("out/trials.jsonl"))


def test_python_gets_the_front(nets: str):
    import torch

    front = archdsl.search(nets, trials=8, seed=1, most=85)
    assert 8 == len(front.trials)
    assert len(front) == len(list(front)) > 0
    assert sorted(front[0].values) == ["size", "work"]
    model = front[0].build()
    assert sum(parameter.numel() for parameter in model.parameters()) == front[0].values["size"]
    assert (2, front[0].decisions["b"] + 2) == tuple(model(torch.zeros(2, 4)).shape)
    assert front[0].weights is None
    assert "model nets" in front[0].source
    folder = front.folder
    assert folder.exists()
    del front
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_cleanly(number: signal.Signals, tmp_path: Path):
    write_small(tmp_path)
    program = (
        "import sys\n"
        "from archdsl.cli import search\n"
        "from tests.search.small_search import run_small\n"
        "from tests.search.fakes import fake\n"
        "from archdsl.cli.main import run\n"
        "def begin(target, folder, wanted, screen, listener):\n"
        "    return run_small(target, folder, (fake(seconds=0.05, slow={3: 60.0}),), listener, trials=90, workers=2)\n"
        "search.run_search = begin\n"
        "sys.exit(run(['search', 'small.arch', '-o', 'out', '--workers', '2']))\n"
    )
    path = os.pathsep.join(sys.path)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(finished_trials(tmp_path / "out" / "trials.jsonl")) < 2:
        time.sleep(0.05)
    process.send_signal(number)
    _, error = process.communicate(timeout=20)
    assert 130 == process.returncode, error
    assert "go on with: archdsl search small.arch -o out --resume --workers 2" in error
    rows = (tmp_path / "out" / "trials.csv").read_text(encoding="utf-8").splitlines()
    assert len(finished_trials(tmp_path / "out" / "trials.jsonl")) == len(rows) - 1
    assert (tmp_path / "out" / "pareto.json").exists()
