"""What a search found, for Python: the front as a sequence of candidates, each of which can be built."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from archdsl.assembly import Loading, assembled
from archdsl.programs import program_of_text
from archdsl.search.contract import Objective, Option, Trial
from archdsl.search.front_files import FOLDER, TEXT, WEIGHTS
from archdsl.search.running import Ended
from archdsl.search.trial_table import as_printed
from archdsl.targets import only_model, open_target

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Found:
    """A trial of the front. `values` are the objectives by name, `metrics` all that was measured; `weights` is the file
    of those that the metrics were measured with, None where nothing was trained."""

    number: int
    values: Mapping[str, float]
    decisions: Mapping[str, Option]
    metrics: Mapping[str, float]
    folder: Path
    allow_extern: bool = field(default=False, repr=False)

    @property
    def source(self) -> str:
        """The candidate as `.arch` text that stands alone."""
        return (self.folder / TEXT).read_text(encoding="utf-8")

    @property
    def weights(self) -> Path | None:
        path = self.folder / WEIGHTS
        return path if path.exists() else None

    def build(self) -> "nn.Module":
        """The model, with its weights if it was trained."""
        program = program_of_text(self.source)
        target = open_target((program, only_model(program)), allow_extern=self.allow_extern)
        return assembled(target, Loading(self.weights)).model


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Front(Sequence[Found]):
    """The trials that none dominates, by the first objective from its best. `trials` are all that have finished."""

    objectives: tuple[Objective, ...]
    found: tuple[Found, ...]
    trials: tuple[Trial, ...] = field(repr=False)
    folder: Path

    @overload
    def __getitem__(self, index: int) -> Found: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Found]: ...
    def __getitem__(self, index: int | slice) -> Found | Sequence[Found]:
        return self.found[index]

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Found]:
        return iter(self.found)

    def to_dataframe(self) -> Any:
        """A pandas frame of the front: numbers, values, decisions."""
        from importlib import import_module

        pandas: Any = import_module("pandas")
        rows = [
            {
                "number": each.number,
                **each.metrics,
                **each.values,
                **{
                    path: option if isinstance(option, int | float) else as_printed(option)
                    for path, option in each.decisions.items()
                },
            }
            for each in self.found
        ]
        return pandas.DataFrame(rows)


def front_of(ended: Ended, folder: Path, allow_extern: bool) -> Front:
    """The front of a search that has ended, whose files lie in a folder."""
    found = tuple(
        Found(
            trial.number,
            {wish.name: value for wish, value in zip(ended.objectives, trial.values, strict=True)},
            trial.genome,
            trial.metrics,
            folder / FOLDER / f"{trial.number:03}",
            allow_extern,
        )
        for trial in ended.front
    )
    return Front(ended.objectives, found, ended.trials, folder)
