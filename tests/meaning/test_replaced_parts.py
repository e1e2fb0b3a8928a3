"""Models of the zoo with another mixer than the published one: all else keeps its name and shape."""

from pathlib import Path

import torch

import archdsl
from archdsl.resources import resource
from archdsl_compiler.graph import state_entries

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "swin_lka.arch"
SWIN = "swin_tiny_patch4_window7_224"
THIRD_STAGE = [f"layers.2.blocks.{i}.attn" for i in range(6)]


def shapes_of(path: Path, name: str) -> dict[str, tuple[object, ...]]:
    module = archdsl.elaborate(archdsl.load(path), name)
    return {entry: tuple(parameter.shape) for entry, parameter in state_entries(module)}


def mixers_of_the_third_stage(names: dict[str, tuple[object, ...]]) -> set[str]:
    return {name for name in names if name.startswith(tuple(THIRD_STAGE))}


def test_swin_with_another_mixer_in_its_third_stage_keeps_all_other_names():
    ours, published = shapes_of(EXAMPLE, "swin_lka"), shapes_of(resource("zoo/swin.arch"), SWIN)
    replaced, replacing = mixers_of_the_third_stage(published), mixers_of_the_third_stage(ours)
    convolutions = ("conv0", "conv_spatial", "conv1")
    assert replacing == {f"{block}.{c}.{p}" for block in THIRD_STAGE for c in convolutions for p in ("weight", "bias")}
    assert {n: s for n, s in published.items() if n not in replaced} == {
        n: s for n, s in ours.items() if n not in replacing
    }


def test_swin_with_another_mixer_runs_with_weights_of_the_published_one():
    model = archdsl.build(f"{EXAMPLE}:swin_lka").eval()
    published = archdsl.build(f"zoo:{SWIN}").state_dict()
    missing = model.load_state_dict(
        {name: value for name, value in published.items() if not name.startswith(tuple(THIRD_STAGE))}, strict=False
    )
    assert (mixers_of_the_third_stage(dict.fromkeys(model.state_dict(), ())), []) == (
        set(missing.missing_keys),
        missing.unexpected_keys,
    )
    with torch.no_grad():
        assert (1, 1000) == tuple(model(torch.zeros(1, 3, 224, 224)).shape)


def test_weights_of_the_published_one_are_loaded_for_all_else():
    published = archdsl.build(f"zoo:{SWIN}").state_dict()
    model = archdsl.build(f"{EXAMPLE}:swin_lka", weights=published, skip=["layers.2.blocks.*.attn.*"])
    state = model.state_dict()
    kept = [name for name in state if not name.startswith(tuple(THIRD_STAGE))]
    assert [] == [name for name in kept if not torch.equal(state[name], published[name])]
    assert (set(kept), set(state) - set(kept)) == (
        set(model.weights_report.loaded),
        set(model.weights_report.initialised),
    )
