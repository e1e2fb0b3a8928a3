"""What a TARGET means: `file.arch`, `file.arch:name` or `zoo:name`, with settings and the decisions of a candidate.

Without `:name` the file must declare one thing that is wanted. Its models and its `let`s of models count, each by its
name, so a model and a variant of it are two; a space is only taken where there is no model, or where a candidate is
given. Every command and every Python function opens its target here."""

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

from archdsl import zoo
from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.binding import Given
from archdsl.meaning.declared import Declared
from archdsl.meaning.first_candidate import first_candidate
from archdsl.meaning.genomes import Genome, value_of
from archdsl.meaning.limits import DEFAULT_LIMITS, Limits
from archdsl.meaning.program import Costs, Program, costs, elaborate, value_of_name
from archdsl.meaning.types import with_article
from archdsl.meaning.values import Component, Decided, show
from archdsl.programs import packaged_program, program_of
from archdsl.written_settings import settings_of, without_fixes
from archdsl_compiler.graph import Module

FORMS = "a target is FILE.arch, FILE.arch:NAME or zoo:NAME"
ZOO = "zoo:"
MOST_LISTED = 12
_FILE = re.compile(r"(?P<file>.+\.arch)(?::(?P<name>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """A model, or one candidate of a space. `shown` is how the user wrote it; settings are as `elaborate` takes
    them. With `allow_extern` what is made of it may run the Python of its `extern`s."""

    program: Program
    name: str
    kind: str
    shown: str
    settings: Mapping[str, object]
    genome: Genome | None = None
    allow_extern: bool = False

    @property
    def key(self) -> object:
        """What tells it from other targets of its program. To the language 1, 1.0 and true are three things."""
        return self.name, _typed(self.settings), _typed(self.genome)

    def graph(self) -> Module:
        """The graph; the program remembers it."""
        key = "graph", self.key
        known = self.program.modules.get(key)
        if isinstance(known, Module):
            return known
        try:
            graph = elaborate(self.program, self.name, self.settings, self.genome)
        except ArchError as error:
            raise self._open(error) from None
        self.program.modules[key] = graph
        return graph

    def costs(self) -> Costs:
        """Params, multiply-accumulates and result types, without the graph."""
        try:
            return costs(self.program, self.name, self.settings, self.genome)
        except ArchError as error:
            raise self._open(error) from None

    @property
    def decisions(self) -> dict[str, object]:
        """All that was decided: by the text, then by the genome."""
        found = value_of_name(self.program, self.name)
        taken = found[0].decisions if found and isinstance(found[0], Decided) else ()
        return {**dict(taken), **(self.genome or {})}

    def written_settings(self) -> dict[str, str]:
        """The settings that were given, as the language writes them."""
        return {
            name: show(value.value if isinstance(value, Given) else value_of(f"the setting `{name}`", value))
            for name, value in self.settings.items()
        }

    def _open(self, error: ArchError) -> Exception:
        """A space without a candidate gets told how one is given."""
        if self.genome is not None or {d.code for d in error.diagnostics} != {codes.NO_CHOICE_HERE.name}:
            return without_fixes(error)
        title = error.diagnostics[0].title
        return UsageError(
            f"`{self.name}` is a space of many candidates, and {title}: give one with --genome FILE"
            " (in Python genome={...}), or take the first with --pick first"
        )


def _typed(value: object) -> object:
    """A value with its type, as a key; what the language does not have is no value, and refused where it is used."""
    if isinstance(value, Given):
        return _typed(value.value)
    if isinstance(value, Mapping):
        return tuple((name, _typed(inner)) for name, inner in cast("Mapping[str, object]", value).items())
    if isinstance(value, list | tuple):
        return tuple(map(_typed, cast("Sequence[object]", value)))
    return type(value), value if isinstance(value, Hashable) else id(value)


TargetLike: TypeAlias = "str | Path | Target | tuple[Program, str]"
"""How Python names a target: as the command line does, a path, a loaded program with a name, or one that is open."""


def open_target(
    target: TargetLike,
    *,
    wants: Sequence[str] = ("model", "space"),
    settings: Mapping[str, object] | None = None,
    written: Sequence[str] = (),
    genome: Genome | None = None,
    pick: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    allow_extern: bool = False,
) -> Target:
    """Find what a target means. `settings` are values as Python writes them, `written` texts `name=value` of the
    language; `wants` are the kinds that will do, the preferred one first. Raises ArchError with what is wrong in the
    file, UsageError for what is wrong with the target."""
    if genome is not None and pick is not None:
        raise UsageError("a genome and a pick exclude each other: give one of them")
    if pick not in (None, "first"):
        raise UsageError(f'the only pick is "first", not {pick!r}')
    if isinstance(target, Target):
        program, name, shown = target.program, target.name, target.shown
        settings = {**target.settings, **(settings or {})}
        genome = target.genome if genome is None and pick is None else genome
        allow_extern = allow_extern or target.allow_extern
    else:
        program, name, shown = _found(target, limits)
    if name is None:
        name = _only(program, wants, genome is not None or pick is not None)
    kind = _kind_of(program, name, wants)
    given = dict(settings or {})
    for setting, value in settings_of(program, written).items():
        if setting in given:
            raise UsageError(f"`{setting}` is given twice")
        given[setting] = value
    if pick is not None:
        genome = first_candidate(program, name, given)
    return Target(program, name, kind, shown, given, genome, allow_extern)


def _found(target: "str | Path | tuple[Program, str]", limits: Limits) -> tuple[Program, str | None, str]:
    """The program and the name that a target speaks of, if it speaks of one, and how it was written."""
    if isinstance(target, tuple):
        return target[0], target[1], target[1]
    if isinstance(target, Path):
        return _file(target, limits), None, str(target)
    if target.startswith(ZOO):
        name = target.removeprefix(ZOO)
        home = zoo.homes().get(name)
        if home is None:
            raise UsageError(f"the zoo has no `{name}`; {_similar_in_zoo(name)}")
        return packaged_program(home.module, limits), name, target
    match = _FILE.fullmatch(target)
    if match is None:
        hint = f"; for the model of the zoo write `zoo:{target}`" if target in zoo.homes() else ""
        raise UsageError(f"{FORMS}, not {target!r}{hint}")
    name = match["name"]
    if name is not None and not name.isidentifier():
        raise UsageError(f"{FORMS}; {name!r} is no name")
    return _file(Path(match["file"]), limits), name, target


def _file(path: Path, limits: Limits) -> Program:
    """The program of a file; one that is not there may have a near name."""
    try:
        return program_of(path, limits)
    except ArchError as error:
        (first, *rest) = error.diagnostics
        if first.code != codes.UNREADABLE_FILE.name or rest:
            raise
        try:
            near = closest(path.stem, (other.stem for other in path.parent.glob("*.arch")))
        except (OSError, ValueError):
            raise error from None
        if near is None or path.exists():
            raise
        similar = path.with_name(f"{near}.arch")
        raise ArchError((first.with_notes(f"a file with a similar name exists: `{similar}`"),)) from None


def _similar_in_zoo(name: str) -> str:
    """Names that begin as this one does, one that is a few letters away, or those with the same first words."""
    names = zoo.names()
    near = closest(name, zoo.homes())
    words = name.split("_")
    beginnings = ["_".join(words[:count]) for count in range(len(words), 0, -1) if words[0]]
    for beginning in beginnings:
        begun = [other for other in names if other.startswith(beginning)]
        if near is not None and (not begun or beginning != name):
            return f"a similar name is `{near}`"
        if begun:
            return f"names that begin like it: {_some(begun)}"
    return f"a similar name is `{near}`" if near else "`archdsl zoo` lists what it has"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(f"`{name}`" for name in names[:MOST_LISTED]) + more


def _kind(program: Program, name: str) -> str | None:
    """The kind of a name of the file; None where it has no such name, "" where it is no declaration."""
    found = value_of_name(program, name)
    if found is None:
        return None
    match found[0]:
        case Decided():
            return "space"
        case Component(callee=Declared() as declared):
            return declared.kind.name
        case _:
            return ""


def _declared(program: Program, wants: Sequence[str]) -> dict[str, str]:
    """The wanted things that the file declares, by name, with their kinds."""
    unit = program.unit
    kinds = {name: _kind(program, name) or "" for name in (*unit.declarations, *unit.lets)}
    return {name: kinds[name] for name in program.declarations if kinds.get(name) in wants}


def only_model(program: Program) -> str:
    """The name of the one model that a program declares."""
    return _only(program, ("model",), False)


def _only(program: Program, wants: Sequence[str], candidate: bool) -> str:
    """The one wanted thing of a file."""
    found = _declared(program, wants)
    where = program.unit.source.name
    order = ["space", *wants] if candidate and "space" in wants else wants
    for kind in order:
        names = [name for name, its in found.items() if its == kind]
        if len(names) == 1:
            return names[0]
        if names:
            raise UsageError(
                f"`{where}` declares several {kind}s: {_some(names)}; name one, as in `{where}:{names[0]}`"
            )
    others = [f"{kind} `{name}`" for name in program.unit.declarations if (kind := _kind(program, name))]
    has = f"; it has: {', '.join(others[:MOST_LISTED])}" if others else ""
    raise UsageError(f"`{where}` declares no {' or '.join(wants)}{has}")


def _kind_of(program: Program, name: str, wants: Sequence[str]) -> str:
    """The kind of the name, which must be a wanted one."""
    kind = _kind(program, name)
    if kind is not None and kind in wants:
        return kind
    where = program.unit.source.name
    found = _declared(program, wants)
    has = f"it has {_some(list(found))}" if found else "it has none"
    if kind is None:
        near = closest(name, found) or closest(name, program.unit.names())
        raise UsageError(f"`{where}` has no `{name}`; " + (f"a similar name is `{near}`" if near else has))
    what = with_article(kind) if kind else "a value"
    raise UsageError(f"`{name}` of `{where}` is {what}, no {' or '.join(wants)}; {has}")
