"""Weights find their places by name or by order, and what does not fit changes nothing."""

import gzip
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

import archdsl
from archdsl.diagnostics.record import UsageError
from archdsl.weights.loading import load_weights
from archdsl.weights.report import Absent, Adapted, Misshapen, WeightsMismatch, WeightsReport
from tests.weights.bare import bare, graph_of, loaded_numbers, numbers, trained

TEXT = """\
block part(wide: int)(x: [b, c, h, w]) {
  return x |> conv(wide, 3, bias=false) as conv |> batch_norm() as norm |> relu
}

model net(width: int = 4, classes: int? = 10, scale: bool = false)(x: [b, 3, 8, 8]) {
  x = x |> part(width) as parts[0] |> part(width) as parts[1] |> mean(axes=(2, 3))
  if scale {
    x = x |> layer_norm() as last
  }
  let ready = buffer(arange(width), saved=true) as ready
  return x * ready |> (if classes == none then none else linear(classes)) as head
}
"""
PART = ["conv.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]
NAMES = sorted([f"parts.{i}.{name}" for i in range(2) for name in PART] + ["head.bias", "head.weight", "ready"])


@pytest.fixture
def graph(tmp_path: Path):
    return graph_of(TEXT, tmp_path)


def refused(module: torch.nn.Module, graph, weights, **options) -> WeightsMismatch:
    """The error; the module is as it was."""
    before = loaded_numbers(module)
    with pytest.raises(WeightsMismatch) as raised:
        load_weights(module, graph, weights, **options)
    assert before == loaded_numbers(module)
    return raised.value


def test_equal_names_are_loaded(graph):
    module, weights = bare(graph), trained(graph)
    report = load_weights(module, graph, weights)
    assert (numbers(weights), NAMES) == (loaded_numbers(module), sorted(weights))
    assert WeightsReport("the state dict", "name", tuple(module.state_dict())) == report
    assert "15 tensors loaded from the state dict" == str(report)


def test_the_dtype_of_the_model_stays(graph):
    module = bare(graph, torch.bfloat16)
    weights = {name: tensor.double() for name, tensor in trained(graph).items()}
    load_weights(module, graph, weights)
    assert (torch.bfloat16, torch.int64, numbers(weights)) == (
        module.state_dict()["head.weight"].dtype,
        module.state_dict()["parts.0.norm.num_batches_tracked"].dtype,
        loaded_numbers(module),
    )


def test_what_training_programs_put_before_names_is_taken_off(graph, tmp_path: Path):
    module, weights = bare(graph), trained(graph)
    torch.save({"state_dict": {f"module._orig_mod.{name}": t for name, t in weights.items()}}, tmp_path / "w.pth")
    report = load_weights(module, graph, tmp_path / "w.pth")
    assert (numbers(weights), ("state_dict", "module._orig_mod.")) == (loaded_numbers(module), report.unwrapped)


def test_counters_and_constants_may_be_absent(graph):
    module = bare(graph)
    absent = ("ready", "parts.0.norm.num_batches_tracked")
    weights = {name: tensor for name, tensor in trained(graph).items() if name not in absent}
    report = load_weights(module, graph, weights)
    found = loaded_numbers(module)
    assert ((), set(absent), [-1, -1]) == (report.initialised, set(report.computed), [found[name] for name in absent])


def test_a_mismatch_tells_what_and_changes_nothing(graph):
    weights = trained(graph)
    weights["head.fc.weight"] = weights.pop("head.weight")
    weights["parts.0.conv.weight"] = torch.zeros(4, 3, 5, 5)
    weights["other"] = torch.zeros(1)
    error = refused(bare(graph), graph, weights)
    assert (
        (Absent("head.weight", (10, 4), "head.fc.weight"),),
        (Absent("head.fc.weight", (10, 4), "head.weight"), Absent("other", (1,))),
        (Misshapen("parts.0.conv.weight", "parts.0.conv.weight", (4, 3, 5, 5), (4, 3, 3, 3)),),
    ) == (error.missing, error.unexpected, error.misshapen)
    assert """\
the weights of the state dict do not fit the model; nothing was loaded
  the file lacks 1:
    head.weight [10, 4], similar: head.fc.weight
  the model lacks 2:
    head.fc.weight [10, 4], similar: head.weight
    other [1]
  of another shape 1:
    parts.0.conv.weight [4, 3, 3, 3], in the file [4, 3, 5, 5]
  --adapt (adapt=True) renews a classifier of other classes and resizes tables of positions
  --skip "NAME.*" (skip=[...]) leaves parts at their initialisation""" == str(error)


def test_long_lists_are_cut_in_the_message_alone(graph):
    error = refused(bare(graph), graph, {f"layer.{i}": torch.zeros(1) for i in range(20)})
    assert (12, 20, True, True) == (
        len(error.missing),
        len(error.unexpected),
        "    ... and 5 more\n" in str(error),
        "    ... and 13 more" in str(error),
    )


def test_complex_numbers_do_not_fit(graph):
    weights = trained(graph)
    weights["head.bias"] = torch.zeros(10, dtype=torch.complex64)
    (misfit,) = refused(bare(graph), graph, weights).misshapen
    assert "its numbers are torch.complex64" == misfit.why


def renamed(weights: dict[str, Tensor], counters: bool) -> dict[str, Tensor]:
    """As another library calls them."""
    return {
        f"features.{number}.{name.rpartition('.')[2]}": tensor
        for number, (name, tensor) in enumerate(weights.items())
        if counters or not name.endswith("num_batches_tracked")
    }


@pytest.mark.parametrize("counters", [True, False])
def test_weights_are_matched_by_order(counters: bool, graph, tmp_path: Path):
    module, weights = bare(graph), trained(graph)
    torch.save(renamed(weights, counters), tmp_path / "w.pth")
    report = load_weights(module, graph, tmp_path / "w.pth", match="order")
    expected = {n: v if counters or "tracked" not in n else -1 for n, v in numbers(weights).items()}
    assert (expected, "order", ()) == (loaded_numbers(module), report.match, report.initialised)


def test_by_name_the_message_offers_the_order_where_it_fits(graph):
    error = refused(bare(graph), graph, renamed(trained(graph), False))
    assert ('--match order (match="order") fits: the shapes agree in sequence',) == error.advice


def test_another_order_is_refused(graph):
    weights = dict(reversed(renamed(trained(graph), True).items()))
    error = refused(bare(graph), graph, weights, match="order")
    assert (12, 0, 0) == (len(error.misshapen), len(error.missing), len(error.unexpected))


def test_too_few_in_order_are_refused(graph):
    weights = renamed(trained(graph), False)
    del weights[next(reversed(weights))]
    error = refused(bare(graph), graph, weights, match="order")
    assert (1, 0, 0) == (len(error.missing), len(error.unexpected), len(error.misshapen))


def test_safetensors_have_no_order(graph, tmp_path: Path):
    save_file(renamed(trained(graph), True), tmp_path / "w.safetensors")
    error = refused(bare(graph), graph, tmp_path / "w.safetensors", match="order")
    assert "a file of safetensors has no order of its own; match by order needs one that torch.save wrote" in str(error)


def test_skipped_parts_stay_at_their_initialisation(graph, tmp_path: Path):
    module, weights = bare(graph), trained(graph)
    weights["parts.1.conv.weight"] = torch.zeros(7, 7)
    weights["parts.1.attn.qkv.weight"] = torch.zeros(3)
    report = load_weights(module, graph, weights, skip=["parts.1.*", "head"])
    skipped = [name for name in module.state_dict() if name.startswith(("parts.1.", "head."))]
    found = loaded_numbers(module)
    assert (skipped, (*skipped, "parts.1.attn.qkv.weight")) == (list(report.initialised), report.skipped)
    assert [-1.0] * 8 == [found[name] for name in skipped]
    assert "not used: parts.1.attn.qkv.weight" in str(report)


def test_a_pattern_without_a_name_is_told(graph):
    with pytest.raises(
        UsageError, match=r"skip `parts\.2\.\*` matches nothing in the model or the weights; `\*` stands"
    ):
        load_weights(bare(graph), graph, trained(graph), skip=["parts.2.*"])
    with pytest.raises(UsageError, match=r"a similar name is `head`"):
        load_weights(bare(graph), graph, trained(graph), skip=["haed"])


def test_skipping_by_order(tmp_path: Path):
    here, there = (graph_of(TEXT, tmp_path, classes=classes) for classes in (7, 10))
    module = bare(here)
    report = load_weights(module, here, renamed(trained(there), False), match="order", skip=["head.*"])
    longer = graph_of(TEXT, tmp_path, scale=True)
    added = bare(longer)
    second = load_weights(added, longer, renamed(trained(there), False), match="order", skip=["last.*"])
    assert (("head.weight", "head.bias"), ("last.weight", "last.bias")) == (report.initialised, second.initialised)
    assert numbers(trained(there))["head.bias"] == loaded_numbers(added)["head.bias"]


def test_a_classifier_of_other_classes_is_renewed_whole(tmp_path: Path):
    here, there = (graph_of(TEXT, tmp_path, classes=classes) for classes in (7, 10))
    error = refused(bare(here), here, trained(there))
    module = bare(here)
    report = load_weights(module, here, trained(there), adapt=True)
    assert ["head.weight", "head.bias"] == [misfit.name for misfit in error.misshapen]
    assert (
        Adapted("head.weight", "initialised", (10, 4), (7, 4)),
        Adapted("head.bias", "initialised", (10,), (7,)),
    ) == report.adapted
    assert ("head.weight", "head.bias") == report.initialised
    assert "at its initialisation: head.weight [10, 4] -> [7, 4]" in str(report)


def test_a_classifier_that_the_file_lacks_is_initialised(tmp_path: Path):
    here, there = (graph_of(TEXT, tmp_path, classes=classes) for classes in (10, None))
    report = load_weights(bare(here), here, trained(there), adapt=True)
    assert (("head.weight", "head.bias"), ()) == (report.initialised, report.adapted)


def test_adapting_heals_nothing_else(tmp_path: Path):
    here, there = (graph_of(TEXT, tmp_path, width=width) for width in (4, 6))
    error = refused(bare(here), here, trained(there), adapt=True)
    assert "parts.0.conv.weight" in [misfit.name for misfit in error.misshapen]


TURNS = """\
model net(size: int = 8)(x: [b, 3, 8, 8]) {
  x = x |> mean(axes=(2, 3)) |> linear(4) as stem
  for i in 0..<3 {
    x = x |> layer_norm() as norms[i] |> linear(4) as layers[i]
  }
  return x |> linear(2) as head
}
"""


def test_by_order_lists_that_run_in_turns_are_tried_list_by_list_and_in_turns(tmp_path: Path):
    """A module made of `norms` and `layers` has all norms before all layers in its state dict; another library may
    have them in turns."""
    graph = graph_of(TURNS, tmp_path)
    in_turns = trained(graph)
    stem, norms, layers, head = (
        [name for name in in_turns if name.startswith(part)] for part in ("stem", "norms", "layers", "head")
    )
    by_lists = {name: in_turns[name] for name in (*stem, *norms, *layers, *head)}
    module = bare(graph)
    assert list(by_lists) == list(module.state_dict())
    for weights in (by_lists, in_turns):
        report = load_weights(module, graph, renamed(weights, True), match="order")
        assert (14 + 2, numbers(in_turns)) == (len(report.loaded), loaded_numbers(module))


def test_tables_of_positions_are_resized(tmp_path: Path):
    text = """\
model net(size: int = 32)(x: [b, 3, size, size]) {
  let side = size // 8
  let y = x |> conv(6, 8, stride=8) as patch |> rearrange("b c h w -> b (h w) c")
  let token = param([1, 1, 6]) as token
  let places = param([1, 1 + side ** 2, 6], resize="1 (h w) c", prefix=1) as places
  return (concat([expand(token, b, axis=0), y], axis=1) + places)[:, 0] |> linear(2) as head
}
"""
    here, there = (graph_of(text, tmp_path, size=size) for size in (32, 48))
    weights = trained(there)
    weights["places"] = torch.randn(1, 37, 6, dtype=torch.float64)
    error = refused(bare(here), here, weights)
    module = bare(here)
    report = load_weights(module, here, weights, adapt=True)
    maps = weights["places"][:, 1:].reshape(1, 6, 6, 6).permute(0, 3, 1, 2).float()
    smaller = torch.nn.functional.interpolate(maps, size=(4, 4), mode="bicubic", antialias=True)
    expected = torch.cat([weights["places"][:, :1].float(), smaller.permute(0, 2, 3, 1).reshape(1, 16, 6)], dim=1)
    assert torch.equal(expected, module.state_dict()["places"])
    assert ((Adapted("places", "resized", (1, 37, 6), (1, 17, 6)),), (), True) == (
        report.adapted,
        report.initialised,
        "--adapt" in str(error),
    )
    assert "resized: places [1, 37, 6] -> [1, 17, 6]" in str(report)


def test_constants_of_another_size_are_the_models_own(tmp_path: Path):
    text = """\
model net(size: int = 4)(x: [b, size]) {
  let table = buffer(arange(size), saved=true) as table
  return sum(x * table, axes=-1, keep=true) |> linear(2) as head
}
"""
    here, there = (graph_of(text, tmp_path, size=size) for size in (4, 5))
    error = refused(bare(here), here, trained(there))
    report = load_weights(bare(here), here, trained(there), adapt=True)
    assert (("table",), ["table"]) == (report.computed, [misfit.name for misfit in error.misshapen])


def test_the_file_of_another_library_fits_mobilenetv2_by_order():
    """`mobilenetv2_of_another_library.json.gz` has the names and shapes of such a file, in its order."""
    data = Path(__file__).parent.parent / "data" / "mobilenetv2_of_another_library.json.gz"
    entries: list[tuple[str, list[int]]] = json.loads(gzip.decompress(data.read_bytes()))
    weights = {name: torch.full(shape, float(number)) for number, (name, shape) in enumerate(entries)}
    module = archdsl.build("zoo:mobilenetv2_100", weights=weights, match="order")
    found = loaded_numbers(module)
    there = numbers(weights)
    expected = {
        "conv_stem.weight": there["features.0.0.weight"],
        "bn1.running_var": there["features.0.1.running_var"],
        "blocks.0.0.conv_pw.weight": there["features.1.conv.1.weight"],
        "blocks.3.1.bn2.num_batches_tracked": there["features.8.conv.1.1.num_batches_tracked"],
        "blocks.6.0.conv_pwl.weight": there["features.17.conv.2.weight"],
        "classifier.bias": there["classifier.1.bias"],
    }
    assert (314, expected) == (len(module.weights_report.loaded), {name: found[name] for name in expected})
