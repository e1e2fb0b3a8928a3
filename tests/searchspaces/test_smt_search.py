"""Hybrid stages: what a pattern such as `SS|SS|SMSMSMSM|M` decodes to, and what the mixers see."""

import re

import pytest
import torch

import archdsl
from archdsl.resources import resource
from archdsl.search.contract import Candidate, Genome, Rejected
from archdsl.space.opened import Space
from archdsl.targets import open_target
from archdsl_compiler.graph import state_entries

FILE = str(resource("searchspaces/smt_search.arch"))
MIXERS = {"S": "modulation", "M": "local_attention"}
TINY = "SS|SS|SMSMSMSM|M"


def decoded(pattern: str, width: int = 64, ratios: tuple[int, ...] = (4, 4, 4, 2)) -> Genome:
    """The genome of stages that are written as their mixers."""
    stages = pattern.split("|")
    return {
        "width": width,
        **{f"depths.{i}": len(stage) for i, stage in enumerate(stages)},
        **{f"ratios.{i}": ratio for i, ratio in enumerate(ratios)},
        **{f"mixers.{i}.{j}": MIXERS[letter] for i, stage in enumerate(stages) for j, letter in enumerate(stage)},
    }


def pattern_of(target: str) -> str:
    """The mixers of a built network, stage by stage, told by what is in its state dict."""
    names = {name for name, _ in state_entries(open_target(target).graph())}
    places = sorted({(int(m[1]), int(m[2])) for n in names if (m := re.match(r"block(\d+)\.(\d+)\.attn\.", n))})
    stages = [""] * 4
    for stage, block in places:
        local = f"block{stage}.{block}.attn.local_conv_1.weight" in names
        attends = f"block{stage}.{block}.attn.kv.weight" in names
        assert local != attends
        stages[stage - 1] += "S" if local else "M"
    return "|".join(stages)


def test_the_published_pattern_decodes_to_the_published_size():
    found = Space(open_target(f"{FILE}:hybrids")).complete(decoded(TINY), None, graph=False)
    assert isinstance(found, Candidate)
    genome = {path: option for path, option in found.genome.items() if not path.startswith("mixers.0")}
    assert genome == {path: option for path, option in decoded(TINY).items() if not path.startswith("mixers.0")}
    assert (11_506_536, 2_461_268_480) == (found.params, found.macs)


def test_the_published_pattern_means_the_published_network():
    space = Space(open_target(f"{FILE}:hybrids"))
    found = space.candidate(decoded(TINY))
    known = Space(open_target(f"{FILE}:smt_tiny")).candidate({})
    assert isinstance(found, Candidate)
    assert isinstance(known, Candidate)
    assert known.hash == found.hash


@pytest.mark.parametrize(
    ("name", "depths"), [("tiny", [2, 2, 8, 1]), ("small", [3, 4, 18, 2]), ("base", [4, 6, 28, 2])]
)
def test_attention_stands_at_the_odd_places_of_the_third_stage(name: str, depths: list[int]):
    third = "".join("M" if j % 2 else "S" for j in range(depths[2]))
    expected = ["S" * depths[0], "S" * depths[1], third, "M" * depths[3]]
    assert "|".join(expected) == pattern_of(f"{FILE}:smt_{name}")


@pytest.mark.parametrize(
    ("pattern", "accepted"),
    [("S|S|SM|M", True), ("S|M|SM|M", False), ("S|SM|SMSM|SM", True), ("S|SM|SSM|M", False), ("SS|SS|SS|SS", True)],
)
def test_attention_never_becomes_less(pattern: str, accepted: bool):
    found = Space(open_target(f"{FILE}:hybrids")).complete(decoded(pattern), None, graph=False)
    assert (Candidate if accepted else Rejected) is type(found)


def test_attention_needs_a_small_map():
    for size, stages in ((448, [2, 3]), (224, [1, 2, 3]), (64, [0, 1, 2, 3])):
        space = Space(open_target(f"{FILE}:hybrids", settings={"size": size}))
        found = space.complete({f"mixers.{i}.0": "local_attention" for i in range(4)}, None, graph=False)
        assert isinstance(found, Candidate)
        assert stages == [i for i in range(4) if found.genome.get(f"mixers.{i}.0") == "local_attention"]


# ---- what the heads of a modulation see

ALONE = """\
from std.mixers import modulation

model alone()(x: [b, 8, 15, 15]) {
  return x |> modulation() as mix
}
"""


def test_each_head_of_a_modulation_sees_its_square(tmp_path, one_thread: None):
    file = tmp_path / "alone.arch"
    file.write_text(ALONE, encoding="utf-8")
    model = archdsl.build(str(file)).eval().double()
    blank = torch.zeros(1, 2, 15, 15, dtype=torch.float64)
    impulse = blank.clone()
    impulse[:, :, 7, 7] = 1.0
    for i in range(4):
        head = model.get_submodule(f"mix.local_conv_{i + 1}")
        with torch.inference_mode():
            answer = (head(impulse) - head(blank)).abs()
        reached = answer[0, 0].nonzero()
        side = 3 + 2 * i
        middle = 7 - side // 2
        assert {(y, x) for y in range(middle, middle + side) for x in range(middle, middle + side)} == {
            (int(y), int(x)) for y, x in reached
        }


def test_a_modulation_sees_as_far_as_its_largest_kernel(tmp_path, one_thread: None):
    """Beyond nine places nothing reaches a place; the gate is local, whatever the values are."""
    file = tmp_path / "alone.arch"
    file.write_text(ALONE, encoding="utf-8")
    torch.manual_seed(0)
    model = archdsl.build(str(file)).eval().double()
    x = torch.randn(1, 8, 15, 15, dtype=torch.float64, requires_grad=True)
    model(x)[0, :, 7, 7].sum().backward()
    assert x.grad is not None
    seen = x.grad.abs().sum(dim=(0, 1)).nonzero()
    assert (9 * 9, 3, 11) == (len(seen), int(seen.min()), int(seen.max()))
