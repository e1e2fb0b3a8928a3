"""What the scores of untrained candidates are asked with."""

from dataclasses import replace
from pathlib import Path

import pytest

from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part, default_part
from archdsl.search.contract import Ground, TrialFailed
from archdsl.search.evaluators import zero_cost
from archdsl.space.opened import Space
from archdsl.targets import open_target
from tests.search.evaluators.cases import candidates_of, evaluated, objective, work_for

pytestmark = pytest.mark.usefixtures("one_thread")
SPACE = """\
model net(width: int)(x: [b, 1, 8, 8]) {
  x = x |> conv(width, 3, bias=false) as stem |> batch_norm() as norm |> relu
  return x |> mean(axes=(2, 3)) |> linear(10) as head
}
space nets() { return net(width=choose(4, 8, 16)) }
"""


@pytest.fixture
def space(tmp_path: Path) -> Space:
    path = tmp_path / "nets.arch"
    path.write_text(SPACE, encoding="utf-8")
    return Space(open_target(str(path), wants=("space",)))


def ready(ground: Ground, **settings: object) -> Part:
    part = default_part("evaluator", "zero_cost", **settings)
    return Part(part.name, {**part.settings, **zero_cost.prepare(part, ground).found})


def test_the_batch_is_noise_or_taken_from_data(space: Space, tmp_path: Path):
    ground = Ground(tmp_path, candidates_of(space), architecture=space.architecture)
    wish = objective("grad_norm", "reported")
    noise = ready(ground, proxy="grad_norm", batch=20)
    pictures = ready(ground, proxy="grad_norm", batch=20, data=Part("digits"))
    scores = [
        evaluated(work_for(space, ground.samples[0], part, wish)).metrics["grad_norm"]
        for part in (noise, pictures, replace(noise, settings={**noise.settings, "batch": 10}))
    ]
    assert len(set(scores)) == 3
    with pytest.raises(UsageError, match=r"nothing\.npz"):
        ready(ground, proxy="snip", data=Part("arrays", {"path": "nothing.npz"}))


def test_az_nas_is_told_beside_other_candidates(space: Space, tmp_path: Path):
    ground = Ground(tmp_path, candidates_of(space), architecture=space.architecture)
    part = ready(ground, proxy="az_nas", batch=8)
    wishes = (objective("az_nas", "reported"), objective("c", "reported", name="az_nas.complexity"))
    found = {
        candidate.genome["width"]: evaluated(work_for(space, candidate, part, *wishes)).metrics
        for candidate in candidates_of(space)
    }
    assert [found[width]["c"] for width in (4, 8, 16)] == sorted(found[width]["c"] for width in (4, 8, 16))
    assert all(metrics["az_nas"] < 0 for metrics in found.values())
    unknown = objective("p", "reported", name="az_nas.progressivity")
    with pytest.raises(TrialFailed, match=r"az_nas\.progressivity"):
        evaluated(work_for(space, ground.samples[0], part, unknown))
    with pytest.raises(UsageError, match="none could be scored"):
        ready(Ground(tmp_path), proxy="az_nas")
