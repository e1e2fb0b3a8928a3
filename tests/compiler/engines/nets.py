"""Two small nets: one of convolutions over a film, which gives a tuple in a tuple, and one of attention between two
inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.engines.contract import Engine, Work
from archdsl_compiler.engines.recipe import engine_recipe
from archdsl_compiler.graph import Module
from archdsl_compiler.passes.contract import pipeline
from archdsl_compiler.passes.deploy import Deployed, deploy
from archdsl_compiler.passes.equality import random_input, telling_state
from archdsl_compiler.tuning.fast_model import FastModel
from tests.compiler.kernels.flat_models import graph_of

FILM = """\
model net()(x: [b, 3, 4, 16, 16]) {
  x = x |> conv(8, (1, 3, 3), stride=(1, 2, 2)) as stem |> batch_norm() as norm |> relu
  x = x + (x |> conv(8, 3, groups=8) as mix |> gelu)
  seen = x |> mean(axes=2)
  logits = seen |> mean(axes=(2, 3)) |> linear(5) as head
  return [seen, (logits, seen |> sum(axes=(2, 3)))]
}
"""

ATTENTION = """\
model net()(x: [b, 9, 32], memory: [b, 6, 32]) {
  query = x |> layer_norm() as norm |> linear(32) as query
  key = memory |> linear(32) as key
  value = memory |> linear(32) as value
  weights = softmax(query @ key.T, axis=-1)
  return x + (weights @ value |> linear(32) as project)
}
"""

BATCH = 2


@dataclass(frozen=True)
class Net:
    """A model by its text. Its batch norms are folded where it is deployed."""

    text: str

    @cached_property
    def graph(self) -> Module:
        return graph_of(self.text)

    @cached_property
    def deployed(self) -> Deployed:
        return deploy(self.graph)

    def model(self) -> nn.Module:
        """As it was built, with the same weights each time, in eval mode."""
        return _telling(pipeline().apply(self.graph))

    def emitted(self) -> nn.Module:
        """Of the deployed graph, in eval mode."""
        return _telling(self.deployed.root)

    def inputs(self, batch: int = BATCH, seed: int = 1) -> list[Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return [random_input(type_, generator, batch) for type_ in self.graph.input_types]

    def work(self) -> Work:
        return Work.of(self.inputs())

    def fast(self, engine: Engine, root: Path) -> FastModel:
        """The model with the program of an engine."""
        model = self.model()
        return FastModel(model, engine_recipe(engine, model, self.deployed, "float32", BATCH, 1, root))


def _telling(graph: Module) -> nn.Module:
    made = instantiate(emit(graph, Note("net", "A test."))).eval()
    made.load_state_dict(telling_state(_drawn(made), torch.Generator().manual_seed(0)))
    return made


def _drawn(model: nn.Module) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        name: torch.randn(value.shape, generator=generator) * 0.2 if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }


NETS = {"film": Net(FILM), "attention": Net(ATTENTION)}


def worst(expected: Sequence[Tensor], found: Sequence[Tensor]) -> float:
    """The largest difference, as a share of the largest number."""
    pairs = zip(expected, found, strict=True)
    return max(((left - right).abs().max() / left.abs().max()).item() for left, right in pairs)
