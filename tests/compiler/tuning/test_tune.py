"""Tuning a small model from an empty record and from a full one, and what may go wrong on the way."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.kernels import contract, plain
from archdsl_compiler.passes.contract import pipeline
from archdsl_compiler.passes.deploy import Deployed, deploy
from archdsl_compiler.passes.equality import telling_state
from archdsl_compiler.tuning import contest
from archdsl_compiler.tuning.measuring import Race, Timing
from archdsl_compiler.tuning.pinning import PlanMismatch
from archdsl_compiler.tuning.plan import Plan
from archdsl_compiler.tuning.pricing import BEGUN
from archdsl_compiler.tuning.record import Record
from archdsl_compiler.tuning.tune import Tuned, Wish, tune
from tests.compiler.kernels.flat_models import apart, graph_of, inputs_of

NET = """
block part()(x: [b, c, h, w]) {
  let y = x |> conv(c, 3, groups=c) as depth |> batch_norm() as norm |> conv(2 * c, 1) as wide |> gelu
  return x + (y |> conv(c, 1) as narrow)
}

model net()(x: [b, 3, 24, 24]) {
  x = x |> conv(12, 4, stride=4) as stem
  for i in 0..<2 { x = x |> part() as parts[i] }
  return x |> mean(axes=(2, 3)) |> linear(7) as head
}
"""


@dataclass
class Case:
    model: nn.Module
    deployed: Deployed
    record: Record
    root: Path

    def tuned(self, **options: object) -> Tuned:
        return tune(self.model, self.deployed, Wish(), self.record, root=self.root, **options)  # type: ignore[arg-type]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    graph = graph_of(NET)
    model = instantiate(emit(pipeline().apply(graph), Note("net", "A test."))).eval()
    model.load_state_dict(telling_state(model.state_dict(), torch.Generator().manual_seed(1)))
    yield Case(model, deploy(graph), Record(tmp_path / "times.db"), tmp_path / "engines")
    torch.set_num_threads(threads)


def always(winner: str) -> object:
    """A race of whole models that this one wins."""

    def race(candidates: dict[str, object], **_: object) -> Race:
        times = {name: Timing(1.0 if name == winner else 2.0, 1.0, 3) for name in candidates}
        return Race(times, {})

    return race


@pytest.fixture
def plan_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest, "race", always("torch"))


@pytest.mark.usefixtures("plan_wins")
def test_a_tuned_model_computes_what_the_model_does(case: Case):
    found = case.tuned()
    assert (found.plan.engine, found.plan.tuned, found.plan.refused) == ("torch", "measured", None)
    assert found.plan.error is not None
    assert found.plan.error < 1e-4
    assert all(region.milliseconds > 0 and region.why for region in found.plan.regions)
    for batch in (1, 3):
        given = inputs_of(graph_of(NET), batch, seed=batch)
        with torch.no_grad():
            expected = case.model(*given)
            for model in (found.model, deepcopy(found.model), pickle.loads(pickle.dumps(found.model))):
                assert apart(expected, model(*given)) < 1e-5
    assert found.model.state_dict().keys() == case.model.state_dict().keys()


@pytest.mark.usefixtures("plan_wins")
def test_new_weights_are_seen(case: Case):
    found = case.tuned()
    given = inputs_of(graph_of(NET), 2)
    state = telling_state(case.model.state_dict(), torch.Generator().manual_seed(5))
    with torch.no_grad():
        before = found.model(*given)
        found.model.load_state_dict(state)
        after = found.model(*given)
        assert apart(case.model(*given), after) < 1e-5
        assert apart(before, after) > 1e-2
        next(iter(found.model.parameters())).mul_(1.5)
        assert apart(case.model(*given), found.model(*given)) < 1e-5


@pytest.mark.usefixtures("plan_wins")
def test_a_full_record_is_read_and_not_measured_again(case: Case, monkeypatch: pytest.MonkeyPatch):
    first = case.tuned()

    def never(*_: object, **__: object) -> Race:
        raise AssertionError("measured again")

    monkeypatch.setattr("archdsl_compiler.tuning.pricing.race", never)
    monkeypatch.setattr(contest, "race", never)
    again = case.tuned()
    assert again.plan.model_dump(exclude={"notes"}) == first.plan.model_dump(exclude={"notes"})


def test_without_measuring_rules_decide_and_the_plan_says_so(case: Case):
    found = case.tuned(measure=False)
    assert found.plan.tuned == "untuned"
    assert {each.source for region in found.plan.regions for each in region.candidates} == {"rule"}
    given = inputs_of(graph_of(NET))
    with torch.no_grad():
        assert apart(case.model(*given), found.model(*given)) < 1e-5


def test_a_plan_that_is_not_faster_is_refused(case: Case, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(contest, "race", always("eager"))
    found = case.tuned()
    assert found.plan.engine == "eager"
    assert found.plan.refused == "it is not faster than the model itself"
    given = inputs_of(graph_of(NET))
    with torch.no_grad():
        assert torch.equal(case.model(*given), found.model(*given))


@dataclass(frozen=True)
class Broken:
    """A kernel that claims everything and is wrong in one way."""

    way: str
    name: str = "broken"
    kinds: tuple[str, ...] = ()
    version: int = 1

    def applies(self, case: contract.Case) -> bool:
        return True

    def factor(self, case: contract.Case) -> float:
        return 0.01

    def make(self, case: contract.Case, weights: object, constants: object) -> contract.Run:
        run = plain.Plain().make(case, weights, {})  # type: ignore[arg-type]
        if self.way == "exits":
            import os

            os._exit(7)

        def broken(*inputs: torch.Tensor) -> object:
            if self.way == "raises":
                raise RuntimeError("no such instruction\nsecond line")
            if self.way == "memory":
                raise MemoryError("no room")
            found = run(*inputs)
            factor = {"nan": float("nan"), "wrong": 1.01}[self.way]
            return found * factor if isinstance(found, torch.Tensor) else tuple(each * factor for each in found)

        return broken

    def written(self, case: contract.Case) -> None:
        return None


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("raises", "RuntimeError: no such instruction"),
        ("memory", "MemoryError: no room"),
        ("nan", "ArithmeticError: differs by inf"),
        ("wrong", "ArithmeticError: differs by 1.0e-02"),
    ],
)
@pytest.mark.usefixtures("plan_wins")
def test_a_broken_kernel_is_noted_and_passed_over(case: Case, monkeypatch: pytest.MonkeyPatch, way: str, reason: str):
    monkeypatch.setattr(contract, "kernels", lambda: (*plain.KERNELS, Broken(way)))
    found = case.tuned()
    tried = [each for region in found.plan.regions for each in region.candidates if each.kernel == "broken"]
    assert tried
    assert all(each.milliseconds is None and (each.failure or "").startswith(reason) for each in tried)
    assert {region.kernel for region in found.plan.regions} == {"plain"}
    given = inputs_of(graph_of(NET))
    with torch.no_grad():
        assert apart(case.model(*given), found.model(*given)) < 1e-5


@pytest.mark.usefixtures("plan_wins")
def test_a_kernel_that_ends_the_process_is_not_tried_again(case: Case, monkeypatch: pytest.MonkeyPatch):
    assert case.record.path is not None
    child = (
        "from pathlib import Path; import sys\n"
        "from tests.compiler.tuning.test_tune import Broken, end_by\n"
        f"end_by('exits', Path({str(case.record.path)!r}), Path({str(case.root)!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", child], check=False, cwd=Path(__file__).parents[3])
    assert done.returncode == 7
    monkeypatch.setattr(contract, "kernels", lambda: (*plain.KERNELS, Broken("raises")))
    found = case.tuned()
    failures = [c.failure for region in found.plan.regions for c in region.candidates if c.kernel == "broken"]
    assert BEGUN in failures


def end_by(way: str, record: Path, root: Path) -> None:
    """What the child of the test above runs."""
    torch.set_num_threads(1)
    contract.kernels = lambda: (*plain.KERNELS, Broken(way))  # type: ignore[assignment]
    graph = graph_of(NET)
    model = instantiate(emit(pipeline().apply(graph), Note("net", "A test."))).eval()
    tune(model, deploy(graph), Wish(), Record(record), root=root)


@pytest.mark.usefixtures("plan_wins")
def test_a_saved_plan_is_taken_as_it_is(case: Case, tmp_path: Path):
    plan = case.tuned().plan
    saved = Plan.model_validate_json(plan.model_dump_json())
    pinned = tune(case.model, case.deployed, Wish(), Record(None), root=tmp_path, pinned=saved)
    assert pinned.plan == plan
    given = inputs_of(graph_of(NET))
    with torch.no_grad():
        assert apart(case.model(*given), pinned.model(*given)) < 1e-5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "0" * 16}, "another model"),
        ({"device": "cuda"}, "is for cuda"),
        ({"engine": "tpu"}, "the engine `tpu`, which is not known"),
        ({"regions": ()}, "the regions of the plan are not those of the model"),
    ],
)
@pytest.mark.usefixtures("plan_wins")
def test_a_plan_that_does_not_fit_is_refused(case: Case, change: dict[str, object], message: str):
    plan = case.tuned().plan.model_copy(update=change)
    with pytest.raises(PlanMismatch, match=message):
        case.tuned(pinned=plan)


@pytest.mark.usefixtures("plan_wins")
def test_a_kernel_that_is_not_known_is_named(case: Case):
    plan = case.tuned().plan
    first = plan.regions[0].model_copy(update={"kernel": "sorcery"})
    with pytest.raises(PlanMismatch, match="kernel `sorcery`"):
        case.tuned(pinned=plan.model_copy(update={"regions": (first, *plan.regions[1:])}))
