"""What loading weights did, and what keeps weights from being loaded."""

from dataclasses import dataclass
from typing import Literal

from archdsl.diagnostics.record import UnusableFile

MOST_SHOWN = 8
"""Of each list in a message; the structured report has all."""


@dataclass(frozen=True, slots=True)
class Adapted:
    """A parameter whose weights in the file have another shape: `resized` from them, or left `initialised`."""

    name: str
    rule: Literal["resized", "initialised"]
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WeightsReport:
    """`initialised` are the parameters that stand as they were initialised, because they were skipped or belong to a
    renewed classifier; `computed` the constants and counters that the model has of itself, as the file lacks them or
    has them for another size; `skipped` the names of the model and of the file that were left out. `unwrapped` are
    keys and beginnings of names that were taken off."""

    source: str
    match: Literal["name", "order"]
    loaded: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    adapted: tuple[Adapted, ...] = ()
    initialised: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()
    unwrapped: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The report as the command prints it."""
        by = "" if self.match == "name" else ", matched by order"
        found = [f"{_counted(len(self.loaded), 'tensor')} loaded from {self.source}{by}"]
        for adapted in self.adapted:
            if adapted.rule == "resized":
                found.append(f"resized: {adapted.name} {_shape(adapted.before)} -> {_shape(adapted.after)}")
        shapes = {a.name: f" {_shape(a.before)} -> {_shape(a.after)}" for a in self.adapted if a.rule == "initialised"}
        found += _cut([f"at its initialisation: {name}{shapes.get(name, '')}" for name in self.initialised])
        unused = [name for name in self.skipped if name not in set(self.initialised)]
        found += _cut([f"not used: {name}" for name in unused])
        return found


@dataclass(frozen=True, slots=True)
class Absent:
    """A name that one side has and the other has not; `near` is one that the other side has in excess."""

    name: str
    shape: tuple[int, ...]
    near: str = ""


@dataclass(frozen=True, slots=True)
class Misshapen:
    """A parameter whose weights do not fit: `there` in the file under the name `source`, `here` in the model."""

    name: str
    source: str
    there: tuple[int, ...]
    here: tuple[int, ...]
    why: str = ""


class WeightsMismatch(UnusableFile):
    """The weights are not those of the model. Nothing was loaded."""

    def __init__(
        self,
        source: str,
        missing: tuple[Absent, ...],
        unexpected: tuple[Absent, ...],
        misshapen: tuple[Misshapen, ...],
        advice: tuple[str, ...] = (),
    ) -> None:
        self.source = source
        self.missing = missing
        self.unexpected = unexpected
        self.misshapen = misshapen
        self.advice = advice
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        found = [f"the weights of {self.source} do not fit the model; nothing was loaded"]
        for title, absent in (("the file lacks", self.missing), ("the model lacks", self.unexpected)):
            if absent:
                found.append(f"  {title} {len(absent)}:")
                found += _cut([f"    {a.name} {_shape(a.shape)}{a.near and f', similar: {a.near}'}" for a in absent])
        if self.misshapen:
            found.append(f"  of another shape {len(self.misshapen)}:")
            found += _cut([f"    {_against(misfit)}" for misfit in self.misshapen])
        return found + [f"  {advice}" for advice in self.advice]


def _against(misfit: Misshapen) -> str:
    other = "" if misfit.source == misfit.name else f" (`{misfit.source}`)"
    why = f": {misfit.why}" if misfit.why else ""
    return f"{misfit.name} {_shape(misfit.here)}, in the file{other} {_shape(misfit.there)}{why}"


def _cut(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_SHOWN:
        return lines
    first = lines[0]
    indent = first[: len(first) - len(first.lstrip())]
    return [*lines[: MOST_SHOWN - 1], f"{indent}... and {len(lines) - MOST_SHOWN + 1} more"]


def _shape(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
