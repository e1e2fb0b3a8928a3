"""Reading a program: a file and everything that it imports, each file once.

Packaged files (`std`, `zoo`, `searchspaces`) were checked when they were released; their trees come from a cache that
is keyed by what they say. A relative import stays below the folder of the file that asks, also through symbolic
links."""

import hashlib
import pickle
from dataclasses import dataclass, field
from pathlib import Path

from archdsl.cache import keep_cached, read_cached
from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix, Label
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.declared import Declared, Unit
from archdsl.meaning.kinds import KINDS
from archdsl.meaning.limits import DEFAULT_LIMITS, Limits
from archdsl.resources import resource
from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl.syntax.limits import SyntaxLimits
from archdsl.syntax.parse import Parsed, parse

PACKAGED = ("std", "zoo", "searchspaces")
TREE_VERSION = 1
"""Raised when nodes change, so that cached trees of another version are not read."""


@dataclass(slots=True)
class Library:
    """The units that were read, by their real path; `found` is what was wrong with reading them."""

    limits: Limits = DEFAULT_LIMITS
    units: dict[str, Unit] = field(default_factory=dict[str, Unit])
    found: list[Diagnostic] = field(default_factory=list[Diagnostic])
    reading: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


class UnreadableFile(Exception):
    """A file that holds no text that could be read."""


class NoText(UnreadableFile):
    """Bytes that are no UTF-8; `text` is what can be shown of them, with the first wrong byte at `offset`."""

    def __init__(self, data: bytes, start: int) -> None:
        line = data.count(b"\n", 0, start) + 1
        super().__init__(f"byte {start}, on line {line}, is no UTF-8 text")
        self.text = data.decode("utf-8", errors="replace")
        self.offset = len(data[:start].decode("utf-8"))


def read_text(path: Path, limit: int) -> str:
    """The text of a file; its byte order mark and line ends are left to the parser."""
    try:
        if path.is_dir():
            raise UnreadableFile("it is a directory")
        if not path.is_file() and path.exists():
            raise UnreadableFile("it is no regular file")
        size = path.stat().st_size
        if size > 4 * limit:
            raise UnreadableFile(
                f"it has {size:,} bytes, and at most {limit:,} characters are read;"
                f" raise the limit: --limit characters={size}"
            )
        data = path.read_bytes()
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoText(error.object, error.start) from None
    except FileNotFoundError:
        raise UnreadableFile("there is no such file") from None
    except OSError as error:
        raise UnreadableFile((error.strerror or str(error)).lower()) from None
    except (ValueError, RuntimeError) as error:
        raise UnreadableFile(str(error).lower()) from None


def load_unit(library: Library, path: Path, shown: str, module: str = "") -> Unit:
    """The unit of a file, with its imports; raises UnreadableFile."""
    try:
        key = str(path.resolve())
    except (OSError, RuntimeError, ValueError) as error:
        raise UnreadableFile(str(error).lower()) from None
    if key in library.units:
        return library.units[key]
    packaged = module.partition(".")[0] in PACKAGED
    parsed = _parsed(library, path, shown, packaged)
    return _unit(library, key, parsed, module, packaged, path.resolve().parent)


def load_text(library: Library, source: Source, folder: Path) -> Unit:
    """The unit of a text that stands in no file; relative imports are looked for in `folder`."""
    return _unit(library, source.name, parse(source, syntax_limits(library.limits)), "", False, folder)


def syntax_limits(limits: Limits) -> SyntaxLimits:
    return SyntaxLimits(limits.nesting, limits.chain, limits.characters, limits.digits)


def _parsed(library: Library, path: Path, shown: str, packaged: bool) -> Parsed:
    text = read_text(path, library.limits.characters)
    source = Source(shown, text)
    if not packaged:
        return parse(source, syntax_limits(library.limits))
    digest = hashlib.sha256(f"{TREE_VERSION}\0{shown}\0{text}".encode()).hexdigest()
    name = f"tree-{digest}.pickle"
    kept = read_cached(name)
    if kept is not None:
        try:
            tree = pickle.loads(kept)
        except Exception:  # a torn or foreign entry is as good as none
            tree = None
        if isinstance(tree, nodes.File):
            return Parsed(tree, ())
    parsed = parse(source, syntax_limits(library.limits))
    if not parsed.diagnostics:
        keep_cached(name, pickle.dumps(parsed.file, protocol=pickle.HIGHEST_PROTOCOL))
    return parsed


def _unit(library: Library, key: str, parsed: Parsed, module: str, packaged: bool, folder: Path) -> Unit:
    unit = Unit(module, parsed.file, packaged)
    library.units[key] = unit
    library.found += parsed.diagnostics
    library.reading.append((key, parsed.file.source.name))
    for item in parsed.file.items:
        match item:
            case nodes.Declaration() | nodes.Extern():
                kind = KINDS.get(item.kind.text)
                if kind is None:
                    unit.broken.add(item.name.text)
                elif not unit.knows(item.name.text):
                    unit.declarations[item.name.text] = Declared(unit, item, kind)
            case nodes.Let():
                for target in item.targets:
                    if not unit.knows(target.text):
                        unit.lets[target.text] = item
            case nodes.Broken():
                unit.broken.update(name.text for name in item.names)
            case nodes.Import():
                _import(library, unit, item, folder)
    library.reading.pop()
    return unit


def _import(library: Library, unit: Unit, item: nodes.Import, folder: Path) -> None:
    """Bind the imported names; what cannot be read leaves them unknown."""
    span = item.path[0].span.to(item.path[-1].span)
    other = _imported_unit(library, item, folder, span)
    for name in item.names:
        bound = (name.alias or name.name).text
        if other is not None and not other.exports(name.name.text):
            library.found.append(_not_exported(other, item, name.name))
            unit.broken.add(bound)
        elif not unit.knows(bound):
            unit.imports[bound] = (other, name.name.text)


def _imported_unit(library: Library, item: nodes.Import, folder: Path, span: Span) -> Unit | None:
    words = [part.text for part in item.path]
    dotted = ("." if item.relative else "") + ".".join(words)
    if item.relative:
        root, path = folder, folder.joinpath(*words).with_suffix(".arch")
        shown, module = _beside(span.source.name, words), ""
    elif words[0] in PACKAGED and len(words) > 1:
        root = resource(words[0])
        path = root.joinpath(*words[1:]).with_suffix(".arch")
        shown, module = "/".join(words) + ".arch", ".".join(words)
    elif words[0] in PACKAGED:
        library.found.append(_is_folder(resource(words[0]), span, words[0], ""))
        return None
    else:
        near = closest(words[0], PACKAGED)
        notes = [
            f"imports begin with {', '.join(f'`{p}.`' for p in PACKAGED)}, or with a dot for a file beside this one"
        ]
        if near:
            notes.insert(0, f"a library with a similar name exists: `{near}`")
        elif (folder / f"{words[0]}.arch").is_file():
            notes.insert(0, f"for the file `{words[0]}.arch` beside this one write `from .{dotted}`")
        library.found.append(
            codes.NO_SUCH_MODULE.at(span, f"there is no library `{words[0]}`", "not found", notes=tuple(notes))
        )
        return None
    try:
        real = path.resolve()
        if not real.is_relative_to(root.resolve()):
            library.found.append(
                codes.OUTSIDE_TREE.at(
                    span,
                    f"`{dotted}` leads out of the folder `{root.name}`",
                    "outside",
                    notes=("imports stay in the folder of the file that asks, or below it, also through links",),
                )
            )
            return None
        key = str(real)
        if any(key == open_key for open_key, _ in library.reading):
            library.found.append(_cycle(library, key, span))
            return None
        if key not in library.units and not path.exists():
            raise UnreadableFile("there is no such file")
        return load_unit(library, path, shown, module)
    except UnreadableFile as error:
        library.found.append(_missing(library, item, path, span, dotted, str(error)))
        return None
    except (OSError, RuntimeError) as error:
        library.found.append(_missing(library, item, path, span, dotted, str(error)))
        return None


def _beside(name: str, words: list[str]) -> str:
    folder = name.rpartition("/")[0]
    return "/".join([*([folder] if folder else []), *words]) + ".arch"


def _missing(library: Library, item: nodes.Import, path: Path, span: Span, dotted: str, why: str) -> Diagnostic:
    """What can be imported instead: a file in the folder that is meant, one with a similar name, or what is there."""
    asking = library.reading[-1][0]
    if path.with_suffix("").is_dir() and not path.exists():
        return _is_folder(path.with_suffix(""), span, dotted, asking)
    notes: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    if why == "there is no such file":
        known = _files(path.parent, asking)
        front = dotted[: len(dotted) - len(path.stem)]
        near = closest(path.stem, known)
        if near:
            notes = (f"a file with a similar name exists: `{front}{near}`",)
            fixes = (Fix(f"import from `{front}{near}`", (Edit(item.path[-1].span, near),)),)
        elif known:
            notes = (f"the files there: {', '.join(f'`{front}{name}`' for name in known[:12])}",)
    return codes.NO_SUCH_MODULE.at(span, f"`{dotted}` cannot be read: {why}", "not found", notes=notes, fixes=fixes)


def _is_folder(folder: Path, span: Span, dotted: str, asking: str) -> Diagnostic:
    """The message for an import that ends at a folder."""
    known = _files(folder, asking)
    notes = (f"it has: {', '.join(f'`{dotted}.{name}`' for name in known[:12])}",) if known else ()
    return codes.NO_SUCH_MODULE.at(
        span, f"`{dotted}` is a folder", "name a file in it" if known else "no file in it", notes=notes
    )


def _files(folder: Path, asking: str) -> list[str]:
    """The files of a folder that an import can name, without the one that asks."""
    if not folder.is_dir():
        return []
    return sorted(path.stem for path in folder.glob("*.arch") if str(path.resolve()) != asking)


def _cycle(library: Library, key: str, span: Span) -> Diagnostic:
    names = [shown for _, shown in library.reading]
    start = next(i for i, (open_key, _) in enumerate(library.reading) if open_key == key)
    if start == len(names) - 1:
        return codes.IMPORT_CYCLE.at(
            span, "this file imports itself", "the same file", notes=("what it declares can be used without an import",)
        )
    drawn = " -> ".join([*names[start:], names[start]])
    return codes.IMPORT_CYCLE.at(
        span,
        "files import each other in a circle",
        "leads back to where it began",
        notes=(drawn, "move what both need into a third file"),
    )


def _not_exported(other: Unit, item: nodes.Import, name: nodes.Identifier) -> Diagnostic:
    near = closest(name.text, other.names())
    where = ("." if item.relative else "") + ".".join(part.text for part in item.path)
    notes = (f"a declaration with a similar name exists: `{near}`",) if near else ()
    fixes = (Fix(f"rename it to `{near}`", (Edit(name.span, near),)),) if near else ()
    others = (
        (Label(other.tree.items[0].span, "this file"),) if other.tree.items and not near and not other.packaged else ()
    )
    return codes.NOT_EXPORTED.at(
        name.span, f"`{where}` has no `{name.text}`", "not declared there", notes=notes, fixes=fixes, others=others
    )
