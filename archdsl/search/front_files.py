"""The models of the front as files: `pareto.json`, and for each trial `pareto/NNN` with its text, its code, its weights
and a summary.

Weights come from a worker once and cannot be made again, so they are on the disk before their trial is in the journal.
The rest follows from the genome and is written when there is time; after a crash it is brought level."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from archdsl.build_summary import Summary, graph_summary
from archdsl.building import source_of
from archdsl.output import new_file, new_folder
from archdsl.programs import program_of_text
from archdsl.search.contract import Genome, Objective, Trial
from archdsl.search.trial_table import as_printed
from archdsl.targets import only_model, open_target

FOLDER = "pareto"
TEXT, CODE, WEIGHTS, SUMMARY = "model.arch", "model.py", "model.safetensors", "summary.json"


class TrialSummary(Summary):
    """A summary with what the search found of the model. `trained` says whether the metrics were measured with weights
    that are there; otherwise there is no file of them. `preprocessing` is that of the data where it was trained."""

    trial: int
    hash: str
    trained: bool


@dataclass(slots=True)
class FrontFiles:
    """The front's files in an output folder. `text_of` writes a candidate down, `source` names what was searched."""

    folder: Path
    objectives: Sequence[Objective]
    text_of: Callable[[Genome], str]
    source: str
    allow_extern: bool = False
    _there: set[int] = field(default_factory=set[int])

    def place(self, number: int) -> Path:
        return self.folder / FOLDER / f"{number:03}"

    def begin(self, front: Sequence[Trial]) -> None:
        """Find what an earlier run left; what is of no trial of the front is taken away."""
        hashes = {trial.number: trial.hash for trial in front}
        for place in self._places():
            number = int(place.name)
            if number in hashes and _hash_in(place) == hashes[number]:
                self._there.add(number)
            else:
                shutil.rmtree(place, ignore_errors=True)

    def write(self, trial: Trial, weights: bytes | None = None, data: Mapping[str, object] | None = None) -> None:
        """All files of a trial."""
        text = self.text_of(trial.genome)
        program = program_of_text(text)
        target = open_target((program, only_model(program)), allow_extern=self.allow_extern)
        graph, code = target.graph(), source_of(target)
        files = (TEXT, CODE, *((WEIGHTS,) if weights is not None else ()), SUMMARY)
        found = graph_summary(target, graph, None, files).model_dump()
        decisions = {path: as_printed(option) for path, option in trial.genome.items()}
        found |= {"target": self.source, "decisions": decisions, "trial": trial.number, "hash": trial.hash}
        found |= {"metrics": dict(trial.metrics), "trained": weights is not None}
        found |= {"preprocessing": dict(data)} if data is not None else {}
        summary = TrialSummary.model_validate(found)
        place = self.place(trial.number)
        shutil.rmtree(place, ignore_errors=True)
        with new_folder(place) as temporary:
            (temporary / TEXT).write_text(text, encoding="utf-8")
            (temporary / CODE).write_text(code, encoding="utf-8")
            if weights is not None:
                (temporary / WEIGHTS).write_bytes(weights)
            (temporary / SUMMARY).write_text(summary.model_dump_json(indent=2) + "\n", encoding="utf-8")
        self._there.add(trial.number)

    def give_up(self, trial: Trial) -> None:
        """A trial whose files cannot be made is not tried again."""
        self._there.add(trial.number)

    def drop(self, numbers: Sequence[int]) -> None:
        """Take away what has left the front."""
        for number in numbers:
            if number in self._there:
                shutil.rmtree(self.place(number), ignore_errors=True)
                self._there.discard(number)

    def missing(self, front: Sequence[Trial]) -> list[Trial]:
        """The trials that have no files yet."""
        return [trial for trial in front if trial.number not in self._there]

    def write_list(self, front: Sequence[Trial]) -> None:
        """Write `pareto.json`."""
        entries = [self._entry(trial) for trial in front]
        with new_file(self.folder / "pareto.json", force=True) as temporary:
            temporary.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")

    def _entry(self, trial: Trial) -> dict[str, object]:
        place = self.place(trial.number)
        files = [f"{FOLDER}/{place.name}/{name}" for name in (TEXT, CODE, WEIGHTS, SUMMARY) if (place / name).exists()]
        return {
            "number": trial.number,
            "values": {wish.name: value for wish, value in zip(self.objectives, trial.values, strict=True)},
            "decisions": dict(trial.genome),
            "files": files,
        }

    def _places(self) -> list[Path]:
        """The folders of trials, and what a write that was cut off has left of one."""
        if not (self.folder / FOLDER).is_dir():
            return []
        for torn in (self.folder / FOLDER).glob(".*.part"):
            shutil.rmtree(torn, ignore_errors=True)
        return sorted(p for p in (self.folder / FOLDER).iterdir() if p.name.isdigit() and p.is_dir())


def _hash_in(place: Path) -> str:
    """Whose files these are; nobody's where the summary cannot be read."""
    try:
        return str(cast("dict[str, Any]", json.loads((place / SUMMARY).read_bytes()))["hash"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
