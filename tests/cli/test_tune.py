"""`archdsl tune`: times that are exported, imported and shown."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import click
import pytest

from archdsl.cli import tune
from archdsl.cli.main import run
from archdsl.kept_times import user_record
from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.measuring import Timing
from archdsl_compiler.tuning.record import FILE
from archdsl_compiler.tuning.rows import Kept, Key

HERE = Conditions("cpu", "Big Iron 9", ("avx2", "avx512f"), 1, "2.13.0", "oneDNN 3.12.0", "glibc-kept")
PHONE = Conditions("cpu", "Small Phone", (), 2, "2.13.0", "", "default")
KEY = Key("0123", "plain", 1, "float32/natural", "1x3x8x8", 1)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with times of two machines."""
    monkeypatch.setenv("ARCHDSL_CACHE", str(tmp_path / "cache"))
    now = time.time()
    kept = Kept(Timing(2e-3, 1.5e-3, 15), 1e-7, None, "stem", now - 7300)
    failed = Kept(None, None, "RuntimeError: no memory", "stem", now)
    user_record().keep(HERE, {KEY: kept, replace(KEY, kernel="packed"): failed})
    user_record().keep(PHONE, {KEY: replace(kept, measured=now - 3 * 86400)})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_times_go_from_machine_to_machine(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert 0 == run(["tune", "export", "times.jsonl"])
    assert "3 times under 2 conditions written to times.jsonl\n" == capsys.readouterr().out
    rows = user_record().rows()
    monkeypatch.setenv("ARCHDSL_CACHE", str(folder / "elsewhere"))
    assert 0 == run(["tune", "import", "times.jsonl"])
    assert "3 times came: 3 new, 0 newer, 0 known already\n" == capsys.readouterr().out
    assert rows == user_record().rows()
    user_record().keep(HERE, {KEY: Kept(Timing(1.0, 1.0, 1), measured=1.0)})
    assert 0 == run(["tune", "import", "times.jsonl", "--json"])
    assert {"came": 3, "new": 0, "newer": 1, "known": 2} == json.loads(capsys.readouterr().out)
    assert rows == user_record().rows()


def test_times_of_one_machine(capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["tune", "export", "-", "--machine", "phone"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [1, "Small Phone", KEY.region] == [lines[0]["version"], lines[1]["machine"], lines[2]["region"]]
    assert 0 == run(["tune", "export", "phone.jsonl", "--machine", "phone", "--json"])
    assert {"file": "phone.jsonl", "times": 1, "conditions": 1} == json.loads(capsys.readouterr().out)
    assert 2 == run(["tune", "export", "-", "--machine", "tablet"])
    told = "Error: no times are kept of a machine like 'tablet'; `archdsl tune show` tells what is\n"
    assert told == capsys.readouterr().err


def test_times_come_from_the_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["tune", "export", "times.jsonl"])
    with Path("times.jsonl").open(encoding="utf-8") as file:
        monkeypatch.setattr("sys.stdin", file)
        assert 0 == run(["tune", "import", "-"])
    assert capsys.readouterr().out.endswith("3 times came: 0 new, 0 newer, 3 known already\n")


def test_what_is_kept_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["tune", "show"])
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{folder / 'cache' / FILE}: 3 times, ")
    assert [
        "",
        "Big Iron 9 (avx2 avx512f), cpu, 1 thread",
        "  PyTorch 2.13.0, oneDNN 3.12.0, allocator glibc-kept",
        "  2 times of 1 region, 1 of them failures, measured 2 hours ago to just now",
        "",
        "Small Phone, cpu, 2 threads",
        "  PyTorch 2.13.0, allocator default",
        "  1 time of 1 region, measured 3 days ago",
    ] == others


def test_what_is_kept_is_shown_to_programs(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["tune", "show", "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert (str(folder / "cache" / FILE), True) == (shown["file"], shown["bytes"] > 0)
    big, small = shown["conditions"]
    assert ("Big Iron 9", ["avx2", "avx512f"], 2, 1, 1) == (
        *(big["machine"], big["features"], big["times"], big["regions"], big["failures"]),
    )
    assert ("Small Phone", small["oldest"]) == (small["machine"], small["newest"])


def test_an_empty_record_is_shown(monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("ARCHDSL_CACHE", str(folder / "new"))
    assert 0 == run(["tune", "show"])
    assert f"{folder / 'new' / FILE}: 0 times, 0 B\n" == capsys.readouterr().out
    assert 2 == run(["tune", "export", "times.jsonl"])
    assert not Path("times.jsonl").exists()


def test_a_file_that_is_there_stays(capsys: pytest.CaptureFixture[str]):
    Path("times.jsonl").write_text("mine", encoding="utf-8")
    assert 2 == run(["tune", "export", "times.jsonl"])
    assert "mine" == Path("times.jsonl").read_text(encoding="utf-8")
    assert 0 == run(["tune", "export", "times.jsonl", "--force"])
    assert 0 == run(["tune", "import", "times.jsonl"])


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (None, 2, "`t.jsonl` cannot be read: no such file or directory"),
        (b"", 1, "`t.jsonl` holds no measured times; `archdsl tune export FILE` writes such files"),
        (b"\xff\xfe\x00", 1, "`t.jsonl` is no text; `archdsl tune export FILE` writes what can be read here"),
        (b'{"format": "archdsl measured times", "version": 9}\n', 1, "reads 1: update archdsl here"),
        (b'{"format": "archdsl measured times", "version": 1}\n{"at"', 1, "`t.jsonl` is damaged in line 2; nothing of"),
    ],
)
def test_what_cannot_be_imported(content: bytes | None, status: int, message: str, capsys: pytest.CaptureFixture[str]):
    if content is not None:
        Path("t.jsonl").write_bytes(content)
    assert status == run(["tune", "import", "t.jsonl"])
    assert message in capsys.readouterr().err
    assert 3 == len(user_record().rows())


def test_nothing_is_taken_where_nothing_can_be_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert 0 == run(["tune", "export", "times.jsonl"])
    monkeypatch.setenv("ARCHDSL_CACHE", os.devnull)
    assert 1 == run(["tune", "import", "times.jsonl"])
    assert "nothing was taken: there is no cache folder that you alone can write to" in capsys.readouterr().err


def test_a_corrupt_record_is_told(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "cache" / FILE).write_bytes(b"no database at all" * 100)
    assert 0 == run(["tune", "show"])
    assert "is unreadable, so it was set aside as" in capsys.readouterr().err


def test_what_is_no_subcommand_is_a_target_where_targets_are_filled(capsys: pytest.CaptureFixture[str]):
    group = tune.Subcommands("tune")
    seen: list[str] = []

    @group.command(name="show")
    def show() -> None:
        seen.append("show")

    with pytest.raises(click.UsageError, match=r"No such command 'space\.arch'"):
        group.main(["space.arch"], standalone_mode=False)

    @group.command(name="fill")
    @click.argument("target")
    @click.option("--batch", type=int, default=1)
    def fill(target: str, batch: int) -> None:
        seen.append(f"{target} {batch}")

    for line in (["space.arch"], ["--batch", "8", "space.arch:small"], ["show"], ["fill", "show"]):
        group.main(line, standalone_mode=False)
    assert ["space.arch 1", "space.arch:small 8", "show", "show 1"] == seen
