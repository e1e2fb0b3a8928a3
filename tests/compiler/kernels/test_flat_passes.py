"""What a program runs computes what the deployed model did, for models whose flat graph the passes change."""

import pytest
import torch

from archdsl.targets import open_target
from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.contract import Mode, Place
from archdsl_compiler.kernels.flat import flattened
from archdsl_compiler.kernels.plain import Plain
from archdsl_compiler.kernels.regions.contract import cut
from archdsl_compiler.passes.contract import FLATTENED, pipeline
from archdsl_compiler.passes.deploy import deploy, flat_passes
from archdsl_compiler.passes.equality import telling_state
from archdsl_compiler.passes.verify import verify
from archdsl_compiler.passes.weights import transform_state
from archdsl_compiler.tuning.program import Choice, Weights, observe, program
from tests.compiler.kernels.flat_models import State, apart, inputs_of

CHANGED = ["convnext_tiny", "deit_tiny_patch16_224", "poolformerv2_s12", "swin_tiny_patch4_window7_224"]
PLACE = Place("cpu", 1, frozenset())


def results(flat: Module, state: State, batch: int) -> object:
    """What a flat graph gives, region by region."""
    parts, mode = cut(flat), Mode()
    inputs = inputs_of(flat, batch)
    weights = Weights(parts, state)
    seen = {mode: observe(parts, weights, inputs, mode)}
    made = program(parts, [Choice(mode, Plain())] * len(parts.running), seen, weights, inputs, PLACE)
    with torch.inference_mode():
        return made.run(*inputs)


@pytest.mark.parametrize("name", CHANGED)
def test_flat_passes_change_no_result(name: str):
    deployed = deploy(pipeline().apply(open_target(f"zoo:{name}").graph())).root
    model = instantiate(emit(deployed, Note("deployed", "A test.")))
    state = telling_state(model.state_dict(), torch.Generator().manual_seed(0))
    flat = flattened(deployed)
    after = flat_passes(flat)
    verify(after.root)
    assert (True, True) == (len(after.root.calls) != len(flat.calls), after.root.macs <= flat.macs)
    expected = results(flat, state, 1)
    assert apart(expected, results(after.root, transform_state(state, after.changes), 1)) <= 1e-5
    assert after.root is pipeline(FLATTENED).apply(after.root)
