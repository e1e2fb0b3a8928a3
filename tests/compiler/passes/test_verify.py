"""Graphs that do not hold together are refused, with a word on what is wrong in them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import archdsl
from archdsl_compiler.graph import Call, Module
from archdsl_compiler.passes.contract import Pipeline
from archdsl_compiler.passes.verify import BrokenGraph, verify
from archdsl_compiler.types import TensorType

TEXT = """\
block unit()(x: [b, c]) {
  return x |> linear(c) as fc
}

model m()(x: [b, 4]) {
  return x |> unit as unit |> relu |> linear(4) as last
}
"""


@pytest.fixture
def root(tmp_path: Path) -> Module:
    file = tmp_path / "model.arch"
    file.write_text(TEXT, encoding="utf-8")
    return archdsl.elaborate(archdsl.load(file), "m")


def with_call(root: Module, position: int, **changes: object) -> Module:
    calls: list[Call] = list(root.calls)
    calls[position] = replace(calls[position], **changes)
    return replace(root, calls=tuple(calls))


BROKEN: dict[str, tuple[Callable[[Module], Module], str]] = {
    "used before": (lambda m: with_call(m, 1, inputs=(3,)), "%2 uses %3 before that is defined"),
    "numbered": (lambda m: with_call(m, 2, first_output=7), "%7 should be numbered %3"),
    "type": (
        lambda m: with_call(m, 1, outputs=(TensorType((2, 4)),)),
        "%2 is [2, 4], the op gives [batch, 4]",
    ),
    "refused": (lambda m: with_call(m, 2, settings={"out": 0}), "%3: `linear` refuses its arguments"),
    "parameters": (
        lambda m: with_call(m, 2, parameters=m.calls[2].parameters[:1]),
        "%3 has other parameters than `linear` makes for it",
    ),
    "resolved": (lambda m: with_call(m, 2, resolved={"a": 1}), "%3 has other resolved settings"),
    "twice": (lambda m: with_call(m, 0, label="last.weight"), "two things are labelled `last.weight`"),
    "module": (
        lambda m: with_call(m, 0, inputs=((0, 0),)),
        "`unit` takes [batch, 4] and is given [batch, 4], [batch, 4]",
    ),
    "module's result": (lambda m: with_call(m, 0, outputs=(TensorType((1,)),)), "%1 is [1], `unit` gives [batch, 4]"),
    "results": (lambda m: replace(m, output_types=(TensorType((9,)),)), "the results are [batch, 4], recorded are [9]"),
    "result": (lambda m: replace(m, outputs=8), "%8 is a result, and nothing defines it"),
    "exposed": (lambda m: replace(m, exposed={"a": 5}), "%5 is a result, and nothing defines it"),
    "params": (lambda m: replace(m, params=1), "`params` is 1, the calls make 40"),
    "instances": (lambda m: replace(m, instances=1), "`instances` is 1, the calls make 2"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_graph_is_refused(name: str, root: Module):
    change, message = BROKEN[name]
    with pytest.raises(BrokenGraph) as raised:
        verify(change(root))
    assert message in str(raised.value)


def test_the_message_names_the_pass_and_shows_the_graph(root: Module):
    class Breaks:
        name = "breaks"

        def apply(self, graph: Module) -> Module:
            return replace(graph, macs=1)

    with pytest.raises(BrokenGraph) as raised:
        Pipeline((Breaks(),)).apply(root)
    lines = str(raised.value).splitlines()
    assert ["the pass `breaks` made a broken graph: in `m`", "`macs` is 1, the calls make 32"] == lines[:2]
    assert "  %3 = linear(%2, out=4) as last : [batch, 4]" in lines


def test_a_broken_module_below_is_found(root: Module):
    call = root.calls[0]
    with pytest.raises(BrokenGraph, match="the graph is broken: in `unit`"):
        verify(with_call(root, 0, module=replace(call.module, nodes=4)))


def test_what_is_not_verified_passes(root: Module):
    class Breaks:
        name = "breaks"

        def apply(self, graph: Module) -> Module:
            return replace(graph, macs=1)

    assert 1 == Pipeline((Breaks(),), verify=False).apply(root).macs
