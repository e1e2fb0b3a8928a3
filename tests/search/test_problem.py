"""From a `search` declaration to what it asks for."""

from pathlib import Path
from random import Random

import pytest

from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.search.contract import Candidate, Rejected
from archdsl.search.problem import Problem, open_problem

TEXT = """\
model net(width: int, depths: list[int])(x: [b, 1, 8, 8]) {{
  x = x |> rearrange("b c h w -> b (c h w)") |> linear(width) as stem
  for i in 0..<sum(depths) {{
    x = x |> linear(width) as blocks[i] |> gelu
  }}
  return x |> linear(10) as head
}}

space nets(widest: int = 64) {{
  let width = choose(8, 16, widest)
  let depths = [choose(1..4) for i in 0..<2]
  return net(width, depths)
}}

train quick(epochs: int = 3) {{
  data = digits()
  epochs = epochs
  optimizer = adamw(lr=choose(5e-4, 1e-3), decay=choose(0.0..0.1))
}}

search one(most: int = 6000) {{
  space = {space}
  evaluate = [{cheap}training(quick(epochs=1)), training(quick())]
  maximize quality = accuracy()
  minimize size = params
  {time}
  require size <= most: "it must fit"
  require sum(nets.depths) >= 3
  require quality >= 0.5
}}
"""


def problem(tmp_path: Path, space: str = "nets()", cheap: str = "", time: str = "", **settings: object) -> Problem:
    path = tmp_path / "case.arch"
    path.write_text(TEXT.format(space=space, cheap=cheap, time=time), encoding="utf-8")
    return open_problem(str(path), settings=settings)


def test_what_a_declaration_does_not_say_has_a_default(tmp_path: Path):
    found = problem(tmp_path)
    assert [p.name for p in found.evaluators] == ["static", "training", "training"]
    assert (found.strategy.name, found.executor.name, found.trials, found.seconds, found.seed) == (
        "nsga2",
        "local",
        100,
        None,
        0,
    )
    assert [(o.name, o.maximize, o.metric.name) for o in found.objectives] == [
        ("quality", True, "accuracy"),
        ("size", False, "params"),
    ]


def test_candidates_meet_what_their_genome_decides(tmp_path: Path):
    found = problem(tmp_path)
    rng = Random(0)
    for _ in range(30):
        candidate = found.domain.draw(rng)
        assert candidate.params <= 6000
        assert candidate.genome["depths.0"] + candidate.genome["depths.1"] >= 3  # pyright: ignore
        assert found.unmet(candidate, {}) == []
        (missed,) = found.unmet(candidate, {"quality": 0.25})
        assert "quality >= 0.5" in missed.told
        assert missed.amount == pytest.approx(0.5)
    near = found.domain.complete({"width": 64, "depths.0": 4, "depths.1": 4}, rng)
    assert isinstance(near, Candidate)
    assert near.params <= 6000
    rejected = found.domain.follow(lambda _path, offer: offer.names[offer.allowed[-1]] if offer.names else 0.05)
    assert isinstance(rejected, Rejected)
    assert "it must fit" in rejected.reason


RARE = """\
model net(widths: list[int])(x: [b, 16]) {
  for i, width in enumerate(widths) {
    x = x |> linear(width) as layers[i]
  }
  return x |> linear(10) as head
}

space nets() {
  let widths = [choose(8..128 by 8) for i in 0..<8]
  return net(widths)
}

search small(most: int) {
  space = nets()
  strategy = random()
  maximize params
  minimize work = macs
  require params < most: "it must fit"
}
"""


def test_what_hardly_any_genome_meets_is_built(tmp_path: Path):
    path = tmp_path / "rare.arch"
    path.write_text(RARE, encoding="utf-8")
    found = open_problem(str(path), settings={"most": 1200})  # about one of 4 million
    drawn = [found.domain.draw(Random(number)) for number in range(10)]
    assert all(candidate.params < 1200 for candidate in drawn)
    assert len({candidate.hash for candidate in drawn}) > 5
    with pytest.raises(UsageError, match=r"no candidate meets params < most.*between 730 and"):
        open_problem(str(path), settings={"most": 600}).domain.draw(Random(0))


def test_a_recipe_chooses_under_its_name(tmp_path: Path):
    found = problem(tmp_path)
    wanted = {"width": 8, "depths.0": 2, "depths.1": 2, "quick.optimizer.lr": 1e-3, "quick.optimizer.decay": 0.05}
    candidate = found.domain.complete(wanted, Random(0))
    assert isinstance(candidate, Candidate)
    assert candidate.genome == wanted
    short, long = (found.stage(number, candidate.genome)["recipe"] for number in (1, 2))
    assert short["optimizer"]["lr"] == long["optimizer"]["lr"] == 1e-3  # pyright: ignore
    assert (short["epochs"], long["epochs"]) == (1, 3)  # pyright: ignore
    other = found.domain.complete({**wanted, "quick.optimizer.lr": 5e-4}, Random(0))
    assert isinstance(other, Candidate)
    assert other.hash != candidate.hash
    assert "adamw" not in found.architecture(candidate.genome)
    assert "width=8" in found.architecture(candidate.genome).replace(" ", "").replace(":int", "")


def test_decisions_and_settings_of_the_named_space_are_kept(tmp_path: Path):
    found = problem(tmp_path, space='decide(nets(widest=32), [("width", 32)])', most=100_000)
    candidate = found.domain.draw(Random(3))
    assert "width" not in candidate.genome
    assert candidate.names["width"] == 32
    assert "32" in found.architecture(candidate.genome)


def test_a_latency_is_measured_before_what_is_dearer(tmp_path: Path):
    found = problem(tmp_path, time="minimize latency", cheap='zero_cost("naswot"), ')
    assert [p.name for p in found.evaluators] == ["static", "latency", "zero_cost", "training", "training"]


def test_what_cannot_run_is_refused_where_it_stands(tmp_path: Path):
    with pytest.raises(ArchError, match=r"`supernet` is declared and cannot run yet") as caught:
        problem(tmp_path, cheap="supernet(quick()), ")
    assert caught.value.diagnostics[0].code == "E0222"
    problem(tmp_path)
    with pytest.raises(UsageError, match="is a space, no search"):
        open_problem(f"{tmp_path / 'case.arch'}:nets")


def test_memory_is_counted_where_the_search_speaks_of_it(tmp_path: Path):
    rng = Random(0)
    found = problem(tmp_path)
    assert "memory" not in found.counted(found.domain.draw(rng))
    for line in ("minimize memory", "minimize held = memory()", "require memory <= 0.4KiB"):
        asked = problem(tmp_path, time=line)
        candidate = asked.domain.draw(rng)
        known = asked.counted(candidate)
        assert known["memory"] == 4 * (64 + candidate.genome["width"])  # the picture in a row, and the first layer
        assert known.get("held", known["memory"]) == known["memory"]
        limited = "require" in line
        unmet = asked.unmet(candidate, {})
        assert not unmet
        if limited:
            assert candidate.genome["width"] in (8, 16)
