"""A flat program computes what the model does, in every mode."""

import pytest
import torch

from archdsl.targets import open_target
from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.kernels.contract import Mode, Place
from archdsl_compiler.kernels.plain import Plain
from archdsl_compiler.tuning.program import Choice, Weights, observe, program
from tests.compiler.kernels.flat_models import apart, cut_of, graph_of, inputs_of

PLACE = Place("cpu", 1, frozenset())
SHARED = """
block twice()(x: [b, c, h, w]) { return x |> conv(c, 3) as conv |> relu }

model net()(x: [b, 3, 16, 16]) {
  let stem = conv(x, 8, 3, stride=2) as stem
  let part = twice() as part
  let y = stem |> part |> part
  let scale = param([1, 8, 1, 1], init=1.0) as scale
  return (y * scale + stem) |> mean(axes=(2, 3)) |> linear(5) as head
}
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", ["natural", "last"])
@pytest.mark.parametrize("name", ["small", "efficientvit_m0", "swin_tiny_patch4_window7_224"])
def test_a_program_computes_what_its_model_does(name: str, layout: str, dtype: str):
    if dtype == "float64" and name != "small":
        layout = "last"
    graph = graph_of(SHARED) if name == "small" else open_target(f"zoo:{name}").graph()
    parts, state = cut_of(graph)
    model = instantiate(emit(parts.flat, Note("flat", "A test."))).eval()
    model.load_state_dict(state)
    inputs = inputs_of(graph, 1)
    weights, mode = Weights(parts, state), Mode(layout, dtype)  # type: ignore[arg-type]
    seen = {mode: observe(parts, weights, inputs, mode)}
    made = program(parts, [Choice(mode, Plain())] * len(parts.running), seen, weights, inputs, PLACE)
    for batch in (1, 3) if name == "small" else (1,):
        given = inputs_of(graph, batch, seed=batch)
        with torch.inference_mode():
            assert apart(model(*given), made.run(*given)) < 1e-5


BATCHES = """
model net()(x: [b, 3, 8, 8]) {
  let token = param([1, 1, 6]) as token
  let parts = conv(x, 6, 4, stride=4) as stem |> rearrange("b c h w -> b (h w) c")
  let all = concat([expand(token, axis=0, size=b), parts], axis=1) |> rearrange("b n c -> (b n) c") |> linear(6) as mix
  let each = all |> rearrange("(b n) c -> b n c", n=5)
  return (each + expand(token, axis=0, size=b)) |> mean(axes=1) |> linear(4) as head
}
"""


def test_the_batch_is_found_where_a_region_does_not_read_it():
    graph = graph_of(BATCHES)
    parts, state = cut_of(graph)
    model = instantiate(emit(parts.flat, Note("flat", "A test."))).eval()
    model.load_state_dict(state)
    weights = Weights(parts, state)
    seen = {Mode(): observe(parts, weights, inputs_of(graph, 1), Mode())}
    choices = [Choice(Mode(), Plain())] * len(parts.running)
    made = program(parts, choices, seen, weights, inputs_of(graph, 1), PLACE)
    for batch in (1, 2, 5):
        given = inputs_of(graph, batch, seed=batch)
        with torch.inference_mode():
            assert apart(model(*given), made.run(*given)) < 1e-5


def test_two_modes_meet_with_a_conversion():
    graph = graph_of(SHARED)
    parts, state = cut_of(graph)
    model = instantiate(emit(parts.flat, Note("flat", "A test."))).eval()
    model.load_state_dict(state)
    inputs = inputs_of(graph)
    weights, modes = Weights(parts, state), (Mode(), Mode("last"))
    seen = {mode: observe(parts, weights, inputs, mode) for mode in modes}
    choices = [Choice(modes[number % 2], Plain()) for number in range(len(parts.running))]
    made = program(parts, choices, seen, weights, inputs, PLACE)
    assert made.conversions
    with torch.inference_mode():
        assert apart(model(*inputs), made.run(*inputs)) < 1e-5
