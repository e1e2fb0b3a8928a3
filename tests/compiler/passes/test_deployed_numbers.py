"""A deployed model computes what it was made of, in float64 to the last digits and in float32 to rounding: with
statistics, affines and layer scales that are random, on sizes that nothing divides evenly."""

from pathlib import Path

import pytest
import torch
from torch import nn

import archdsl
from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.graph import Module, OpCall
from archdsl_compiler.passes.compute_tables import ComputeTables
from archdsl_compiler.passes.contract import pipeline
from archdsl_compiler.passes.deploy import Deployed, deploy
from archdsl_compiler.passes.equality import difference, random_input, telling_state
from archdsl_compiler.passes.rewriting import unique_modules
from archdsl_compiler.passes.weight_map import Scaled
from archdsl_compiler.passes.weights import transform_state

MODELS: dict[str, tuple[str, dict[str, int]]] = {
    "queries of one product for all": (
        """
        from std.layers import attention, transformer_block
        model m(n: int = 7)(x: [b, n, 24]) {
          return x |> transformer_block(attention(3)) as one |> transformer_block(attention(2, qkv_bias=false)) as two
        }""",
        {"Scaled behind": 2},
    ),
    "keys are scaled, and scores are channels": (
        """
        model m(n: int = 5, heads: int = 2)(x: [b, n, 12]) {
          let q, k, v = x |> linear(36) as qkv |> rearrange("b n (three h d) -> three b h n d", three=3, h=heads)
          return softmax((k * 0.3).T @ v, axis=-1) @ q.T |> rearrange("b h d n -> b n (h d)")
        }""",
        {"Scaled behind": 1},
    ),
    "queries that are read again keep their factor": (
        """
        model m(n: int = 5)(x: [b, n, 6]) {
          let q = x |> linear(6) as q
          let k = x |> linear(6, bias=false) as k
          return softmax(q @ (k * 0.3).T, axis=-1) @ q + softmax(q @ q.T * 0.2, axis=-1) @ k
        }""",
        {},
    ),
    "parts of a split": (
        """
        model m(n: int = 5)(x: [b, n, 9]) {
          let q, k, v = x |> linear(13) as all |> rearrange("b n c -> b 1 n c") |> split([4, 4, 5], axis=-1)
          return softmax(q @ k.T / 2.5, axis=-1) @ v
        }""",
        {"Scaled behind": 1},
    ),
    "layer scales of a convolution, behind what moves the map": (
        """
        from std.layers import layer_scale
        block mix(out: int)(x: [b, c, h, w]) {
          return x |> conv(out, 3, groups=c) as dw |> gelu |> conv(out, 1, groups=2, bias=false) as pw
        }
        model m(size: int = 7)(x: [b, 6, size, size]) {
          let y = x |> mix(6) as mix |> rearrange("b c h w -> b h w c") |> roll((2, -1), axes=(1, 2))
          let z = y |> layer_scale(0.1, axis=-1) as ls |> rearrange("b h w c -> b c h w")
          return x + z
        }""",
        {"Scaled behind": 1},
    ),
    "a layer scale written out": (
        """
        model m(size: int = 5)(x: [b, 6, size, size]) {
          let scale = param([3, 2], init=0.1) as scale
          let kept = param([6], init=0.3) as kept
          let y = rearrange(scale, "a b -> (a b) 1 1") * (x |> conv(6, 3) as one)
          let z = (y |> gelu |> conv(6, 1) as two) * reshape(kept, [6, 1, 1])
          return x + z + reshape(kept, [6, 1, 1])
        }""",
        {"Scaled behind": 2},
    ),
    "a factor between two reads of a product": (
        """
        model m(size: int = 5)(x: [b, 6, size, size]) {
          let y = x |> conv(6, 1) as one
          return y + y * 0.5
        }""",
        {},
    ),
    "scales before products, some with zeros around them": (
        """
        model m(size: int = 5)(x: [b, 6, size, size]) {
          let scale = param([6], init=1.0) as scale
          let y = gelu(x) * rearrange(scale, "c -> c 1 1")
          let tokens = y |> rearrange("b c (y p) (x q) -> b (y x) (p c q)", p=size, q=size) |> linear(7) as fc
          return (y |> conv(4, 3, groups=2) as wide), (y |> mean(axes=(2, 3)) |> linear(3, bias=false) as mean), tokens
        }""",
        {"Scaled before": 3},
    ),
    "a scale that something else reads too": (
        """
        model m(size: int = 5)(x: [b, 6, size, size]) {
          let scale = param([6], init=1.0) as scale
          let y = gelu(x) * rearrange(scale, "c -> c 1 1")
          return (y |> conv(4, 3, groups=2) as wide), y
        }""",
        {},
    ),
    "a bias of windows, with a mask": (
        """
        from std.layers import window_attention, relative_index
        mixer masked(side: int)(x: [b, n, c]) {
          let table = param([(2 * side - 1) ** 2, 2], init=0.5) as table
          let mask = where(rearrange(arange(n) % 3, "i -> i 1") == arange(n) % 3, 0.0, -10.0)
          let bias = rearrange(table[relative_index(side)], "i j heads -> heads i j") + mask
          let q, k, v = x |> linear(3 * c) as qkv |> rearrange("b n (three h d) -> three b h n d", three=3, h=2)
          return softmax(q @ k.T * 0.4 + bias, axis=-1) @ v |> rearrange("b h n d -> b n (h d)")
        }
        model m(side: int = 5)(x: [b, side, side, 8]) {
          x = x |> window_attention(2, 3) as one
          x = x |> rearrange("b h w c -> b (h w) c")
          return x |> masked(side) as two |> masked(side) as three
        }""",
        {"Computed": 2, "Scaled behind": 2},
    ),
    "a table that is looked at and a table that is computed, both of one parameter": (
        """
        model m(n: int = 5)(x: [b, n, 6]) {
          let table = param([6, n], init=0.5) as table
          let steps = buffer(arange(n) * 2, saved=true) as steps
          let places = float32(stack([arange(n), arange(n) ** 2], axis=-1)) |> linear(6) as places |> softmax(axis=-1)
          let gate = sigmoid(param([6], init=0.2) as gate)
          return (x + table.T) * gate + (table * table).T + places + steps[1]
        }""",
        {"Computed": 1},
    ),
    "windows that are shifted": (
        """
        mixer shifted(p: int, q: int)(x: [b, h, w, c]) {
          let y = x |> roll((-1, 2), axes=(1, 2)) |> flip(axes=2)
          let z = y |> rearrange("b (y p) (x q) c -> (b y x) (p q) c", p=p, q=q) |> linear(c) as fc
          return z
            |> rearrange("(b y x) (p q) c -> b (y p) (x q) c", p=p, y=h // p, x=w // q)
            |> roll((1, -2), axes=(1, 2))
        }
        model m(size: int = 15)(x: [b, 6, size, 5]) {
          x = x |> rearrange("b h w c -> b w h c") |> shifted(3, 2) as one
          let y = x |> rearrange("b h w c -> b (w h) c") |> roll(4, axes=1)
          return x, y, (y |> rearrange("b (w h) c -> (b w) h c", h=size) |> flip(axes=1))
        }""",
        {},
    ),
    "products without an activation between": (
        """
        model m(size: int = 7)(x: [b, 4, size, 5]) {
          let one = x |> conv(9, 3, stride=2) as c1 |> conv(6, 1, bias=false) as c2
          let two = x |> conv(9, 1, bias=false) as c3 |> conv(5, 3) as c4
          let three = x |> conv(9, 1) as c5 |> conv(5, 3, padding=0, bias=false) as c6
          let tokens = x |> rearrange("b c h w -> b (h w) c") |> linear(8) as f1 |> linear(6) as f2 |> linear(7) as f3
          let narrow = x |> conv(2, 1) as n1 |> conv(7, 1) as n2
          return one, two, three, tokens, narrow, (x |> conv(9, 1) as p1 |> conv(5, 3) as p2)
        }""",
        {"MergedProducts": 5},
    ),
    "norms before the product of a module": (
        """
        from std.layers import conv_mlp
        block inner(out: int)(x: [b, c, h, w]) {
          return x |> conv_mlp(2 * out) as mlp |> conv(out, 3) as last
        }
        model m(size: int = 5)(x: [b, 6, size, size]) {
          for i in 0..<2 {
            x = x + (x |> batch_norm() as norms[i] |> inner(6) as blocks[i] |> batch_norm() as after[i])
          }
          return x
        }""",
        {"FoldedNorm before": 2, "FoldedNorm behind": 2},
    ),
}


def elaborated(source: str, folder: Path) -> Module:
    file = folder / "model.arch"
    file.write_text(source, encoding="utf-8")
    return archdsl.elaborate(archdsl.load(file), "m")


def both(root: Module, deployed: Deployed) -> tuple[nn.Module, nn.Module]:
    """The two models with the same random weights."""
    before, after = (
        instantiate(emit(graph, Note("m", "Made by a test."))).eval()
        for graph in (pipeline().apply(root), deployed.root)
    )
    state = telling_state(before.state_dict(), torch.Generator().manual_seed(0))
    before.double().load_state_dict({name: value.double() for name, value in state.items()})
    after.double().load_state_dict(transform_state(before.state_dict(), deployed.changes))
    return before, after


def counted(deployed: Deployed) -> dict[str, int]:
    found: dict[str, int] = {}
    for _, weights in deployed.changes:
        for change in (each for changes in weights.values() for each in changes):
            name = f"{type(change).__name__} {getattr(change, 'side', '')}".strip()
            found[name] = found.get(name, 0) + 1
    return found


@pytest.mark.parametrize("name", MODELS)
def test_a_deployed_model_is_equal(name: str, tmp_path: Path):
    source, expected = MODELS[name]
    root = elaborated(source, tmp_path)
    deployed = deploy(root)
    assert expected == counted(deployed)
    before, after = both(root, deployed)
    inputs = [random_input(type_, torch.Generator().manual_seed(1)).double() for type_ in root.input_types]
    assert difference(before, after, inputs) < 1e-12
    assert difference(before.float(), after.float(), [x.float() for x in inputs]) < 1e-5


def test_a_parameter_leaves_the_state_only_with_its_last_reader(tmp_path: Path):
    root = elaborated(MODELS["a layer scale written out"][0], tmp_path)
    before, after = both(root, deploy(root))
    assert {"scale"} == set(before.state_dict()) - set(after.state_dict())


def test_parameters_of_a_table_leave_the_state_with_their_last_reader(tmp_path: Path):
    source = MODELS["a table that is looked at and a table that is computed, both of one parameter"][0]
    before, after = both(root := elaborated(source, tmp_path), deploy(root))
    assert {"gate", "places.weight", "places.bias"} == set(before.state_dict()) - set(after.state_dict())


def test_windows_are_taken_by_an_index(tmp_path: Path):
    root = elaborated(MODELS["windows that are shifted"][0], tmp_path)
    calls = [call for module in unique_modules(deploy(root).root) for call in module.calls if isinstance(call, OpCall)]
    constant = {"int64"}
    moved = [call.op.name for call in calls if call.outputs[0].dtype not in constant]
    # The last flip copies alone: what is before it is another view.
    assert (3, 1) == (moved.count("index"), moved.count("flip"))


def test_a_table_is_no_larger_than_wanted(tmp_path: Path):
    root = elaborated(MODELS["a bias of windows, with a mask"][0], tmp_path)
    assert ComputeTables(largest=100).transform(root)[0] is root


def test_factors_are_computed_in_float64(tmp_path: Path):
    """A factor of a float32 weight is rounded once."""
    root = elaborated(MODELS["parts of a split"][0], tmp_path)
    deployed = deploy(root)
    state = {"all.weight": torch.randn(13, 9), "all.bias": torch.randn(13)}
    found = transform_state(state, deployed.changes)
    factor = next(
        c.factor for _, w in deployed.changes for changes in w.values() for c in changes if isinstance(c, Scaled)
    )
    assert torch.equal(found["all.weight"][:4], (state["all.weight"][:4].double() * factor).float())
    assert torch.equal(found["all.weight"][4:], state["all.weight"][4:])
