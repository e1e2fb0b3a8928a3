"""The models of the zoo, and those that the search spaces name, against the published ones: what is in the state dict,
parameters and work, and, filled with the same numbers, the same results."""

import numpy
import pytest
import torch

import archdsl
from archdsl.resources import resource
from archdsl.targets import Target, open_target
from archdsl_compiler.graph import state_entries
from tests.zoo import goldens
from tests.zoo.filling import filled, pictures

GOLDENS = goldens.read()
# One of each family, none of which takes more than seconds; `make studies` runs the others.
LIGHT = {
    "caformer_s18",
    "convformer_s18",
    "convit_tiny",
    "convnext_atto",
    "crossvit_tiny_240",
    "davit_tiny",
    "deit_tiny_patch16_224",
    "efficientformer_l1",
    "efficientvit_m0",
    "gcvit_xxtiny",
    "m3vit_tiny_multigate_task0",
    "maxvit_tiny_tf_224",
    "mobilenetv2_050",
    "poolformer_s12",
    "poolformerv2_s12",
    "pvt_v2_b0",
    "resnet18",
    "smt_tiny",
    "swin_tiny_patch4_window7_224",
    "van_b0",
    "vit_tiny_patch16_224",
    "volo_d1_224",
}
# The reference weighs what the experts found by a matrix product of 17 tokens, 4 experts and 192 channels, in two
# blocks; the zoo multiplies and adds, which counts as no work.
FEWER_MACS = {"m3vit_tiny_multigate_task0": 2 * 17 * 4 * 192}
# The reference of MaxViT looks a table up by a matrix product.
LOOKED_UP = 0.005
INPUTS = {"m3vit_tiny_multigate_task0": [torch.tensor(0)]}
"""What a model is given beside the picture."""


def target_of(variant: str) -> Target:
    golden = GOLDENS[variant]
    target = golden["target"]
    of_the_zoo = target.startswith("zoo:")
    return open_target(target if of_the_zoo else str(resource(target)), settings=golden["settings"])


@pytest.mark.parametrize("variant", GOLDENS)
def test_a_model_of_the_zoo_is_the_published_one(variant: str):
    golden = GOLDENS[variant]
    graph = target_of(variant).graph()
    entries = [
        (name, [list(entry.shape), "parameter" if entry.trainable else "buffer"])
        for name, entry in state_entries(graph)
    ]
    assert sorted((name, [shape, kind]) for name, shape, kind, _ in golden["entries"]) == sorted(entries)
    macs = golden["macs"] - FEWER_MACS.get(variant, 0)
    same = abs(graph.macs - macs) <= LOOKED_UP * macs if variant.startswith("maxvit") else graph.macs == macs
    assert (golden["params"], True) == (graph.params, same), (graph.macs, macs)


def test_costs_of_a_model_are_those_of_its_graph():
    golden = GOLDENS["gcvit_xxtiny"]
    costs = target_of("gcvit_xxtiny").costs()
    assert (golden["params"], golden["macs"], ["[batch, 1000]"]) == (
        costs.params,
        costs.macs,
        [str(output) for output in costs.outputs],
    )


def test_every_family_of_pictures_is_run():
    families = {variant: target_of(variant).graph().name for variant in GOLDENS}
    assert {"swin_unetr", "uniformer_video"} == set(families.values()) - {families[variant] for variant in LIGHT}


@pytest.mark.slow
@pytest.mark.parametrize(
    "variant", [pytest.param(name, marks=[] if name in LIGHT else [pytest.mark.study]) for name in GOLDENS]
)
def test_a_model_gives_the_published_results(variant: str, one_thread: None):
    golden = GOLDENS[variant]
    model = archdsl.build(target_of(variant)).eval()
    fill(model, golden)
    inputs = torch.from_numpy(pictures(golden["input"]))
    known = golden["fingerprint"]
    allowed = max(1e-4, 3 * known["float32_difference"])
    assert (True, True) == (
        agrees(results(model, variant, inputs), known, allowed),
        agrees(results(model.double(), variant, inputs.double()), known, 1e-6),
    )


def fill(model: torch.nn.Module, golden: dict) -> None:
    state = model.state_dict()
    for place, (name, shape, _, rule) in enumerate(golden["entries"]):
        values = filled(place, rule, shape, golden["fingerprint"]["gain"])
        if values is not None:
            state[name].copy_(torch.from_numpy(values))


def results(model: torch.nn.Module, variant: str, inputs: torch.Tensor) -> numpy.ndarray:
    with torch.inference_mode():
        given = model(inputs, *INPUTS.get(variant, []))
    given = given if isinstance(given, torch.Tensor) else given[-1]
    return given.double().flatten(1).numpy()


def agrees(found: numpy.ndarray, known: dict, allowed: float) -> bool:
    first = numpy.array(known["first"])
    error = float(numpy.abs(found[:, : first.shape[1]] - first).max())
    norm = abs(float(numpy.linalg.norm(found)) - known["norm"]) / known["norm"]
    return error <= allowed and norm <= max(allowed, 1e-6)
