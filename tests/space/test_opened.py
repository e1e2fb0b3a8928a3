"""Walking a space: candidates by their genome and by what is wanted of them."""

from pathlib import Path
from random import Random

import pytest

from archdsl.meaning.program import costs
from archdsl.search.contract import Candidate, Rejected
from archdsl.space.opened import Space
from archdsl.targets import open_target

SPACE = """\
block mix(heads: int)(x: [b, c]) { return linear(x, c * heads) as fc |> linear(c) as out }

model net(width: int, blocks: list[block?])(x: [b, 4]) {
  x = linear(x, width) as stem
  for i, part in enumerate(blocks) {
    x = x |> part as blocks[i]
  }
  return x |> linear(2) as head
}

space nets() {
  let width = choose(8, 16, 32)
  let depth = choose(1..3)
  let blocks = [choose(mix(choose(1, 2)), relu, none when width > 8) for i in 0..<depth]
  let rate = choose(0.0..1.0)
  require width * depth <= 64: "too large"
  return net(width, blocks)
}
"""


@pytest.fixture
def space(tmp_path: Path) -> Space:
    path = tmp_path / "nets.arch"
    path.write_text(SPACE, encoding="utf-8")
    return Space(open_target(str(path), wants=("space",)))


def test_a_drawn_candidate_is_what_its_genome_means(space: Space):
    rng = Random(0)
    seen: set[str] = set()
    for _ in range(200):
        found = space.complete({}, rng)
        if isinstance(found, Rejected):
            assert found.genome["width"] == 32
            assert found.genome["depth"] == 3
            assert "32" in found.reason
            continue
        assert found == space.candidate(found.genome)
        target = space.target
        known = costs(target.program, target.name, None, found.genome)
        assert (known.params, known.macs) == (found.params, found.macs)
        assert isinstance(found.genome["rate"], float)
        assert found.names["depth"] == found.genome["depth"]
        seen.add(found.hash)
    assert len(seen) > 20


def test_what_is_wanted_is_taken_where_it_is_open(space: Space):
    wanted = {"width": 8, "depth": 2, "blocks.0": "none", "blocks.1": "mix", "blocks.1.heads": 2, "blocks.2": "relu"}
    found = space.complete(wanted, Random(1))
    assert isinstance(found, Candidate)
    genome = found.genome
    assert (genome["width"], genome["depth"], genome["blocks.1"], genome["blocks.1.heads"]) == (8, 2, "mix", 2)
    assert genome["blocks.0"] != "none"
    assert "blocks.2" not in genome
    decision = next(d for d in found.decisions if d.path == "blocks.0")
    assert (decision.options, decision.allowed) == (("mix", "relu", "none"), (0, 1))


def test_what_a_decision_leaves_alone_is_one_candidate(space: Space):
    one = {"width": 16, "depth": 1, "blocks.0": "relu", "rate": 0.25}
    a, b = space.candidate(one), space.candidate({**one, "rate": 0.5})
    other = space.candidate({**one, "width": 8})
    assert isinstance(a, Candidate)
    assert isinstance(b, Candidate)
    assert isinstance(other, Candidate)
    assert a.hash == b.hash != other.hash
