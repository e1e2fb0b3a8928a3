"""What every op keeps: documentation, typed settings, a batch that stays free, and faults that are faults."""

import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archdsl_compiler.ops.contract import REQUIRED, SETTING_TYPES, Inferred, InitialValue, Op, OpFault, Undetermined
from archdsl_compiler.ops.reference import describe, overview
from archdsl_compiler.ops.registry import families, find, ops
from archdsl_compiler.sizes import BATCH, Size, Symbolic, unknown
from archdsl_compiler.types import DTYPES, TensorType
from tests.compiler.ops.cases import CASES, Case

ALL = sorted(ops().values(), key=lambda op: op.name)


def at_three(value: Any) -> Any:
    """A result with 3 in the place of the batch."""
    match value:
        case Symbolic():
            return eval(str(value), {"batch": 3, "min": min, "max": max})
        case TensorType():
            return TensorType(tuple(map(at_three, value.shape)), value.dtype)
        case tuple() | list():
            return [at_three(item) for item in value]
        case dict():
            return {name: at_three(item) for name, item in value.items()}
        case _:
            return value


def test_every_op_has_a_case() -> None:
    assert set(ops()) == {case.op for case in CASES}


def test_families_hold_every_op_once() -> None:
    names = [op.name for declared in families().values() for op in declared]
    assert sorted(names) == sorted(ops())


def test_find_gives_the_op_or_nothing() -> None:
    assert find("conv") is ops()["conv"]
    assert find("convolution") is None


def test_the_table_needs_no_heavy_package() -> None:
    program = "import sys; from archdsl_compiler.ops.reference import overview; overview(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "archdsl_compiler.ops.linear" in loaded
    assert {"torch", "numpy", "networkx", "pydantic"} & set(loaded) == set()


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
def test_documentation_is_one_to_four_sentences(op: Op) -> None:
    text = re.sub(r"`[^`]*`|\.\.\.", "", op.documentation)
    assert 1 <= len(re.findall(r"[.](?:\s|$)", text)) <= 5
    assert text.rstrip().endswith(".")
    assert op.shapes


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
def test_settings_are_typed_and_defaults_fit_their_types(op: Op) -> None:
    fitting: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "real": (int, float),
        "bool": (bool,),
        "str": (str,),
        "sizes": (int,),
        "init": (int, float, InitialValue, type(None)),
        "padding": (int,),
        "dtype": (str,),
    }
    for setting in op.settings:
        assert setting.type in SETTING_TYPES.values()
        if setting.default is None:
            assert setting.type.endswith("?") or setting.type == "init"
        elif setting.default is not REQUIRED:
            assert isinstance(setting.default, fitting[setting.type.rstrip("?")])


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
def test_reference_names_every_setting(op: Op) -> None:
    page = describe(op)
    assert [s.name for s in op.settings if f"\n  {s.name} " not in page] == []
    assert op.shapes in page
    assert max(map(len, page.splitlines())) <= 100
    assert f"\n  {op.name} " in overview()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_batch_may_stay_free(case: Case) -> None:
    results = [ops()[case.op].rule(*tensors, **given) for tensors, given in (case.at_batch(BATCH), case.at_batch(3))]
    if isinstance(results[0], InitialValue):
        assert results[0] == results[1]
        return
    free, fixed = results
    assert at_three(free.result) == at_three(fixed.result)
    assert at_three(free.macs) == fixed.macs
    assert free.parameters == fixed.parameters
    assert at_three(dict(free.resolved)) == at_three(dict(fixed.resolved))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_resolved_settings_can_be_keys(case: Case) -> None:
    tensors, given = case.at_batch(BATCH)
    inferred = ops()[case.op].rule(*tensors, **given)
    if isinstance(inferred, Inferred):
        assert hash(tuple(inferred.resolved.items())) == hash(tuple(inferred.resolved.items()))


OPEN = unknown("c")
axis_sizes = st.sampled_from([1, 2, 3, 4, 6, 8, 12, 64, BATCH, OPEN, OPEN * 2, OPEN // 2, BATCH * 4])
tensor_types = st.builds(
    lambda shape, dtype: TensorType(tuple(shape), dtype),
    st.lists(axis_sizes, max_size=5),
    st.one_of(st.just("real"), st.just("real"), st.sampled_from(DTYPES)),
)
numbers = st.one_of(
    st.sampled_from([0, 1, 2, 3, 4, -1, -2, 7, 10**12, BATCH, OPEN, OPEN - 4, 1 - BATCH]), st.integers(-3, 20)
)
reals = st.one_of(st.floats(), st.floats(0, 1), st.integers(-2, 3))
lists = st.lists(numbers, max_size=5).map(tuple)
words = st.one_of(
    st.sampled_from(["same", "avg", "max", "bilinear", "nearest", "bicubic", "tanh", "none", "float32", "int64"]),
    st.text(max_size=4),
)
patterns = st.one_of(
    st.lists(st.sampled_from(["a", "b", "c", "(", ")", "1", "...", "->", " ", ",", "2", "ab"]), max_size=14).map(
        " ".join
    ),
    st.sampled_from(
        ["a b -> b a", "a (b c) -> a b c", "a ... -> ... a", "a b c -> (a b) c", "a -> a b", "ij,jk->ik", "... ->"]
    ),
)
places = st.lists(
    st.one_of(
        numbers,
        st.sampled_from(["all", "rest", "tensor"]),
        st.tuples(st.just("slice"), st.none() | numbers, st.none() | numbers),
        st.tuples(st.just("range"), numbers, numbers, numbers),
    ),
    max_size=5,
).map(tuple)
initials = st.one_of(st.none(), reals, st.just(InitialValue("normal", 0.02)))
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "int": numbers,
    "real": st.one_of(reals, st.just(OPEN)),
    "bool": st.booleans(),
    "str": words,
    "sizes": st.one_of(numbers, lists),
    "axes": st.one_of(numbers, lists),
    "shape": lists,
    "padding": st.one_of(numbers, lists, words),
    "dtype": words,
    "init": initials,
    "any": places,
}


def arguments(op: Op) -> st.SearchStrategy[tuple[list[Any], dict[str, Any]]]:
    tensors: list[st.SearchStrategy[Any]] = []
    for slot in op.tensors:
        one = st.one_of(tensor_types, tensor_types, reals, numbers) if slot.number else tensor_types
        one = st.lists(one, max_size=3) if slot.many else one
        tensors.append(st.none() | one if slot.optional else one)
    given_settings: dict[str, st.SearchStrategy[Any]] = {}
    for setting in op.settings:
        values = patterns if setting.name == "pattern" else BY_TYPE[setting.type.rstrip("?")]
        given_settings[setting.name] = values if not setting.type.endswith("?") else st.none() | values
    required = {s.name: given_settings[s.name] for s in op.settings if s.default is REQUIRED}
    optional = {name: values for name, values in given_settings.items() if name not in required}
    if op.open_settings:
        optional |= {name: numbers for name in "abc"}
    anything = st.tuples(st.tuples(*tensors).map(list), st.fixed_dictionaries(required, optional=optional))
    return anything | st.one_of(*(changed(case, tensors, given_settings) for case in CASES if case.op == op.name))


def changed(case: Case, tensors: list[Any], given_settings: dict[str, Any]) -> st.SearchStrategy[Any]:
    """A call that works, but for one argument."""
    fixed_tensors, fixed_settings = case.at_batch(BATCH)
    places = [*range(len(fixed_tensors)), *given_settings]

    def one_changed(place: int | str) -> st.SearchStrategy[Any]:
        drawn = [tensors[i] if i == place else st.just(value) for i, value in enumerate(fixed_tensors)]
        named = {name: st.just(value) for name, value in fixed_settings.items()}
        if isinstance(place, str):
            named[place] = given_settings[place]
        return st.tuples(st.tuples(*drawn).map(list), st.fixed_dictionaries(named))

    return st.sampled_from(places).flatmap(one_changed) if places else st.just(([], {}))


def shapes_of(result: Any) -> Iterable[tuple[Size, ...]]:
    if isinstance(result, TensorType):
        yield result.shape
    else:
        for item in result:
            yield from shapes_of(item)


def outcome(op: Op, tensors: list[Any], given_settings: dict[str, Any]) -> Any:
    try:
        return op.rule(*tensors, **given_settings)
    except (OpFault, Undetermined) as fault:
        return fault


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
def test_rules_fail_by_faults_alone(op: Op) -> None:
    slots = {slot.name for slot in op.tensors}
    declared = slots | {setting.name for setting in op.settings}

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(arguments(op))
    def fails_by_faults_alone(drawn: tuple[list[Any], dict[str, Any]]) -> None:
        inferred = outcome(op, *drawn)
        known = declared | set(drawn[1])
        if isinstance(inferred, OpFault):
            assert inferred.arguments
            assert set(inferred.arguments) <= known
            assert inferred.message[-1] not in ".?!"
        elif isinstance(inferred, Undetermined):
            assert inferred.argument in known
        elif isinstance(inferred, Inferred):
            shapes = [*shapes_of(inferred.result), *(p.shape for p in inferred.parameters)]
            assert [size for shape in shapes for size in shape if type(size) is int and size < 1] == []

    fails_by_faults_alone()
