"""One class for many modules computes what a class for each of them does, in training too, where drop rates show."""

import pytest
import torch

from archdsl import zoo
from archdsl.targets import open_target
from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.passes.contract import pipeline

# The smallest of each family; those that take it get drop rates that differ from block to block.
SIZES = {"size": 64}
FAMILIES = {
    "vit_tiny_patch16_224": SIZES,
    "convnext_atto": SIZES,
    "poolformer_s12": SIZES,
    "caformer_s18": SIZES,
    "pvt_v2_b0": SIZES,
    "mobilenetv2_050": SIZES,
    "resnet18": SIZES,
    "resnet50": SIZES,
    "efficientformer_l1": {},
    "efficientvit_m0": {},
    "efficientvit_m1": {},
    "gcvit_xxtiny": {},
    "van_b0": SIZES,
}


@pytest.mark.parametrize("name", FAMILIES)
def test_shared_classes_give_what_single_ones_do(name: str) -> None:
    assert name in zoo.names()
    target = open_target(f"zoo:{name}")
    settings = dict(FAMILIES[name])
    if "drop_path" in dict(target.graph().settings):
        settings["drop_path"] = 0.3
    graph = pipeline().apply(open_target(f"zoo:{name}", settings=settings).graph())
    note = Note(name, "Made by a test.")
    shared, single = (instantiate(emit(graph, note, share=share)) for share in (True, False))
    single.load_state_dict(shared.state_dict())
    x = torch.randn(2, *graph.input_types[0].shape[1:], generator=torch.Generator().manual_seed(0))
    for model in (shared, single):
        model.train()
    torch.manual_seed(1)
    expected = single(x)
    torch.manual_seed(1)
    assert torch.equal(expected, shared(x))
