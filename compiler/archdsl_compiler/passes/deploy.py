"""The graph for inference alone: batch norms folded away, summed branches made one.

The graph code is here; computing the new parameters, and holding the two models against each other, is in `weights` and
`equality`, which import torch."""

from dataclasses import dataclass

from archdsl_compiler.graph import Module
from archdsl_compiler.passes.contract import BUILDING, DEPLOYING, FLATTENED, Between, pipeline
from archdsl_compiler.passes.rewriting import rebuilt
from archdsl_compiler.passes.weight_map import WeightMap


@dataclass(frozen=True, slots=True)
class Deployed:
    """`root` is the graph to build; `changes` say how its parameters follow from those of the graph it was made of:
    `weights.transform_state(state, changes)`."""

    root: Module
    changes: tuple[tuple[Module, WeightMap], ...]

    @property
    def unchanged(self) -> bool:
        """Whether there was nothing to fold or merge."""
        return not self.changes


def deploy(root: Module, between: Between | None = None) -> Deployed:
    """The graph of a model, before or after the passes that each build runs, as it is deployed."""
    return Deployed(*pipeline((*BUILDING, *DEPLOYING), between).transform(root))


def flat_passes(flat: Module, between: Between | None = None) -> Deployed:
    """A deployed graph, all modules of which were written into one, as a program of kernels runs it: nobody reads
    anything of it but its results. Its changes follow those of deployment."""
    alone = rebuilt(flat, flat.calls, exposed={}, stages=(), names=())
    return Deployed(*pipeline(FLATTENED, between).transform(alone))
