"""What the tests of kernels cut into regions: models of the zoo, and small ones written for a region."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from archdsl.programs import program_of_text
from archdsl.targets import open_target
from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.graph import Module
from archdsl_compiler.kernels.flat import flattened
from archdsl_compiler.kernels.regions.contract import Cut, cut
from archdsl_compiler.passes.contract import pipeline
from archdsl_compiler.passes.deploy import deploy
from archdsl_compiler.passes.equality import random_input, telling_state


def graph_of(text: str, name: str = "net") -> Module:
    """The graph of a model written here."""
    return open_target((program_of_text(text), name)).graph()


def cut_of(graph: Module) -> tuple[Cut, dict[str, Tensor]]:
    """The regions of a deployed graph, and telling weights for them."""
    flat = flattened(deploy(pipeline().apply(graph)).root)
    state = instantiate(emit(flat, Note("flat", "A test."))).state_dict()
    return cut(flat), telling_state(state, torch.Generator().manual_seed(0))


def inputs_of(graph: Module, batch: int = 2, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [random_input(type_, generator, batch) for type_ in graph.input_types]


def apart(expected: object, found: object) -> float:
    """The largest difference of results, as a share of the largest number."""
    left, right = _tensors(expected), _tensors(found)
    assert len(left) == len(right)
    largest = max(float(each.abs().max()) for each in left) or 1.0
    return max(float((a.double() - b.double()).abs().max()) for a, b in zip(left, right, strict=True)) / largest


def _tensors(result: object) -> Sequence[Tensor]:
    return [result] if isinstance(result, Tensor) else [each for each in result if isinstance(each, Tensor)]  # type: ignore[attr-defined]


State = Mapping[str, Tensor]
