"""Which tensor of a file belongs to which entry of a model: by name, or by position where the names differ."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from archdsl.diagnostics.record import UsageError
from archdsl.diagnostics.suggest import closest

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
"""Names and shapes of a state dict, in its order."""

# What programs that train put before every name.
BEGINNINGS: Final = ("module.", "_orig_mod.", "model.")
COUNTER: Final = "num_batches_tracked"
"""Of batches that a norm has seen. Older files lack it."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Names of the model with the name in the file; what is left on either side; what was skipped, first the model's
    names."""

    pairs: Mapping[str, str]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def by_name(model: Shapes, file: Shapes, skip: Sequence[str], unbuilt: Collection[str] = ()) -> Pairing:
    """Equal names belong together. `unbuilt` are names of the model that this build of it has no use for."""
    left_out = _skipped(model, file, skip).union(unbuilt)
    pairs = {name: name for name in model if name in file and name not in left_out}
    return Pairing(
        pairs,
        tuple(name for name in model if name not in file and name not in left_out),
        tuple(name for name in file if name not in model and name not in left_out),
        tuple(name for name in dict.fromkeys((*model, *file)) if name in left_out),
    )


def by_order(model: Shapes, file: Shapes, skip: Sequence[str], unbuilt: Collection[str] = ()) -> Pairing:
    """The first belongs to the first, and so on. Counters of norms are matched by themselves, as a file may lack
    them."""
    left_out = _skipped(model, file, skip).union(unbuilt)
    here, there = ([name for name in side if not _counts(name)] for side in (model, file))
    pairs: dict[str, str] = {}
    if len(here) == len(there):
        couples = list(zip(here, there, strict=True))
        skipped = {name for couple in couples if not left_out.isdisjoint(couple) for name in couple}
    else:
        # What is skipped may be longer on one side.
        skipped = {name for name in (*here, *there) if name in left_out}
        here, there = ([name for name in side if name not in left_out] for side in (here, there))
        couples = list(zip(here, there, strict=False))
    pairs = {own: other for own, other in couples if own not in skipped and other not in skipped}
    counters = [[name for name in side if _counts(name) and name not in left_out] for side in (model, file)]
    if len(counters[0]) == len(counters[1]):
        pairs.update(zip(*counters, strict=True))
    number = len(couples)
    missing = (*here[number:], *(name for name in counters[0] if name not in pairs))
    return Pairing(pairs, missing, tuple(there[number:]), tuple(n for n in (*model, *file) if n in skipped))


def without_beginnings(model: Iterable[str], file: Iterable[str]) -> str:
    """What stands before every name of the file and not of the model's: `module.`; several of them joined."""
    names, own = list(file), list(model)
    found = ""
    while True:
        begun = [b for b in BEGINNINGS if names and all(name.startswith(found + b) for name in names)]
        if not begun or any(name.startswith(begun[0]) for name in own):
            return found
        found += begun[0]


def similar(name: str, shape: tuple[int, ...], others: Shapes) -> str:
    """The name that was probably meant, one of the same shape before others."""
    same = [other for other, found in others.items() if found == shape]
    tail = name.rpartition(".")[2]
    fitting = [other for other in same if other.rpartition(".")[2] == tail]
    return closest(name, fitting) or closest(name, same) or closest(name, others) or _only(fitting)


def _only(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ""


def _counts(name: str) -> bool:
    return name.rpartition(".")[2] == COUNTER


def _skipped(model: Shapes, file: Shapes, skip: Sequence[str]) -> set[str]:
    """The names on both sides that a pattern means; a pattern without a name is a mistake."""
    found: set[str] = set()
    everything = list(dict.fromkeys((*model, *file)))
    for pattern in skip:
        meant = {name for name in everything if fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")}
        if not meant:
            places = {name.rpartition(".")[0] for name in everything}
            near = closest(pattern, (*everything, *places)) if "*" not in pattern else None
            hint = f"; a similar name is `{near}`" if near else "; `*` stands for any characters: layers.2.*.attn.*"
            raise UsageError(f"skip `{pattern}` matches nothing in the model or the weights{hint}")
        found |= meant
    return found
