"""Latencies as a search asks for them."""

from dataclasses import replace
from pathlib import Path

import pytest

from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part
from archdsl.search.contract import Ground, Objective, TrialFailed
from archdsl.search.evaluators import latency
from archdsl_compiler.tuning.record import FILE
from tests.search.evaluators.cases import candidates_of, evaluated, objective, space_in, work_for

pytestmark = pytest.mark.usefixtures("one_thread")


def ground_with(folder: Path, *wishes: Objective) -> Ground:
    space = space_in(folder)
    samples = candidates_of(space, 24)
    return Ground(folder, samples, architecture=space.architecture, objectives=wishes)


def ready(ground: Ground) -> Part:
    return Part("latency", latency.prepare(Part("latency"), ground).found)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "pixel2"}, "of the device `pixel2`, where nothing can be measured; there are cpu, cuda"),
        ({"mode": "predicted", "device": "pixel2"}, "of the device `pixel2`"),
        ({"mode": "predicted", "table": "none.csv"}, r"there is no table `none\.csv`"),
        ({"mode": "predicted", "table": "t.csv", "device": "phone"}, "the column `lat_phone` of .* numbers: ms"),
    ],
)
def test_what_cannot_be_measured_is_told_before_the_first_trial(
    settings: dict[str, object], message: str, tmp_path: Path
):
    ground = ground_with(tmp_path, objective("latency", "latency", **settings))
    paths = sorted({place for candidate in ground.samples for place in candidate.genome})
    (tmp_path / "t.csv").write_text(f"{','.join(paths)},ms\n{',' * len(paths)}1\n", encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        ready(ground)


def test_predictions_are_learned_from_a_table_in_milliseconds(tmp_path: Path):
    wish = objective("speed", "latency", mode="predicted", device="phone", table="t.csv")
    ground = ground_with(tmp_path, wish)
    paths = sorted({place for candidate in ground.samples for place in candidate.genome})
    times = {
        ",".join(str(candidate.genome.get(place, "")) for place in paths): 10.0
        + 3.0 * len(candidate.genome)
        + float(str(candidate.genome["width"]))
        for candidate in candidates_of(space_in(tmp_path), 80, seed=3)
    }
    lines = [",".join([*paths, "lat_phone"]), *(f"{key},{ms}" for key, ms in times.items())]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    part = ready(ground)
    space = space_in(tmp_path)
    for candidate in ground.samples[:4]:
        found = evaluated(work_for(space, candidate, part, wish)).metrics
        truth = 1e-3 * (10 + 3 * len(candidate.genome) + float(str(candidate.genome["width"])))
        assert found["speed"] == pytest.approx(truth, rel=0.1)
        assert found["speed.ranks"] > 0.8
        assert found["speed.error"] < 0.1


def test_predictions_are_learned_from_candidates_that_are_measured_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ARCHDSL_CACHE", str(tmp_path / "cache"))
    measured: list[object] = []

    def passes(model: object, types: object, conditions: object) -> list[float]:
        measured.append(model)
        return [0.25]

    monkeypatch.setattr("archdsl.cost.latency.time_passes", passes)
    wish = objective("speed", "latency", mode="predicted", tuned=False)
    ground = ground_with(tmp_path, wish)
    part = ready(replace(ground, samples=ground.samples[:6]))
    space = space_in(tmp_path)
    for candidate in ground.samples[:8]:
        assert evaluated(work_for(space, candidate, part, wish)).metrics["speed"] == pytest.approx(0.25)
    assert 0 < len(measured) <= 6


def test_a_model_that_cannot_run_in_a_dtype_fails_its_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def passes(*_: object) -> list[float]:
        raise RuntimeError('"conv" not implemented for this dtype\nmore')

    monkeypatch.setenv("ARCHDSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("archdsl.cost.latency.time_passes", passes)
    wish = objective("latency", tuned=False)
    ground = ground_with(tmp_path, wish)
    with pytest.raises(TrialFailed, match="not implemented for this dtype"):
        evaluated(work_for(space_in(tmp_path), ground.samples[0], ready(ground), wish))


def test_a_record_that_cannot_be_used_is_told_before_the_first_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("ARCHDSL_CACHE", str(folder))
    ground = ground_with(tmp_path, objective("latency"))
    assert () == latency.prepare(Part("latency"), ground).notes
    (folder / FILE).write_bytes(b"no database at all" * 100)
    (note,) = latency.prepare(Part("latency"), ground).notes
    assert "is unreadable, so it was set aside as " in note
