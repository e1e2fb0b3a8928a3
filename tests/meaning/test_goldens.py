"""The models of the zoo against the published ones: names, shapes and kinds in the state dict, parameters and work.

`tests/data/zoo_goldens.json.gz` holds for each variant where it stands in the zoo, its source and what it has."""

import gzip
import json
from pathlib import Path

import pytest

import archdsl
from archdsl.resources import resource
from archdsl_compiler.graph import state_entries

DATA = Path(__file__).parent.parent / "data" / "zoo_goldens.json.gz"
GOLDENS = json.loads(gzip.decompress(DATA.read_bytes()))
# The reference weighs what the experts found by a matrix product of 17 tokens, 4 experts and 192 channels, in two
# blocks; the zoo multiplies and adds, which counts as no work. MaxViT's looks biases up by two products with tables of
# zeros and ones, in two attentions of each block, of 84 heads together; the zoo takes them by an index.
FEWER_MACS = {
    "m3vit_tiny_multigate_task0": 2 * 17 * 4 * 192,
    "maxvit_tiny_tf_224": 2 * 84 * 7 * 7 * 13 * (13 + 7 * 7),
}


@pytest.mark.parametrize("variant", GOLDENS)
def test_a_model_of_the_zoo_is_the_published_one(variant: str):
    golden = GOLDENS[variant]
    program = archdsl.load(resource(golden["file"]))
    module = archdsl.elaborate(program, golden["name"], golden["settings"])
    entries = [
        (name, [list(entry.shape), "parameter" if entry.trainable else "buffer"])
        for name, entry in state_entries(module)
    ]
    assert sorted(golden["entries"].items()) == sorted(entries)
    assert (golden["params"], golden["macs"] - FEWER_MACS.get(variant, 0)) == (module.params, module.macs)


def test_costs_of_a_model_are_those_of_its_graph():
    golden = GOLDENS["gcvit_xxtiny"]
    program = archdsl.load(resource(golden["file"]))
    costs = archdsl.costs(program, golden["name"])
    assert (golden["params"], golden["macs"], ["[batch, 1000]"]) == (
        costs.params,
        costs.macs,
        [str(output) for output in costs.outputs],
    )
