"""Scores of untrained models: what all of them keep to, and what each of them is known to be."""

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from archdsl.building import source_of
from archdsl.cost.proxies import az_nas, jacob_cov, naswot, synflow
from archdsl.cost.proxies.net import Batch, Net, noise, proxy_names, score
from archdsl.meaning.catalogue.evaluators import PROXIES
from archdsl.targets import open_target
from archdsl_compiler.emit.execute import instantiate

TEXT = """\
block unit(width: int)(x: [b, c, h, w]) {
  return x |> conv(width, 3, bias=false) as conv |> batch_norm() as norm |> relu
}

model maps(width: int = 8)(x: [b, 3, 8, 8]) {
  x = x |> unit(width) as stem
  for i in 0..<2 {
    x = x + (x |> unit(width) as units[i]) |> dropout(0.5)
  }
  return x |> mean(axes=(2, 3)) |> linear(5) as head
}

model tokens()(x: [b, 3, 8, 8]) {
  x = x |> conv(8, 2, stride=2) as patches |> rearrange("b c h w -> b (h w) c")
  for i in 0..<2 {
    x = x + (x |> layer_norm() as norms[i] |> linear(16) as up[i] |> gelu |> linear(8) as down[i])
  }
  return x |> mean(axes=1) |> linear(5) as head
}
"""


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[nn.Module, Any]]:
    path = tmp_path_factory.mktemp("proxies") / "nets.arch"
    path.write_text(TEXT, encoding="utf-8")

    def build(name: str, **settings: object) -> tuple[nn.Module, Any]:
        target = open_target(f"{path}:{name}", settings=settings)
        torch.manual_seed(0)
        return instantiate(source_of(target)), target.graph()

    return build


def test_the_catalogue_names_what_there_is():
    assert proxy_names() == tuple(sorted(PROXIES))


@pytest.mark.parametrize("net", ["maps", "tokens"])
@pytest.mark.parametrize("name", PROXIES)
def test_a_score_is_the_same_again_and_leaves_the_model_alone(name: str, net: str, built: Any):
    model, graph = built(net)
    batch = noise(graph, 8)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    model.train()
    model.get_submodule("head").eval()
    modes = [module.training for module in model.modules()]
    before = deepcopy(model.state_dict())
    images, random = batch.images.clone(), torch.get_rng_state()
    first = score(name, model, graph, batch, seed=1)
    assert first == score(name, model, graph, batch, seed=1)
    assert all(math.isfinite(value) for value in first.values())
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(torch.equal(p.grad, torch.ones_like(p)) for p in model.parameters() if p.grad is not None)
    assert torch.equal(batch.images, images)
    assert {key.partition(".")[0] for key in first} == {name}


@pytest.mark.parametrize("name", ["grad_norm", "snip", "naswot", "params", "macs", "zico"])
def test_a_wider_model_scores_higher(name: str, built: Any):
    scores: list[float] = []
    for width in (4, 32):
        model, graph = built("maps", width=width)
        scores.append(score(name, model, graph, noise(graph, 8))[name])
    assert scores[0] < scores[1]


def test_gradient_scores_are_what_a_plain_layer_says():
    """One linear layer: everything can be written down."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False)).double()
    images, labels = torch.randn(6, 1, 2, 2, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1, 2])
    batch = Batch((images,), labels)
    weight = model[1].weight.detach().clone().requires_grad_()
    x = images.flatten(1)

    def loss(w: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(x @ w.T, labels)

    (gradient,) = torch.autograd.grad(loss(weight), weight)
    hessian = torch.autograd.functional.hessian(loss, weight).reshape(12, 12)
    product = (hessian @ gradient.reshape(12)).reshape(3, 4)
    answer = (x @ weight.T).detach().requires_grad_()
    (of_answer,) = torch.autograd.grad(functional.cross_entropy(answer, labels), answer)
    expected = {
        "grad_norm": gradient.norm(),
        "snip": (weight * gradient).abs().sum(),
        "grasp": -(weight * product).sum(),
        "fisher": (0.5 * (answer * of_answer).square().mean(0)).sum(),
    }
    for name, value in expected.items():
        assert score(name, model, None, batch)[name] == pytest.approx(value.item(), rel=1e-9), name  # type: ignore[arg-type]
    parts = [(x[part], labels[part]) for part in (slice(0, 3), slice(3, 6))]
    losses = [functional.cross_entropy(given @ weight.T, wanted) for given, wanted in parts]
    stacked = torch.stack([torch.autograd.grad(each, weight)[0] for each in losses])
    zico = (stacked.abs().mean(0) / stacked.std(0, unbiased=False)).sum().log()
    assert score("zico", model, None, batch)["zico"] == pytest.approx(zico.item(), rel=1e-9)  # type: ignore[arg-type]


def test_synflow_passes_through_every_layer_alike():
    """Without biases the weights of each layer sum to the output; norms are not there, signs do not matter."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3, bias=False), nn.ReLU(),
        nn.Flatten(), nn.Linear(6 * 4 * 4, 5, bias=False),
    )  # fmt: skip
    batch = Batch((torch.randn(2, 3, 8, 8),), torch.zeros(2, dtype=torch.int64))
    layers, output = synflow.by_layer(Net(deepcopy(model), batch, None))  # type: ignore[arg-type]
    assert len(layers) == 3
    assert layers == pytest.approx([output] * 3, rel=1e-12)
    negative = deepcopy(model)
    with torch.no_grad():
        for parameter in negative.parameters():
            parameter.neg_()
    found = [score("synflow", each, None, batch)["synflow"] for each in (model, negative)]  # type: ignore[arg-type]
    assert found[0] == found[1] == pytest.approx(3 * output, rel=1e-12)


def test_independent_pictures_are_the_best_for_jacob_cov():
    best = jacob_cov.of_correlation(torch.eye(7, dtype=torch.float64))
    assert best == pytest.approx(-7, abs=1e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        other = torch.corrcoef(torch.randn(7, 20, generator=generator, dtype=torch.float64))
        assert jacob_cov.of_correlation(other) < best
    assert jacob_cov.of_correlation(torch.ones(7, 7, dtype=torch.float64)) < -1e5


def test_equal_codes_have_no_determinant():
    codes = torch.tensor([[1, 0, 1], [0, 1, 1], [1, 1, 0]], dtype=torch.bool)
    kernel = naswot.kernel_of(codes)
    assert kernel.tolist() == [[3, 1, 1], [1, 3, 1], [1, 1, 3]]
    assert naswot.log_determinant(kernel) == pytest.approx(math.log(20))
    assert naswot.log_determinant(naswot.kernel_of(codes[[0, 1, 0]])) == -math.inf


def test_every_part_of_az_nas_is_what_it_is_defined_to_be():
    assert az_nas.of_singular_value(1.0) == pytest.approx(0.0, abs=1e-5)
    assert all(az_nas.of_singular_value(s) < 0 for s in (0.3, 0.9, 1.1, 4.0))
    generator = torch.Generator().manual_seed(0)
    even = torch.randn(20_000, 8, generator=generator)
    assert az_nas.entropy(even) == pytest.approx(math.log(8), abs=1e-3)
    line = torch.randn(100, 1, generator=generator) * torch.ones(1, 8) + 5
    assert az_nas.entropy(line) == pytest.approx(0.0, abs=1e-6)
    x = torch.randn(64, 4, 8, 8, generator=generator, requires_grad=True)
    assert az_nas.trainability(x, x * 1.0) == pytest.approx(0.0, abs=5e-3)
    assert az_nas.trainability(x, x * 3.0) == pytest.approx(2 - 3 - 1 / 3, abs=0.2)
    assert az_nas.trainability(x, functional.avg_pool2d(x, 2)) is not None


def test_the_aggregate_of_az_nas_goes_by_ranks():
    nets = [
        {"az_nas.expressivity": 1.0, "az_nas.trainability": -1.0, "az_nas.complexity": 5.0},
        {"az_nas.expressivity": 2.0, "az_nas.trainability": -1.0, "az_nas.complexity": 1.0},
        {"az_nas.expressivity": 3.0, "az_nas.trainability": -9.0, "az_nas.complexity": 2.0},
    ]
    third = math.log(1 / 3)
    assert az_nas.by_ranks(nets) == pytest.approx(
        [third + 0.0 + 0.0, math.log(2 / 3) + 0.0 + third, 0.0 + third + math.log(2 / 3)]
    )
    assert az_nas.by_ranks([]) == []
    better = {**nets[0], "az_nas.complexity": 6.0}
    much_better = {**nets[0], "az_nas.complexity": 60.0}
    assert az_nas.beside(nets[0], nets) < az_nas.beside(better, nets) < az_nas.beside(much_better, nets)
    shares = [az_nas.log_share(x / 4) for x in range(-120, 40)]
    assert shares == sorted(shares)
    assert az_nas.log_share(0.0) == pytest.approx(math.log(0.5))
    assert len(set(shares)) == len(shares)


def test_zen_knows_what_batch_norms_divide_by(built: Any):
    """Scaling what a norm is given changes nothing that the model answers, and is told by the score alone."""
    model, graph = built("maps")
    batch = noise(graph, 4)
    first = score("zen", model, graph, batch)["zen"]
    doubled, _ = built("maps", width=16)
    assert score("zen", doubled, graph, batch)["zen"] > first
