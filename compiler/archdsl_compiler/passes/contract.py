"""What a pass is, and running several in a row.

A pass is a frozen dataclass whose fields are its options. It has a name, and `apply` gives a new graph and leaves the
old one as it was. `Pipeline` runs passes and verifies the graph after each."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from typing import ClassVar, Protocol, TypeAlias, cast, runtime_checkable

from archdsl_compiler.graph import Module
from archdsl_compiler.passes.verify import Verifier
from archdsl_compiler.passes.weight_map import WeightMap


@runtime_checkable
class Pass(Protocol):
    """Rewrites a graph; the model that it makes has the same parameters under the same names."""

    name: ClassVar[str]

    def apply(self, root: Module) -> Module: ...


@runtime_checkable
class WeightPass(Pass, Protocol):
    """A pass that changes parameters too: `transform` also says how the new ones follow from the old."""

    def transform(self, root: Module) -> tuple[Module, WeightMap]: ...


Between: TypeAlias = Callable[["Pass | None", Module, "Pass | None"], None]
"""Told before the first pass, between two and after the last: the pass that ran, what it gave, the next one."""


@dataclass(frozen=True)
class Pipeline:
    """Passes in the order in which they run. `verify=False` trusts them."""

    passes: tuple[Pass, ...]
    between: Between | None = None
    verify: bool = True

    def apply(self, root: Module) -> Module:
        return self.transform(root)[0]

    def transform(self, root: Module) -> tuple[Module, tuple[tuple[Module, WeightMap], ...]]:
        """The graph, and for each pass that changed parameters the graph before it with what became of them."""
        changes: list[tuple[Module, WeightMap]] = []
        verifier = Verifier() if self.verify else None
        self._tell(None, root, self.passes[0] if self.passes else None)
        for position, step in enumerate(self.passes):
            if isinstance(step, WeightPass):
                after, weights = step.transform(root)
                if weights:
                    changes.append((root, weights))
            else:
                after = step.apply(root)
            if verifier is not None and after is not root:
                verifier.verify(after, step.name)
            root = after
            self._tell(step, root, self.passes[position + 1] if position + 1 < len(self.passes) else None)
        return root, tuple(changes)

    def _tell(self, ran: Pass | None, root: Module, following: Pass | None) -> None:
        if self.between is not None:
            self.between(ran, root, following)


# Each pass by its name: the module beside this one that holds it, and its class there.
PASSES: Mapping[str, tuple[str, str]] = {
    "keep-features": ("keep_features", "KeepFeatures"),
    "inline-transparent": ("inline_transparent", "InlineTransparent"),
    "simplify": ("simplify", "Simplify"),
    "merge-common": ("merge_common", "MergeCommon"),
    "fold-constants": ("fold_constants", "FoldConstants"),
    "eliminate-dead-code": ("eliminate_dead_code", "EliminateDeadCode"),
    "fold-batch-norm": ("fold_batch_norm", "FoldBatchNorm"),
    "merge-branches": ("merge_branches", "MergeBranches"),
    "open-modules": ("open_modules", "OpenModules"),
    "gather-windows": ("gather_windows", "GatherWindows"),
    "skip-normalizing": ("skip_normalizing", "SkipNormalizing"),
    "compute-tables": ("compute_tables", "ComputeTables"),
    "fold-scales": ("fold_scales", "FoldScales"),
    "merge-products": ("merge_products", "MergeProducts"),
    "crop-kernels": ("crop_kernels", "CropKernels"),
    "fold-shifts": ("fold_shifts", "FoldShifts"),
    "compute-needed": ("compute_needed", "ComputeNeeded"),
    "move-permutations": ("move_permutations", "MovePermutations"),
}
BUILDING = ("inline-transparent", "simplify", "merge-common", "fold-constants", "eliminate-dead-code")
DEPLOYING = (
    "simplify{inference=true}",
    "fold-batch-norm",
    "inline-transparent{single=true}",
    "open-modules",
    "merge-branches",
    "fold-batch-norm",
    "merge-products",
    "skip-normalizing",
    "compute-tables",
    "fold-scales",
    "gather-windows",
    "simplify",
    "fold-constants",
    "eliminate-dead-code",
)
"""Run after those for building: names stay as they are where nothing is folded."""
FLATTENED = (
    "merge-common",
    "merge-products",
    "compute-needed",
    "fold-shifts",
    "fold-scales",
    "crop-kernels",
    "move-permutations",
    "eliminate-dead-code{drop_state=true}",
)
"""Run over a deployed graph once all its modules are written into one: they see across modules, and the names and the
order of a source's modules mean nothing to them any more."""


@cache
def pass_class(name: str) -> type[Pass]:
    """The class of a pass, which is imported when first asked for; an unknown name is a KeyError."""
    module, title = PASSES[name]
    return cast("type[Pass]", getattr(import_module(f"archdsl_compiler.passes.{module}"), title))


def parse(text: str) -> Pass:
    """A pass with its options as text: `simplify`, `inline-transparent{single=true}`."""
    name, brace, rest = text.partition("{")
    made = pass_class(name.strip())
    options: dict[str, object] = {}
    for item in rest.rstrip().removesuffix("}").split(",") if brace else ():
        option, _, value = (part.strip() for part in item.partition("="))
        if option not in {field.name for field in fields(cast("type", made))}:
            raise ValueError(f"the pass `{name}` has no option `{option}`")
        options[option] = (
            {"true": True, "false": False}[value] if value in ("true", "false") else ast.literal_eval(value)
        )
    return made(**options)


def pipeline(names: Sequence[str] = BUILDING, between: Between | None = None, verify: bool = True) -> Pipeline:
    """The passes of these names, by default those that every build runs."""
    return Pipeline(tuple(parse(name) for name in names), between, verify)
