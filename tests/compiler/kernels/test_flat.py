"""One flat module has the parameters of the graph that was written into it."""

import pytest

from archdsl.targets import open_target
from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.graph import OpCall, state_entries
from archdsl_compiler.kernels.flat import flattened
from archdsl_compiler.passes.deploy import deploy


@pytest.mark.parametrize("name", ["efficientvit_m5", "swin_tiny_patch4_window7_224", "pvt_v2_b0"])
def test_a_flat_model_has_the_parameters_of_its_graph(name: str):
    root = deploy(open_target(f"zoo:{name}").graph()).root
    flat = flattened(root)
    assert all(isinstance(call, OpCall) for call in flat.calls)
    assert (flat.params, flat.macs) == (root.params, root.macs)
    expected = {label: tuple(entry.shape) for label, entry in state_entries(root)}
    assert expected == {label: tuple(entry.shape) for label, entry in state_entries(flat)}
    # Lists of convolutions inside of lists of blocks keep their own kernels.
    state = instantiate(emit(flat, Note("flat", "A test."))).state_dict()
    assert expected == {label: tuple(value.shape) for label, value in state.items()}
