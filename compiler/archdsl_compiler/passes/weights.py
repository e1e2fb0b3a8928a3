"""Computing the parameters of a rewritten graph from those that the graph had before.

Folding is done in float64 and rounded once, so that a chain of folds loses nothing."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from archdsl_compiler.emit.execute import instantiate
from archdsl_compiler.emit.source import Note, emit
from archdsl_compiler.graph import Module, instances, join, state_entries
from archdsl_compiler.passes.weight_map import (
    Branch,
    Computed,
    Cropped,
    FoldedNorm,
    MergedBranches,
    MergedProducts,
    Scaled,
    Shifted,
    WeightMap,
)


def transform_state(state: Mapping[str, Tensor], changes: Sequence[tuple[Module, WeightMap]]) -> dict[str, Tensor]:
    """The state dict for the graph that passes made of another, whose state dict is given. `changes` are those of
    `Pipeline.transform`."""
    found = dict(state)
    for before, weights in changes:
        for instance in instances(before):
            for change in weights.get(instance.module, ()):
                match change:
                    case FoldedNorm():
                        _fold_norm(found, instance.path, change)
                    case MergedBranches():
                        _merge_branches(found, instance.path, change)
                    case MergedProducts():
                        _merge_products(found, instance.path, change)
                    case Scaled():
                        _scale(found, instance.path, change)
                    case Shifted():
                        _shift(found, instance.path, change)
                    case Cropped():
                        name = join(instance.path, join(change.label, "weight"))
                        found[name] = found[name][(..., *(slice(*span) for span in change.spans))].contiguous()
                    case Computed():
                        _compute(found, instance.path, change)
    return found


def _fold_norm(state: dict[str, Tensor], path: str, change: FoldedNorm) -> None:
    scale, shift = _taken_norm(state, join(path, change.norm), change.affine, change.eps)
    place = join(path, change.label)
    kept = state[join(place, "weight")]
    weight = kept.double()
    bias = state[join(place, "bias")].double() if change.bias else None
    if change.side == "behind":
        if change.op == "conv_transpose":
            grouped = weight.reshape(change.groups, -1, *weight.shape[1:])
            by = scale.reshape(change.groups, 1, -1, *(1,) * (weight.dim() - 2))
            weight = (grouped * by).flatten(0, 1)
        else:
            weight = weight * scale.reshape(-1, *(1,) * (weight.dim() - 1))
        bias = shift if bias is None else bias * scale + shift
    else:
        grouped = weight.reshape(change.groups, -1, *weight.shape[1:])
        ones = (1,) * (weight.dim() - 2)
        added = (grouped * shift.reshape(change.groups, 1, -1, *ones)).flatten(2).sum(2).flatten()
        weight = (grouped * scale.reshape(change.groups, 1, -1, *ones)).flatten(0, 1)
        bias = added if bias is None else bias + added
    state[join(place, "weight")] = weight.to(kept.dtype)
    state[join(place, "bias")] = bias.to(kept.dtype)


def _taken_norm(state: dict[str, Tensor], place: str, affine: bool, eps: float) -> tuple[Tensor, Tensor]:
    """What a batch norm multiplies by and adds after training; its entries leave the state dict."""
    mean, variance = (state.pop(join(place, name)).double() for name in ("running_mean", "running_var"))
    state.pop(join(place, "num_batches_tracked"), None)
    scale = (variance + eps).rsqrt()
    if not affine:
        return scale, -mean * scale
    weight, bias = (state.pop(join(place, name)).double() for name in ("weight", "bias"))
    return weight * scale, bias - mean * weight * scale


def _merge_branches(state: dict[str, Tensor], path: str, change: MergedBranches) -> None:
    place = join(path, change.label)
    kept = state[join(place, "weight")]
    weight = torch.zeros(change.shape, dtype=torch.float64, device=kept.device)
    bias = torch.zeros(change.shape[0], dtype=torch.float64, device=kept.device)
    for branch in change.branches:
        _add_branch(state, path, branch, weight, bias)
    state[join(place, "weight")] = weight.to(kept.dtype)
    if change.bias:
        state[join(place, "bias")] = bias.to(kept.dtype)


def _add_branch(state: dict[str, Tensor], path: str, branch: Branch, weight: Tensor, bias: Tensor) -> None:
    place = join(path, branch.label)
    if branch.sort == "conv":
        own = state.pop(join(place, "weight")).double()
        window = tuple(slice(at, at + size) for at, size in zip(branch.offset, own.shape[2:], strict=True))
        weight[(slice(None), slice(None), *window)] += own
        if branch.bias:
            bias += state.pop(join(place, "bias")).double()
        return
    channels = torch.arange(len(weight), device=weight.device)
    scale: Tensor | float = 1.0
    if branch.sort == "norm":
        scale, shift = _taken_norm(state, place, branch.affine, branch.eps)
        bias += shift
    # Channel o sees its own input, which is number o % share of its group.
    weight[(channels, channels % weight.shape[1], *branch.offset)] += scale


def _merge_products(state: dict[str, Tensor], path: str, change: MergedProducts) -> None:
    before, place = join(path, change.first), join(path, change.second)
    kept = state[join(place, "weight")]
    left, right = kept.double(), state.pop(join(before, "weight")).double()
    kernel = left.shape[2:] if left[0, 0].numel() > 1 else right.shape[2:]
    # One of the two has a single place, so that the places of the other are those of both.
    weight = torch.einsum("omp,mcq->ocpq", left.flatten(2), right.flatten(2)) if left.dim() > 2 else left @ right
    state[join(place, "weight")] = weight.reshape(len(left), right.shape[1], *kernel).to(kept.dtype)
    if change.first_bias or change.second_bias:
        bias = torch.zeros(len(left), dtype=torch.float64, device=kept.device)
        if change.second_bias:
            bias = bias + state[join(place, "bias")].double()
        if change.first_bias:
            total = left.flatten(2).sum(2) if left.dim() > 2 else left
            bias = bias + total @ state.pop(join(before, "bias")).double()
        state[join(place, "bias")] = bias.to(kept.dtype)


def _scale(state: dict[str, Tensor], path: str, change: Scaled) -> None:
    place = join(path, change.label)
    kept = state[join(place, "weight")]
    weight = kept.double()
    factors = torch.ones(len(weight) if change.side == "behind" else change.groups * weight.shape[1]).double()
    if isinstance(change.factor, str):
        name = join(path, change.factor)
        learned = (state[name] if change.kept else state.pop(name)).double().flatten()
        factors[change.channels.numbers()] = learned[change.entries.numbers()].cpu()
    else:
        factors[change.channels.numbers()] = change.factor
    factors = factors.to(weight.device)
    ones = (1,) * (weight.dim() - 2)
    if change.side == "behind":
        weight = weight * factors.reshape(-1, 1, *ones)
        if change.bias:
            bias = state[join(place, "bias")]
            state[join(place, "bias")] = (bias.double() * factors).to(bias.dtype)
    else:
        grouped = weight.reshape(change.groups, -1, *weight.shape[1:])
        weight = (grouped * factors.reshape(change.groups, 1, -1, *ones)).flatten(0, 1)
    state[join(place, "weight")] = weight.to(kept.dtype)


def _shift(state: dict[str, Tensor], path: str, change: Shifted) -> None:
    place, name = join(path, change.label), join(path, change.shift)
    weight = state[join(place, "weight")]
    shift = (state[name] if change.kept else state.pop(name)).double().flatten()[change.entries.numbers()]
    grouped = weight.double().reshape(change.groups, -1, *weight.shape[1:])
    ones = (1,) * (weight.dim() - 2)
    added = (grouped * shift.to(weight.device).reshape(change.groups, 1, -1, *ones)).flatten(2).sum(2).flatten()
    if change.bias:
        added = added + state[join(place, "bias")].double()
    state[join(place, "bias")] = added.to(weight.dtype)


def _compute(state: dict[str, Tensor], path: str, change: Computed) -> None:
    tables = instantiate(emit(change.module, Note("tables", "What follows from parameters alone."))).eval().double()
    given = {name: state[join(path, name)] for name, _ in state_entries(change.module)}
    tables.load_state_dict(given)
    kept = next((value for value in given.values() if value.is_floating_point()), torch.empty(0))
    with torch.no_grad():
        results = tables()
    for name in change.gone:
        del state[join(path, name)]
    for label, value in zip(change.labels, results, strict=True):
        state[join(path, label)] = value.to(kept.dtype).to(kept.device).clone()
