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
from archdsl_compiler.passes.printing import graph_text
from archdsl_compiler.passes.verify import verify
from archdsl_compiler.passes.weights import transform_state
from archdsl_compiler.tuning.program import Choice, Weights, observe, program
from tests.compiler.kernels.flat_models import State, apart, graph_of, inputs_of

CHANGED = ["convnext_tiny", "deit_tiny_patch16_224", "poolformerv2_s12", "swin_tiny_patch4_window7_224", "van_b0"]
SMALL = {
    "kernels larger than the map": """
        model net()(x: [b, 4, 7, 9]) {
          let one = conv(x, 4, 21, groups=4) as one
          let two = conv(x, 6, 7, dilation=3, groups=2, bias=false) as two
          return one, two, (conv(x, 4, (15, 3), stride=2, padding=(7, 1)) as three)
        }""",
    "shifts of maps and tokens": """
        model net()(x: [b, 6, 9, 9]) {
          let shift = rearrange(param([6], init=0.3) as shift, "c -> c 1 1")
          let scale = param([1], init=0.4) as scale
          let bias = param([1], init=0.2) as bias
          let y = relu(x) + shift
          let z = gelu(y |> conv(8, 1) as one) ** 2 * scale + bias
          let tokens = z |> rearrange("b c h w -> b (h w) c")
          let t = relu(tokens) + param([8], init=0.1) as last
          return (y |> conv(4, 3, padding=0, groups=2, bias=false) as two), (t |> linear(3) as a), t |> linear(5) as b
        }""",
    "parts of a block": """
        model net()(x: [b, 9, 8]) {
          for i in 0..<2 {
            let q, k, v = x |> layer_norm as n1[i] |> linear(24) as qkv[i] |> rearrange(
              "b n (three h d) -> three b h n d", three=3, h=2
            )
            x = x + (softmax(q @ k.T, axis=-1) @ v |> rearrange("b h n d -> b n (h d)") |> linear(8) as proj[i])
            x = x + (x |> layer_norm as n2[i] |> linear(16) as fc1[i] |> gelu |> linear(8) as fc2[i])
          }
          return concat([x, x * 2], axis=2)[:, 3:5], exp(x).T[..., 3]
        }""",
}
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


@pytest.mark.parametrize("name", [*SMALL, *CHANGED])
def test_flat_passes_change_no_result(name: str):
    graph = graph_of(SMALL[name]) if name in SMALL else open_target(f"zoo:{name}").graph()
    deployed = deploy(pipeline().apply(graph)).root
    model = instantiate(emit(deployed, Note("deployed", "A test.")))
    state = telling_state(model.state_dict(), torch.Generator().manual_seed(0))
    flat = flattened(deployed)
    after = flat_passes(flat)
    verify(after.root)
    assert (True, True) == (graph_text(after.root) != graph_text(flat), after.root.macs <= flat.macs)
    expected = results(flat, state, 1)
    assert apart(expected, results(after.root, transform_state(state, after.changes), 1)) <= 1e-5
    assert after.root is pipeline(FLATTENED).apply(after.root)
