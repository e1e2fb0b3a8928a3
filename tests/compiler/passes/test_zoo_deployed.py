"""The smallest model of each family of the zoo gives the same results when it is deployed."""

import pytest

import archdsl
from archdsl import zoo
from archdsl.resources import resource
from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.passes.deploy import deploy
from archdsl_compiler.passes.equality import TOLERANCE, check_equal

# The smallest of each family; volumes and films are cut small.
SMALLEST: dict[str, dict[str, int]] = {
    "resnet18": {},
    "mobilenetv2_050": {},
    "convnext_atto": {},
    "efficientvit_m0": {},
    "van_b0": {},
    "pvt_v2_b0": {},
    "poolformer_s12": {},
    "efficientformer_l1": {},
    "vit_tiny_patch16_224": {},
    "convit_tiny": {},
    "crossvit_9_240": {},
    "gcvit_xxtiny": {},
    "m3vit": {},
    "swin_tiny_patch4_window7_224": {},
    "davit_tiny": {},
    "volo_d1_224": {},
    "maxvit_tiny_tf_224": {},
    "swin_unetr": {"side": 64, "width": 12},
    "uniformer_video_s": {"frames": 4, "size": 64},
}


def test_every_family_is_here():
    homes = zoo.homes()
    assert {home.family for home in homes.values()} == {homes[name].family for name in SMALLEST}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALLEST)
def test_a_deployed_model_of_the_zoo_is_equal(name: str):
    program = archdsl.load(resource(f"zoo/{zoo.homes()[name].family}.arch"))
    root = archdsl.elaborate(program, name, SMALLEST[name])
    assert check_equal(root, deploy(root), lambda graph: instantiate(emit(graph, Note("m", "A test.")))) <= TOLERANCE
