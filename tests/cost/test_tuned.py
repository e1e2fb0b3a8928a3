"""Times of tuned models: sums of the record here and of another machine's, and whole models."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archdsl.building import emitted
from archdsl.cost.machines import conditions_named
from archdsl.cost.timed_pass import TimedPass, pass_here
from archdsl.cost.tuned import SummedRegions, TunedWholes, is_tunable
from archdsl.diagnostics.record import UsageError
from archdsl.kept_times import user_record
from archdsl.targets import Target, open_target
from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.graph import Module
from archdsl_compiler.passes.contract import BUILDING, pipeline
from archdsl_compiler.tuning import pricing, summed
from archdsl_compiler.tuning.allocator import keep_freed_memory
from archdsl_compiler.tuning.conditions import Conditions

pytestmark = pytest.mark.usefixtures("one_thread")
NET = """\
model net(width: int = 8)(x: [b, 3, 16, 16]) {
  x = x |> conv(width, 3) as stem |> relu
  return x |> mean(axes=(2, 3)) |> linear(5) as head
}
"""


@pytest.fixture(autouse=True)
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("ARCHDSL_CACHE", str(folder))
    path = tmp_path / "net.arch"
    path.write_text(NET, encoding="utf-8")
    keep_freed_memory()
    return open_target(str(path))


def moved(machine: str, **others: Any) -> Conditions:
    """Everything that was measured here, as if it were another machine's."""
    rows = user_record().rows()
    there = replace(rows[0][0], machine=machine, **others)
    user_record().merge([(there, key, kept) for _, key, kept in rows])
    return there


def test_what_is_known_is_summed_and_not_measured_again(target: Target, monkeypatch: pytest.MonkeyPatch):
    here = pass_here(1, None, "cpu")
    first = SummedRegions()
    seconds = first.seconds(target.graph(), here)
    assert 1e-6 < seconds < 1.0
    assert first.ruled == 0.0
    known = {key.region for _, key, _ in user_record().rows()}
    monkeypatch.setattr(pricing, "race", None)
    again = summed.Sums(user_record(), here.conditions).of(target.graph())
    assert (again.seconds, again.unknown, again.ruled) == (pytest.approx(seconds), (), 0.0)
    assert set(again.regions) <= known


def test_times_of_another_machine_are_summed_and_what_they_lack_is_told(
    target: Target, monkeypatch: pytest.MonkeyPatch
):
    here = pass_here(1, None, "cpu")
    seconds = SummedRegions().seconds(target.graph(), here)
    there = moved("Cortex-A72, rev 3", threads=4)
    monkeypatch.setattr(pricing, "race", None)
    known = SummedRegions(elsewhere=True)
    assert known.seconds(target.graph(), TimedPass(1, "float32", "cpu", there)) == pytest.approx(seconds)
    assert known.ruled == 0.0
    wider = replace(target, settings={"width": 12}).graph()
    before = len(user_record().rows())
    found = known.found(wider, TimedPass(1, "float32", "cpu", there))
    assert 0 < len(found.unknown) <= len(found.regions)
    assert known.seconds(wider, TimedPass(1, "float32", "cpu", there)) > 0
    assert 0 < known.ruled <= 1
    assert len(user_record().rows()) == before, "nothing is kept as if that machine had measured it"


def test_machines_are_named_by_their_words(target: Target):
    with pytest.raises(
        UsageError, match=r"no times of a machine like `Cortex`.*archdsl tune import FILE.*there are: none"
    ):
        conditions_named("Cortex")
    SummedRegions().seconds(target.graph(), pass_here(1, None, "cpu"))
    one, four, fourteen = (moved("Cortex-A72", threads=count) for count in (1, 4, 14))
    assert conditions_named("cortex-a72, 1 thread") == one
    assert conditions_named("Cortex-A72, 4 threads") == four
    assert conditions_named("14 threads") == fourteen
    with pytest.raises(UsageError, match="several machines like `Cortex-A72`, so name more of it"):
        conditions_named("Cortex-A72")
    with pytest.raises(UsageError, match="no times of a machine like `Cortex-A7`"):
        conditions_named("Cortex-A7")
    with pytest.raises(UsageError, match="with the device cuda"):
        conditions_named("Cortex-A72, 4 threads", "cuda:0")


def test_a_whole_tuned_model_is_measured_once(target: Target):
    built: list[Module] = []

    def build(graph: Module) -> Any:
        built.append(graph)
        return instantiate(emitted(target, pipeline(BUILDING).apply(graph)))

    here = pass_here(1, None, "cpu")
    first = TunedWholes(build).seconds(target.graph(), here)
    assert 1e-6 < first < 1.0
    assert TunedWholes(build).seconds(target.graph(), here) == first
    assert len(built) == 1


def test_what_can_be_tuned(target: Target):
    assert is_tunable(target.graph(), "bfloat16")
    assert not is_tunable(target.graph(), "float64")
