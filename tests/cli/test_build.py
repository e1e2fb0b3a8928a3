"""`archdsl build`: the summary, the folder, and everything that may go wrong on the way."""

import errno
import json
import os
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from safetensors.torch import load_file, save_file

import archdsl
from archdsl import output
from archdsl.build_summary import read_summary
from archdsl.cli import build
from archdsl.cli.main import run
from archdsl.diagnostics.record import UnusableFile
from tests.small_net import write_net

FILES = ["model.arch", "model.py", "model.safetensors", "summary.json"]


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return Path(write_net(tmp_path)).name


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_summary_is_printed(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["build", net, "--set", "classes=7"])
    expected = """\
net, from net.arch
  input     x [batch, 3, 8, 8]
  output    output [batch, 7]
  params    303
  MACs      16,156 for one input
  weights   new, by seed 0
"""
    assert expected == capsys.readouterr().out


def test_a_folder_is_written(net: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["build", net, "-o", "out", "--json", "--seed", "3"])
    shown = json.loads(capsys.readouterr().out)
    assert (FILES, shown, ["net.arch", "out"]) == (
        sorted(os.listdir("out")),
        json.loads(Path("out/summary.json").read_text(encoding="utf-8")),
        sorted(os.listdir()),
    )
    assert (FILES, 3, 318, "net.arch") == (
        list(shown["files"]),
        shown["seed"],
        shown["params"],
        shown["target"],
    )
    assert archdsl.export(net) == Path("out/model.py").read_text(encoding="utf-8")
    again = archdsl.build("out/model.arch", weights="out/model.safetensors").state_dict()
    written = load_file("out/model.safetensors")
    assert [True] * 14 == [torch.equal(again[name], tensor) for name, tensor in written.items()]


def test_the_same_seed_writes_the_same_files(net: str, tmp_path: Path):
    assert [0, 0, 0] == [run(["build", net, "-o", name, "--seed", seed]) for name, seed in ("a1", "b1", "c2")]
    first, same, other = (files_in(tmp_path / name)["model.safetensors"] for name in ("a", "b", "c"))
    assert (True, False) == (first == same, first == other)


def test_weights_are_loaded_and_told(net: str, capsys: pytest.CaptureFixture[str]):
    save_file(archdsl.build(net).state_dict(), "w.safetensors")
    assert 0 == run(["build", net, "--weights", "w.safetensors", "--adapt", "--set", "classes=7", "-o", "out"])
    shown = capsys.readouterr().out
    expected = """\
  weights   12 tensors loaded from w.safetensors
            at its initialisation: head.weight [10, 4] -> [7, 4]
            at its initialisation: head.bias [10] -> [7]
wrote out: model.arch, model.py, model.safetensors, summary.json
"""
    assert expected == shown[shown.index("  weights") :]
    weights = read_summary("out/summary.json").weights
    assert weights is not None
    assert (12, ["head.weight", "head.bias"], "initialised") == (
        weights.loaded,
        list(weights.initialised),
        weights.adapted[0].rule,
    )


def test_weights_of_another_model_build_nothing(net: str, capsys: pytest.CaptureFixture[str]):
    save_file({"other": torch.zeros(3)}, "w.safetensors")
    assert 1 == run(["build", net, "--weights", "w.safetensors", "-o", "out"])
    shown = capsys.readouterr()
    assert ("", True, False) == (
        shown.out,
        shown.err.startswith("Error: the weights of w.safetensors do not fit the model; nothing was loaded\n"),
        Path("out").exists(),
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"\x80\x02garbage", "cannot be read as weights"), (b"PK\x03\x04rest", "cannot be read")],
)
def test_damaged_weights_are_a_message(content: bytes, words: str, net: str, capsys: pytest.CaptureFixture[str]):
    Path("w.pth").write_bytes(content)
    assert 1 == run(["build", net, "--weights", "w.pth", "-o", "out"])
    shown = capsys.readouterr().err
    assert ("Error: `w.pth`", True, 1, False) == (
        shown[:14],
        words in shown,
        shown.count("\n"),
        Path("out").exists(),
    ), shown


def test_an_output_that_exists_is_refused_and_replaced_by_force(net: str, tmp_path: Path, capsys):
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine", encoding="utf-8")
    assert 2 == run(["build", net, "-o", "out"])
    assert (
        {"mine.txt": b"mine"},
        "Error: `out` exists; give another path, or --force (force=True) to replace it\n",
    ) == (
        files_in(tmp_path / "out"),
        capsys.readouterr().err,
    )
    assert 0 == run(["build", net, "-o", "out", "--force"])
    assert ["mine.txt", *FILES] == sorted(os.listdir("out"), key=lambda name: (name != "mine.txt", name))


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_nothing(net: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(output.os, "fsync", full)
    assert 1 == run(["build", net, "-o", "out"])
    assert ("Error: `out` could not be written: the disk is full; nothing was left there\n", ["net.arch"]) == (
        capsys.readouterr().err,
        os.listdir(),
    )


def stopped(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def test_the_keyboard_leaves_nothing(net: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(build, "save_tensors", stopped)
    assert 130 == run(["build", net, "-o", "out"])
    assert ("Stopped; `out` was not written.\n", ["net.arch"]) == (capsys.readouterr().err, os.listdir())


def test_the_graph_is_printed_after_a_pass(net: str, capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["build", net, "--print-after", "simplify"])
    assert (1, 1) == ((shown := capsys.readouterr().err).count("# after simplify"), shown.count("@net("))
    assert 2 == run(["build", net, "--print-after", "simplyfy"])
    assert "Error: no pass `simplyfy` runs in a build; a similar name is `simplify`\n" == capsys.readouterr().err
    assert 2 == run(["build", net, "--print-after", "merge-branches"])
    assert "Error: the pass `merge-branches` runs with --deploy alone\n" == capsys.readouterr().err


def test_a_space_needs_its_decisions(net: str, capsys: pytest.CaptureFixture[str]):
    Path("genome.json").write_text('{"width": 6}', encoding="utf-8")
    assert [2, 0, 0] == [
        run(["build", f"{net}:nets", *options]) for options in ([], ["--pick", "first"], ["--genome", "genome.json"])
    ]
    shown = capsys.readouterr()
    assert (True, True) == ("--pick first" in shown.err, "  decisions width = 6\n" in shown.out)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "`name`: field required"),
        ('{"version": 2}', "`version`: input should be 1"),
        ("half", "`the file`: invalid json"),
    ],
)
def test_a_summary_that_does_not_fit_is_told_by_field(text: str, words: str, tmp_path: Path):
    (tmp_path / "summary.json").write_text(text, encoding="utf-8")
    with pytest.raises(UnusableFile) as raised:
        read_summary(tmp_path / "summary.json")
    assert words in str(raised.value)
    with pytest.raises(UnusableFile, match="cannot be read: no such file"):
        read_summary(tmp_path / "other.json")
