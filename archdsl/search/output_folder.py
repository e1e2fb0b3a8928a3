"""The folder of a search: whether a search may begin or go on in it, and what it keeps of its beginning."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from archdsl.diagnostics.record import UsageError
from archdsl.output import new_file
from archdsl.search.contract import Genome
from archdsl.search.events import BEGUN, PROPOSED, Event, read_events
from archdsl.search.journal import finished_trials, genome_of
from archdsl.search.source_files import MAIN, difference

JOURNAL, LOG, TABLE, STUDY = "trials.jsonl", "log.jsonl", "trials.csv", "study.db"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What makes a search this one: `files` are its source, `facts` what else its trials follow from, by name."""

    files: Mapping[str, str]
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds: how many trials have finished, and the event with which they began."""

    path: Path
    trials: int = 0
    begun: Event = field(default_factory=dict[str, object])
    events: tuple[Event, ...] = ()

    def fact(self, name: str) -> object:
        """A fact of the beginning; None where nothing has finished, or it is not known."""
        facts = self.begun.get("facts") if self.trials else None
        return cast("dict[str, object]", facts).get(name) if isinstance(facts, dict) else None

    def unfinished(self, finished: set[int]) -> list[tuple[int, Genome]]:
        """The proposals of which nothing came, with their genomes."""
        found: dict[int, Genome] = {}
        for event in self.events:
            proposal, genome = event.get("proposal"), event.get("genome")
            if event.get("event") == PROPOSED and isinstance(proposal, int) and isinstance(genome, dict):
                if proposal not in finished:
                    found[proposal] = genome_of(cast("dict[str, object]", genome))
        return list(found.items())


def look_into(path: Path) -> Found:
    """What an output folder holds, which may not be there yet."""
    if path.exists() and not path.is_dir():
        raise UsageError(f"`{path}` is a file; name a folder")
    count = len(finished_trials(path / JOURNAL))
    if not count:
        return Found(path)
    events = read_events(path / LOG)
    begun = [number for number, event in enumerate(events) if event.get("event") == BEGUN]
    if not begun:
        return Found(path, count)
    return Found(path, count, events[begun[-1]], tuple(events[begun[-1] :]))


def refuse_without_resume(found: Found, resume: bool) -> None:
    """Raise UsageError for a folder with finished trials, unless they are wanted."""
    if found.trials and not resume:
        trials = "1 finished trial" if found.trials == 1 else f"{found.trials:,} finished trials"
        raise UsageError(f"`{found.path}` holds {trials}; go on with --resume (resume=True), or give another folder")


def refuse_changed(found: Found, beginning: Beginning) -> None:
    """Raise UsageError for a search that is another than the one whose trials the folder holds."""
    if not found.trials:
        return
    told: list[str] = []
    before = {
        name: (found.path / name).read_text(encoding="utf-8")
        for name in _files_of(found, beginning)
        if (found.path / name).is_file()
    }
    changed = difference(before, beginning.files)
    if changed:
        told.append(f"its source has changed:\n{changed}")
    for name, value in beginning.facts.items():
        then, now = json.dumps(found.fact(name)), json.dumps(value)
        if then != now and found.begun:
            told.append(f"{name} was {then} and is {now}")
    if told:
        raise UsageError(
            f"`{found.path}` holds the trials of another search; give another folder, or go on as it began\n"
            + "\n".join(told)
        )


def write_source(path: Path, files: Mapping[str, str]) -> None:
    """Put the source into the folder. Raises UsageError rather than write over a file that is someone's own."""
    for name, text in files.items():
        place = path / name
        if place.is_file() and place.read_bytes() == text.encode("utf-8"):
            continue
        if place.exists() and not _ours(path):
            raise UsageError(f"`{place}` exists and is no search's; give another folder")
        with new_file(place, force=True) as temporary:
            temporary.write_bytes(text.encode("utf-8"))


def _ours(path: Path) -> bool:
    """Whether a search was begun here before."""
    return (path / LOG).exists()


def _files_of(found: Found, beginning: Beginning) -> list[str]:
    """The names of the source's files, then and now."""
    then = found.begun.get("files")
    names = cast("list[str]", then) if isinstance(then, list) else [MAIN]
    return list(dict.fromkeys((*names, *beginning.files)))
