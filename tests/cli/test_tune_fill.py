"""`archdsl tune SPACE.arch`: the record filled for a space."""

import json
from itertools import count
from pathlib import Path

import pytest

from archdsl.cli.main import run
from archdsl.cost import filling
from archdsl.kept_times import user_record
from archdsl_compiler.tuning import pricing

SPACE = """\
model net(width: int, kernel: int)(x: [b, 3, 8, 8]) {
  return x |> conv(width, kernel) as stem |> relu |> mean(axes=(2, 3)) |> linear(5) as head
}

space nets() {
  let width = choose(4, 6)
  let kernel = choose(1, 3)
  require width + kernel < 9
  return net(width, kernel)
}
"""


@pytest.fixture(autouse=True)
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARCHDSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "nets.arch"
    path.write_text(SPACE, encoding="utf-8")
    return path


def filled(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert 0 == run(["tune", "nets.arch", "--threads", "1", "--json", *options])
    return json.loads(capsys.readouterr().out)


def test_all_that_a_space_can_produce_is_measured_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    first = filled(capsys)
    assert (first["ended"], first["known"], first["failures"]) == ("done", 0, 0)
    assert first["regions"] == first["measured"]
    assert first["last"] == {"candidates": 50, "missing": 0}
    met = {key.region for _, key, _ in user_record().rows()}
    assert isinstance(first["regions"], int)
    assert first["regions"] <= len(met)
    monkeypatch.setattr(pricing, "race", None)
    again = filled(capsys, "--all")
    assert (again["candidates"], again["regions"], again["measured"]) == (3, first["regions"], 0)
    one = filled(capsys, "--samples", "1")
    assert one["candidates"] == 1
    assert run(["tune", "nets.arch:nets", "--threads", "1", "--all"]) == 0
    out = capsys.readouterr().out
    assert f"nets.arch:nets: 3 candidates of {first['regions']} different regions: {first['regions']} known" in out


def test_a_model_is_filled_too(space: Path, capsys: pytest.CaptureFixture[str]):
    space.write_text("model net()(x: [b, 4]) { return x |> linear(3) as head |> relu }\n", encoding="utf-8")
    found = filled(capsys, "--batch", "2")
    assert (found["candidates"], found["regions"], found["measured"]) == (1, 1, 1)
    assert {key.batch for _, key, _ in user_record().rows() if key.kernel == "plain"} == {2}


def test_an_interruption_keeps_what_was_measured_and_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    elaborate, made = filling.elaborate, [0]

    def interrupted(*given: object) -> object:
        made[0] += 1
        if made[0] > 1:
            raise KeyboardInterrupt
        return elaborate(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(filling, "elaborate", interrupted)
    monkeypatch.setattr("sys.argv", ["archdsl", "tune", "nets.arch"])
    assert 130 == run(["tune", "nets.arch", "--threads", "1"])
    told = capsys.readouterr()
    assert "nets.arch: 1 candidate of " in told.out
    assert "go on with: archdsl tune nets.arch" in told.err
    monkeypatch.setattr(filling, "elaborate", elaborate)
    found = filled(capsys)
    assert isinstance(found["known"], int)
    assert found["known"] > 0


def test_the_time_that_is_given_is_kept(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    clock = count(step=10)
    monkeypatch.setattr(filling, "monotonic", lambda: float(next(clock)))
    found = filled(capsys, "--time", "15s")
    assert (found["ended"], found["candidates"]) == ("time", 1)


def test_what_cannot_be_filled_is_told(space: Path, capsys: pytest.CaptureFixture[str]):
    assert 2 == run(["tune", "nets.arch", "--all", "--samples", "3"])
    assert "--samples and --all say two things" in capsys.readouterr().err
    space.write_text(
        'extern block other()(x: [b, c]) -> [b, c] = "torch.nn:Identity"\n'
        "model net()(x: [b, 4]) { return x |> other() as other }\n",
        encoding="utf-8",
    )
    assert 2 == run(["tune", "nets.arch"])
    assert "has externs" in capsys.readouterr().err
