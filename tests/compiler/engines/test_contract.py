"""What holds for every engine and variant."""

import copy
import pickle
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.engines.child import made as made_in_this_process
from archdsl_compiler.engines.contract import DTYPES, Engine, EngineFailure, Work
from archdsl_compiler.engines.kept import PAGE, folder_name
from archdsl_compiler.engines.preparing import EngineProgram, prepare
from archdsl_compiler.engines.recipe import EngineRecipe
from archdsl_compiler.engines.registry import FAMILIES, engine_of, engines, engines_of
from archdsl_compiler.engines.results import flattened, form_of
from archdsl_compiler.kernels.contract import LIMITS
from archdsl_compiler.tuning.fast_model import FastModel, Watch
from tests.compiler.engines.nets import BATCH, NETS, worst

# What compiles C++ takes long: one is run before each merge, the others are a study.
SLOW = {("inductor", "attention")}
CASES = [
    pytest.param(
        engine.name,
        net,
        id=f"{engine.name}-{net}",
        marks=()
        if not engine.name.startswith("inductor")
        else pytest.mark.slow
        if (engine.name, net) in SLOW
        else pytest.mark.study,
    )
    for engine in engines()
    for net in NETS
]
DECIDING = """\
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x + 1.0 if x.sum() > 0 else x - 1.0


def build():
    return Net()
"""

SCHEDULED = Path("/proc/self/task")
Made = Callable[[str, str], FastModel]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(scope="module")
def made(root: Path) -> Made:
    """The model of an engine and a net, compiled once."""

    @cache
    def make(engine: str, net: str) -> FastModel:
        return NETS[net].fast(engine_of(engine), root)

    return make


def counted(model: FastModel) -> list[int]:
    """The batches of the calls that the program answers from now on."""
    recipe = model.recipe
    assert isinstance(recipe, EngineRecipe)
    program = recipe.program(model.portable)
    assert program is not None
    answered: list[int] = []

    def counting(inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        answered.append(inputs[0].shape[0])
        return program.run(inputs)

    fields = {name: getattr(program, name) for name in EngineProgram.__slots__}
    vars(model)["_program"] = EngineProgram(**{**fields, "run": counting})
    vars(model)["_watch"] = Watch.of(model.portable)
    return answered


def folder_of(net: str, root: Path) -> Path:
    """Where OpenVINO's program of a net was kept."""
    recipe = NETS[net].fast(engine_of("openvino"), root).recipe
    assert isinstance(recipe, EngineRecipe)
    return root / folder_name(recipe.engine, recipe.source, recipe.weights, recipe.work)


@pytest.mark.parametrize(("engine", "net"), CASES)
def test_the_model_gives_what_the_portable_one_gives(engine: str, net: str, made: Made):
    model = copy.deepcopy(made(engine, net))
    answered = counted(model)
    for seed in (3, 4):
        inputs = NETS[net].inputs(BATCH, seed)
        expected, found = NETS[net].model()(*inputs), model(*inputs)
        assert form_of(expected) == form_of(found)
        assert worst(flattened(expected), flattened(found)) <= LIMITS["float32"]
    assert [BATCH, BATCH] == answered


@pytest.mark.parametrize(("engine", "net"), CASES)
def test_any_batch_is_answered(engine: str, net: str, made: Made):
    model = copy.deepcopy(made(engine, net))
    answered = counted(model)
    for batch in (1, 3):
        inputs = NETS[net].inputs(batch)
        assert worst(flattened(NETS[net].model()(*inputs)), flattened(model(*inputs))) <= LIMITS["float32"]
    assert model.failure is None
    assert ([] if engine.startswith("inductor") else [1, 3]) == answered


@pytest.mark.parametrize(("engine", "net"), CASES)
def test_results_are_the_callers_own(engine: str, net: str, made: Made):
    model = made(engine, net)
    first = flattened(model(*NETS[net].inputs(BATCH, 5)))
    before = [result.clone() for result in first]
    second = flattened(model(*NETS[net].inputs(BATCH, 6)))
    assert all(map(torch.equal, before, first))
    assert not any(map(torch.equal, first, second))
    assert not any(result.requires_grad for result in first)


@pytest.mark.parametrize(("engine", "net"), CASES)
def test_copies_and_pickles_find_the_program(engine: str, net: str, made: Made):
    model = made(engine, net)
    inputs = NETS[net].inputs(BATCH)
    expected = flattened(model(*inputs))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        found = flattened(other(*inputs))
        assert other.failure is None
        assert isinstance(other._program, EngineProgram)
        assert other._program is model._program or not other._program.made
        assert all(map(torch.equal, expected, found))
        assert list(model.state_dict()) == list(other.state_dict())


@pytest.mark.parametrize(("engine", "net"), CASES)
def test_threads_may_share_a_program(engine: str, net: str, made: Made):
    model = made(engine, net)
    inputs = [NETS[net].inputs(BATCH, seed) for seed in range(4)]
    expected = [flattened(model(*each)) for each in inputs]
    found: dict[int, bool] = {}

    def call(number: int) -> None:
        found[number] = all(
            all(map(torch.equal, expected[number], flattened(model(*inputs[number])))) for _ in range(20)
        )

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: True for number in range(4)} == found
    assert model.failure is None


# Only Linux tells how long each thread ran.
@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"] if SCHEDULED.is_dir() else [])
def test_one_thread_computes_where_one_is_asked_for(engine: str, made: Made):
    model = made(engine, "film")
    inputs = NETS["film"].inputs(64)
    model(*inputs)
    before = seconds_of_threads()
    for _ in range(20):
        model(*inputs)
    ran = sorted(seconds - before.get(thread, 0) for thread, seconds in seconds_of_threads().items())
    # Whoever calls copies inputs and results.
    assert sum(ran[:-1]) < 0.25 * ran[-1]


def seconds_of_threads() -> dict[str, float]:
    """How long each thread of this process has run."""
    return {task.name: int((task / "schedstat").read_text().split()[0]) / 1e9 for task in SCHEDULED.iterdir()}


@pytest.mark.parametrize("family", FAMILIES)
def test_variants_have_the_name_of_their_family(family: str):
    names = [engine.name for engine in engines_of(family)]
    assert [family] * len(names) == [name.partition(":")[0] for name in names]
    assert names == [engine_of(name).name for name in names]


@pytest.mark.parametrize("engine", engines(), ids=lambda engine: engine.name)
def test_an_engine_tells_about_itself(engine: Engine):
    assert "" == engine.available()
    assert "float32" == engine.dtypes()[0]
    assert set(engine.dtypes()) <= set(DTYPES)
    assert engine.versions()
    assert 0 < engine.expected_seconds(100) < engine.expected_seconds(1000)


@pytest.mark.parametrize(
    ("engine", "package"), [("openvino", "openvino"), ("onnxruntime", "onnxruntime"), ("onnxruntime", "onnxscript")]
)
def test_a_missing_package_is_named_with_its_extra(
    engine: str, package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(sys.modules, package, None)
    extra = "onnx" if engine == "onnxruntime" else engine
    expected = f"{engine} failed (install): {package} is not installed: pip install 'archdsl[{extra}]'"
    with pytest.raises(EngineFailure) as failure:
        prepare(engine_of(engine), NETS["film"].emitted(), NETS["film"].inputs(), "float32", 1, tmp_path)
    assert expected == str(failure.value)


def test_without_a_compiler_inductor_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert "inductor needs a C++ compiler: install g++, or name one in CXX" == engine_of("inductor").available()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_openvino_is_told_to_compute_in_another_dtype(dtype: str, made: Made, root: Path):
    """Where the processor cannot, it computes in float32."""
    made("openvino", "film")
    folder = folder_of("film", root)
    work = Work.of(NETS["film"].inputs(), dtype)
    inputs = NETS["film"].inputs(BATCH)
    found = engine_of("openvino").load(folder, work)(inputs)
    expected = flattened(NETS["film"].model()(*inputs))
    assert all(result.dtype == torch.float32 for result in found)
    assert worst(expected, found) <= LIMITS[dtype]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_that_decides_by_its_numbers_is_refused(family: str, tmp_path: Path):
    """A trace of it would be right for the numbers that it was traced with."""
    model = instantiate(DECIDING).eval()
    inputs = [torch.ones(2, 3)]
    with pytest.raises(EngineFailure) as failure:
        made_in_this_process(engines_of(family)[0], model, inputs, Work.of(inputs), tmp_path)
    assert "compile" == failure.value.stage


def test_openvino_takes_an_exported_program_where_a_trace_may_be_wrong(tmp_path: Path):
    """Sizes may decide; the tracer cannot tell them from other numbers."""
    model = instantiate(DECIDING.replace("x.sum() > 0", "bool(x.shape[1] > 2)")).eval()
    inputs = [torch.ones(2, 3)]
    page = made_in_this_process(engine_of("openvino"), model, inputs, Work.of(inputs), tmp_path)
    assert ("tensor", 0.0) == (page.form, page.difference)


def test_a_damaged_folder_is_made_again(made: Made, root: Path):
    net = NETS["attention"]
    model = pickle.loads(pickle.dumps(made("openvino", "attention")))
    folder = folder_of("attention", root)
    weights = folder / "model.bin"
    weights.write_bytes(weights.read_bytes()[:-8] + b"\xff" * 8)
    assert worst([net.model()(*net.inputs())], [model(*net.inputs())]) <= LIMITS["float32"]
    assert model._program.made
    assert {folder / PAGE, folder / "model.xml", weights} == set(folder.iterdir())
