"""`archdsl.build(..., tune=...)`: a module like the untuned one, and everything that may be in its way."""

import copy
import os
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archdsl
from archdsl import tuning
from archdsl.diagnostics.record import UnusableFile, UsageError
from archdsl.kept_times import user_record
from archdsl.plan_files import read_plan, write_plan
from archdsl_compiler.kernels import contract
from archdsl_compiler.passes import equality
from archdsl_compiler.tuning import tune as flow
from archdsl_compiler.tuning.fast_model import FastModel
from archdsl_compiler.tuning.record import FILE
from tests.small_net import write_net

NEAR = 1e-4


@pytest.fixture
def net(tmp_path: Path) -> str:
    return write_net(tmp_path)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("ARCHDSL_CACHE", str(folder))
    return folder


pytestmark = pytest.mark.usefixtures("one_thread")


def pictures(batch: int = 2, size: int = 8) -> Tensor:
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(1))


def fast(model: nn.Module) -> Any:
    assert isinstance(model, FastModel)
    return model


def assert_right(model: nn.Module, size: int = 8) -> None:
    """It gives what the portable model gives, for more than one batch."""
    with torch.no_grad():
        for batch in (1, 3):
            given = pictures(batch, size)
            expected = fast(model).portable(given)
            assert float((model(given) - expected).abs().max() / expected.abs().max()) < NEAR


def test_a_tuned_model_is_a_module_like_the_untuned_one(net: str):
    plain = archdsl.build(net)
    model = fast(archdsl.build(net, weights=plain.state_dict(), tune=True))
    assert (False, "cpu", "float32", 1, 1, "measured") == (
        model.training,
        model.plan.device,
        model.plan.dtype,
        model.plan.batch,
        model.plan.threads,
        model.plan.tuned,
    )
    assert (None, (), len(plain.state_dict())) == (
        model.data_config,
        model.feature_info,
        len(model.weights_report.loaded) + len(model.weights_report.computed),
    )
    assert list(plain.state_dict()) == list(model.state_dict())
    assert_right(model)
    given = pictures()
    assert torch.allclose(plain.eval()(given), model(given), atol=1e-5)


def test_it_can_be_saved_copied_and_pickled(net: str):
    model = fast(archdsl.build(net, tune=archdsl.Tune(batch=2)))
    given = pictures()
    with torch.no_grad():
        expected = model(given)
        for made in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert (True, True) == (made.plan == model.plan, torch.allclose(expected, made(given), atol=1e-6))
        other = archdsl.build(net)
        model.load_state_dict(other.state_dict())
        assert torch.allclose(other.eval()(given), model(given), atol=1e-5)
        assert not torch.allclose(expected, model(given), atol=1e-3)


def test_training_and_gradients_are_those_of_the_model(net: str):
    model = fast(archdsl.build(net, tune=True))
    before = model.state_dict()["parts.0.norm.running_mean"].clone()
    model.train()
    model(pictures()).sum().backward()
    assert not torch.equal(before, model.state_dict()["parts.0.norm.running_mean"])
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert_right(model.eval())


def test_inputs_that_the_plan_is_not_for_run_by_the_model(net: str):
    model = fast(archdsl.build(net, tune=True))
    assert (4, 10) == tuple(model(pictures(4, 11)).shape)
    assert_right(model, 11)


def test_a_deployed_model_and_one_with_several_results_are_tuned(net: str, tmp_path: Path):
    folded = archdsl.build(net, tune=True, deploy=True)
    assert not [name for name in folded.state_dict() if "norm" in name]
    assert_right(folded)
    model = fast(archdsl.build("zoo:poolformer_s12", size=64, features_only=True, tune=archdsl.Tune(measure=False)))
    with torch.no_grad():
        given = pictures(1, 64)
        expected, found = model.portable(given), model(given)
    assert (4, tuple(each.shape for each in expected)) == (len(model.feature_info), tuple(each.shape for each in found))
    for left, right in zip(expected, found, strict=True):
        assert float((left - right).abs().max() / left.abs().max()) < NEAR


def test_without_measuring_rules_decide(net: str, cache: Path):
    model = fast(archdsl.build(net, tune=archdsl.Tune(measure=False, batch=3)))
    sources = {each.source for region in model.plan.regions for each in region.candidates}
    assert ("untuned", {"rule"}, 3, None) == (
        model.plan.tuned,
        sources,
        model.plan.batch,
        model.plan.plan_milliseconds,
    )
    assert_right(model)


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"device": "tpu"}, "cpu or cuda, not 'tpu'"),
        ({"device": "cpu:1"}, "cpu or cuda"),
        ({"dtype": "int8"}, "dtypes are fp32, bf16, fp16, not 'int8'"),
        ({"batch": 0}, "batch is a whole number from 1 on, not 0"),
        ({"batch": True}, "batch is a whole number"),
        ({"threads": -1}, "threads is a whole number from 1 on"),
        ({"engine": "tensorrt"}, "engines are torch, inductor, onnxruntime, openvino, auto, not 'tensorrt'"),
        ({"budget": "soon"}, "a time is written as"),
        ({"budget": 0}, "a budget is seconds"),
        ({"plan": "none.json", "measure": False}, "no plan at `none.json`"),
    ],
    ids=lambda each: next(iter(each), "") if isinstance(each, dict) else "",
)
def test_a_wish_that_makes_no_sense_is_refused_before_anything_is_built(net: str, wish: Any, told: str):
    with pytest.raises(UsageError, match=told):
        archdsl.build(net, tune=archdsl.Tune(**wish))


def test_a_wish_of_another_kind_is_refused(net: str):
    with pytest.raises(UsageError, match=r"`tune` is True or an archdsl.Tune"):
        archdsl.build(net, tune="fast")  # type: ignore[arg-type]


def test_a_gpu_that_is_not_there_is_told(net: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="finds no GPU here; tune for --device cpu"):
        archdsl.build(net, tune=archdsl.Tune(device="cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UsageError, match="there is no cuda:2; this machine has 2"):
        archdsl.build(net, tune=archdsl.Tune(device="cuda:2"))
    with pytest.raises(UsageError, match="openvino runs on the cpu here; for cuda take torch"):
        archdsl.build(net, tune=archdsl.Tune(device="cuda", engine="openvino"))


def test_an_engine_that_is_not_installed_is_told(net: str, monkeypatch: pytest.MonkeyPatch):
    from archdsl_compiler.engines import openvino

    monkeypatch.setattr(type(openvino.ENGINES[0]), "available", lambda _: "pip install 'archdsl[openvino]'")
    with pytest.raises(UsageError, match=r"openvino cannot be used here: pip install 'archdsl\[openvino\]'"):
        archdsl.build(net, tune=archdsl.Tune(engine="openvino"))


def test_the_engines_are_those_of_the_compiler():
    assert set(tuning.ENGINES) == set(flow.ENGINES)


def test_a_model_with_externs_is_not_tuned(tmp_path: Path):
    path = tmp_path / "net.arch"
    path.write_text(
        'extern block twin()(x: [b, c]) -> [b, c] = "torch.nn:Identity"\n\n'
        "model net()(x: [b, 4]) {\n  return x |> twin() as twin\n}\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match=r"externs \(torch.nn:Identity\).* build it without --tune"):
        archdsl.build(str(path), allow_extern=True, tune=True)


@pytest.mark.parametrize(
    "content", [b"no database at all, but a text of some length\n" * 100, b""], ids=["text", "empty"]
)
def test_a_record_that_cannot_be_read_is_set_aside(net: str, cache: Path, content: bytes):
    (cache / FILE).write_bytes(content)
    model = fast(archdsl.build(net, tune=True))
    assert bool(content) == any("set aside" in note for note in model.plan.notes)
    assert_right(model)


def test_a_record_of_another_schema_is_set_aside(net: str, cache: Path):
    with sqlite3.connect(cache / FILE) as file:
        file.execute("PRAGMA user_version = 9999")
        file.execute("CREATE TABLE times (what TEXT)")
    file.close()
    model = fast(archdsl.build(net, tune=True))
    assert [True] == ["schema" in note and "set aside" in note for note in model.plan.notes]
    assert_right(model)


def test_a_cache_that_cannot_be_written_is_told(net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("ARCHDSL_CACHE", str(tmp_path / "file"))
    model = fast(archdsl.build(net, tune=True))
    assert [True] == ["in this process only" in note for note in model.plan.notes]
    assert_right(model)


def test_a_model_that_folding_would_change_is_tuned_as_it_is(net: str, cache: Path, monkeypatch: pytest.MonkeyPatch):
    def unequal(*_: object) -> float:
        raise equality.UnequalDeployment(0.1, 1e-5)

    monkeypatch.setattr(equality, "check_equal", unequal)
    model = fast(archdsl.build(net, tune=archdsl.Tune(measure=False)))
    assert ("norms and branches are not folded: the deployed model differs by 1.0e-01",) == tuple(
        note.partition(" of the")[0] for note in model.plan.notes
    )
    assert "batch_norm" in {op for region in model.plan.regions for op in region.ops}
    assert_right(model)
    monkeypatch.undo()
    monkeypatch.setenv("ARCHDSL_CACHE", str(cache))
    # What was seen is kept, so that it is not computed again.
    assert model.plan.notes == archdsl.build(net, tune=archdsl.Tune(measure=False)).plan.notes


class Broken:
    """A kernel that goes wrong in one way or another."""

    kinds: tuple[str, ...] = ()
    version = 1

    def __init__(self, how: str) -> None:
        self.name = f"broken_{how}"
        self.how = how

    def applies(self, case: contract.Case) -> bool:
        return True

    def factor(self, case: contract.Case) -> float:
        return 0.01

    def make(self, case: contract.Case, weights: Any, constants: Any) -> contract.Run:
        if self.how == "make":
            raise ValueError("no such weights")
        plain = contract.kernel("plain").make(case, weights, constants)

        def run(*inputs: Tensor) -> Any:
            if self.how == "memory":
                raise MemoryError("no memory for it")
            return plain(*inputs) * (float("nan") if self.how == "nan" else 1.5)

        return run

    def written(self, case: contract.Case) -> None:
        return None


def test_kernels_that_go_wrong_are_noted_and_not_taken(net: str, cache: Path, monkeypatch: pytest.MonkeyPatch):
    ways = ("make", "memory", "nan", "wrong")
    known = (*contract.kernels(), *map(Broken, ways))
    monkeypatch.setattr(contract, "kernels", lambda: known)
    model = fast(archdsl.build(net, tune=True))
    assert_right(model)
    failures = {
        each.kernel: each.failure
        for region in model.plan.regions
        for each in region.candidates
        if each.kernel.startswith("broken")
    }
    assert {f"broken_{how}" for how in ways} == failures.keys()
    assert all(failures.values()), failures
    assert "no memory for it" in str(failures["broken_memory"])
    assert not [region for region in model.plan.regions if region.kernel.startswith("broken")]


def test_a_plan_is_written_once_and_then_taken(net: str, tmp_path: Path):
    path = tmp_path / "plan.json"
    first = fast(archdsl.build(net, tune=archdsl.Tune(plan=path, batch=2)))
    assert first.plan == read_plan(path)
    # Another choice than was measured, to see that it is followed.
    regions = tuple(r.model_copy(update={"kernel": "plain", "mode": "float32/last"}) for r in first.plan.regions)
    write_plan(path, first.plan.model_copy(update={"engine": "torch", "refused": None, "regions": regions}))
    content = path.read_bytes()
    for wish in (archdsl.Tune(plan=path), archdsl.Tune(plan=str(path), batch=2, dtype="fp32", measure=False)):
        second = fast(archdsl.build(net, tune=wish))
        assert ({"plain"}, 2, content) == (
            {r.kernel for r in second.plan.regions},
            second.plan.batch,
            path.read_bytes(),
        )
        assert_right(second)


def test_a_plan_for_something_else_is_refused(net: str, tmp_path: Path):
    path = tmp_path / "plan.json"
    fast(archdsl.build(net, tune=archdsl.Tune(plan=path, measure=True)))
    with pytest.raises(UsageError, match="is for batch 1, not 8: leave out --batch"):
        archdsl.build(net, tune=archdsl.Tune(plan=path, batch=8))
    with pytest.raises(UsageError, match="is for dtype float32, not bfloat16"):
        archdsl.build(net, tune=archdsl.Tune(plan=path, dtype="bf16"))
    with pytest.raises(UnusableFile, match="another model"):
        archdsl.build(net, width=6, tune=archdsl.Tune(plan=path))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no plan: `the file`"),
        ("{}", "no plan: `model`: field required"),
        ('{"version": 2}', "is of version 2, and this archdsl reads version 1; remove it"),
    ],
    ids=["empty", "no fields", "version"],
)
def test_a_file_that_is_no_plan_is_told(net: str, tmp_path: Path, content: str, told: str):
    path = tmp_path / "plan.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UnusableFile, match=told):
        archdsl.build(net, tune=archdsl.Tune(plan=path))
    assert content == path.read_text(encoding="utf-8")


def test_a_kernel_of_a_plan_that_is_not_known_is_told(net: str, tmp_path: Path):
    path = tmp_path / "plan.json"
    plan = fast(archdsl.build(net, tune=archdsl.Tune(measure=False))).plan
    regions = tuple(region.model_copy(update={"kernel": "magic"}) for region in plan.regions)
    write_plan(path, plan.model_copy(update={"regions": regions}))
    with pytest.raises(UnusableFile, match="`magic`, which is not known"):
        archdsl.build(net, tune=archdsl.Tune(plan=path))


def test_two_processes_tune_at_once(net: str, cache: Path):
    program = (
        "import sys, torch, archdsl; torch.set_num_threads(1); "
        "model = archdsl.build(sys.argv[1], tune=True); x = torch.randn(2, 3, 8, 8); "
        "print(model.plan.tuned, len(model.plan.notes), float((model(x) - model.portable(x)).abs().max()) < 1e-4)"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen([sys.executable, "-c", program, net], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    assert ["measured 0 True\n"] * 2 == [process.communicate()[0] for process in both]
    assert user_record().rows()


def test_what_was_measured_before_it_was_stopped_is_kept(net: str, cache: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(done: int, all_: int, what: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    from archdsl.assembly import assembled
    from archdsl.targets import open_target

    with pytest.raises(KeyboardInterrupt, match="is kept"):
        assembled(open_target(net), tune=archdsl.Tune(), tell=stop)
    assert [row for row in user_record().rows() if row[2].timing is not None]
