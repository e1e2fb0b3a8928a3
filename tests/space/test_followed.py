"""Counting, bounding and drawing from a space as a whole, against following each of its genomes alone."""

from pathlib import Path
from random import Random

import pytest

from archdsl.diagnostics.record import ArchError
from archdsl.search.contract import Candidate
from archdsl.space.followed import Survey, follow_whole
from archdsl.space.measures import Count, Extents
from archdsl.space.opened import Space
from archdsl.targets import open_target
from tests.meaning.small_spaces import written
from tests.searchspaces.test_search_spaces import SIZES, path_of
from tests.space.walked import all_valid, key_of, opened

SEEDS = 60
IN_ONE_TEST = 12
MOST = 1_500

NESTED = """\
mixer heads(count: int)(x: [b, c]) { return x |> linear(c * count) as fc |> linear(c) as out }
mixer own(low: int = choose(2, 3) as low)(x: [b, c]) {
  return x |> linear(choose(low, low + 1, 4) as high) as a |> linear(c)
}
block rule(level: int)(x: [b, c]) -> [b, c] {
  return x |> choose(relu, twice(level) when level < 2, own()) as kind
}
block twice(level: int)(x: [b, c]) -> [b, c] {
  return x |> rule(level + 1) as first |> rule(level + 1) as second
}
model net(width: int, blocks: list[block?])(x: [b, 4]) {
  x = linear(x, width) as stem
  for i, part in enumerate(blocks) { x = x |> part as blocks[i] }
  return x |> linear(2) as head
}
"""
SPACES = {
    "options with settings, shared": """
space s() {
  let shared = choose(heads(choose(1, 2)), own())
  return net(choose(8, 16) as width, [shared, shared, choose(shared, none) as last])
}
""",
    "recursion": """
space s() { return net(8, [rule(1), none]) }
""",
    "a chosen length and a sum": """
space s() {
  let width = choose(8, 16)
  let depths = [choose(1..2) for i in 0..<2]
  let blocks = [choose(heads(choose(1, 2)), relu, none when width > 8) for i in 0..<sum(depths)]
  require sum(depths) <= 3: "short"
  require sum(1 for block in blocks if block == none) <= 1
  return net(width, blocks)
}
""",
    "options that print alike": """
space s() {
  let a = choose(2, 3)
  let b = choose(a, a + 1, 3, 4)
  return net(8 * b, [heads(a), choose(relu, relu)])
}
""",
}


def counted(space: Space, requirements: bool = True) -> int:
    followed = follow_whole(space, requirements=requirements)
    assert followed is not None
    node = Survey(followed, Count()).whole()
    return 0 if node is None else node.value


def compared(space: Space, draws: int) -> int:
    """Count, bounds and some draws, held against all candidates; how many there are."""
    valid = all_valid(space)
    followed = follow_whole(space)
    assert followed is not None
    survey = Survey(followed, Count())
    node = survey.whole()
    assert len(valid) == (0 if node is None else node.value)
    if node is None:
        return 0
    extent = Survey(followed, Extents()).whole()
    assert extent is not None
    params, macs = [c.params for c in valid.values()], [c.macs for c in valid.values()]
    assert extent.value.params == (min(params), max(params))
    assert extent.value.macs == (min(macs), max(macs))
    rng = Random(1)
    for _ in range(draws):
        drawn = space.complete(survey.genome(node, rng), None, graph=False)
        assert isinstance(drawn, Candidate)
        assert key_of(drawn) in valid
    return len(valid)


@pytest.mark.parametrize("first", range(0, SEEDS, IN_ONE_TEST))
def test_random_spaces(first: int, tmp_path: Path):
    tested = 0
    for seed in range(first, first + IN_ONE_TEST):
        try:
            space = opened(tmp_path, written(seed))
        except ArchError:
            continue
        if counted(space, requirements=False) <= MOST:
            tested += bool(compared(space, 10))
    assert tested


@pytest.mark.parametrize("name", SPACES)
def test_written_spaces(name: str, tmp_path: Path):
    assert compared(opened(tmp_path, NESTED + SPACES[name]), 30) > 5


def test_drawing_is_even(tmp_path: Path):
    space = opened(tmp_path, NESTED + SPACES["a chosen length and a sum"])
    genomes = dict.fromkeys(all_valid(space), 0)
    followed = follow_whole(space)
    assert followed is not None
    survey = Survey(followed, Count())
    node = survey.whole()
    assert node is not None
    rng, draws = Random(3), 10 * len(genomes)
    by_options: dict[object, int] = {}
    expected: dict[object, int] = {}
    for key in genomes:
        mark = dict(key)["depths.0"], dict(key)["depths.1"], dict(key).get("width"), dict(key)["blocks.0"]
        expected[mark] = expected.get(mark, 0) + 1
    for _ in range(draws):
        genome = survey.genome(node, rng)
        mark = genome["depths.0"], genome["depths.1"], genome["width"], genome["blocks.0"]
        by_options[mark] = by_options.get(mark, 0) + 1
    chi2 = sum((by_options.get(m, 0) - 10 * n) ** 2 / (10 * n) for m, n in expected.items())
    freedom = len(expected) - 1
    assert chi2 < freedom + 4 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("name", [n for n in SIZES if not n.startswith("grammar")])
def test_shipped_spaces_have_their_published_sizes(name: str):
    assert counted(Space(open_target(path_of(name)))) == SIZES[name]


@pytest.mark.slow
def test_a_grammar_is_counted_rule_by_rule():
    space = Space(open_target(path_of("grammar_space:any_architecture")))
    assert counted(space) == SIZES["grammar_space:any_architecture"]


def test_requirements_alone_make_the_difference():
    space = Space(open_target(path_of("smt_search:hybrids")))
    assert counted(space, requirements=False) == 7_164_612_000
