"""What holds for every pass: over the models of the zoo, names, parameters and work stay, modules stay shared, and a
second run changes nothing."""

from dataclasses import is_dataclass
from functools import cache

import pytest

import archdsl
from archdsl import zoo
from archdsl.meaning.program import Program
from archdsl.resources import resource
from archdsl_compiler.graph import Module, state_entries
from archdsl_compiler.passes.contract import (
    BUILDING,
    DEPLOYING,
    PASSES,
    Pass,
    Pipeline,
    WeightPass,
    parse,
    pass_class,
    pipeline,
)
from archdsl_compiler.passes.deploy import deploy
from archdsl_compiler.passes.printing import graph_text
from archdsl_compiler.passes.rewriting import unique_modules
from archdsl_compiler.passes.verify import verify
from archdsl_compiler.passes.weight_map import Computed, WeightMap

FAMILIES = ("efficientvit", "van", "swin")
SMALL = [next(name for name, home in sorted(zoo.homes().items()) if home.family == family) for family in FAMILIES]
KEEPING = [name for name in PASSES if not isinstance(pass_class(name)(), WeightPass)]


@cache
def family(name: str) -> Program:
    return archdsl.load(resource(f"zoo/{name}.arch"))


@cache
def zoo_model(variant: str) -> Module:
    return archdsl.elaborate(family(zoo.homes()[variant].family), variant)


def state(root: Module) -> dict[str, object]:
    return dict(state_entries(root))


@pytest.mark.slow
@pytest.mark.parametrize("variant", zoo.names())
def test_a_build_leaves_a_model_of_the_zoo_what_it_is(variant: str):
    before = zoo_model(variant)
    after = pipeline(BUILDING).apply(before)
    assert (state(before), before.params, before.macs) == (state(after), after.params, after.macs)
    assert (before.input_types, before.output_types) == (after.input_types, after.output_types)


@pytest.mark.slow
@pytest.mark.parametrize("variant", zoo.names())
def test_a_deployed_model_of_the_zoo_does_no_more_work(variant: str):
    before = zoo_model(variant)
    deployed = deploy(before)
    verify(deployed.root)
    assert (True, before.output_types) == (deployed.root.macs <= before.macs, deployed.root.output_types)
    added = state(deployed.root).keys() - state(before).keys()
    tables = {label for _, found in deployed.changes for change in computed(found) for label in change.labels}
    assert {name for name in added if not name.endswith("bias") and name.rpartition(".")[2] not in tables} == set()


def computed(weights: WeightMap) -> list[Computed]:
    return [change for changes in weights.values() for change in changes if isinstance(change, Computed)]


@pytest.mark.parametrize("name", KEEPING)
@pytest.mark.parametrize("variant", SMALL)
def test_a_pass_keeps_names_and_the_graph_that_it_is_given(variant: str, name: str):
    before = zoo_model(variant)
    text = graph_text(before)
    after = parse(name).apply(before)
    verify(after, name)
    assert (text, state(before)) == (graph_text(before), state(after))


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("variant", SMALL)
def test_a_second_run_changes_nothing(variant: str, name: str):
    once = parse(name).apply(zoo_model(variant))
    assert once is parse(name).apply(once)


def test_equal_modules_stay_one_object():
    before = zoo_model(SMALL[2])
    after = pipeline(BUILDING).apply(before)
    assert len(unique_modules(before)) == len(unique_modules(after))


@pytest.mark.parametrize("name", PASSES)
def test_a_pass_is_a_frozen_dataclass_under_its_name(name: str):
    made = pass_class(name)()
    assert (True, True, name) == (is_dataclass(made), isinstance(made, Pass), made.name)
    with pytest.raises(AttributeError):
        made.name = "other"


def test_options_are_read_from_text():
    text = "inline-transparent{single=true}"
    assert (pass_class("inline-transparent")(single=True), pass_class("simplify")(zeros=False, alike=False)) == (
        parse(text),
        parse("simplify{zeros=false, alike=false}"),
    )


@pytest.mark.parametrize(
    ("text", "message"), [("simplify{none=1}", "no option `none`"), ("simplify{zeros=perhaps}", "malformed")]
)
def test_wrong_options_are_told(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_an_unknown_pass_is_a_key_error():
    with pytest.raises(KeyError):
        parse("polish")


def test_the_listed_pipelines_exist():
    assert [*BUILDING, *DEPLOYING] == [
        text for text in (*BUILDING, *DEPLOYING) if parse(text).name == text.partition("{")[0]
    ]


def test_between_is_told_of_every_pass():
    told: list[tuple[str, str]] = []

    def between(ran: Pass | None, graph: Module, following: Pass | None) -> None:
        told.append((ran.name if ran else "", following.name if following else ""))

    pipeline(("simplify", "merge-common"), between).apply(zoo_model(SMALL[1]))
    assert [("", "simplify"), ("simplify", "merge-common"), ("merge-common", "")] == told


def test_no_passes_leave_the_graph():
    before = zoo_model(SMALL[1])
    assert (before, ()) == Pipeline(()).transform(before)
