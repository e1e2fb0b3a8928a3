"""One record for everything that is said to a user about a file. Text, JSON and LSP are renderings of it."""

from dataclasses import dataclass, replace
from typing import Literal

from archdsl.resources import resource
from archdsl.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what to say under its carets."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters of `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that mends the fault. Only a `safe` one is applied by `check --fix`."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool = True


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """`primary` is where the fault is, `others` where the other side was decided; `notes` are whole sentences or facts;
    `origin` is the chain of calls and choices that led there, outermost first."""

    code: str
    severity: Severity
    title: str
    primary: Label
    others: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    origin: tuple[str, ...] = ()

    def with_notes(self, *notes: str) -> "Diagnostic":
        return replace(self, notes=(*self.notes, *notes))

    def sort_key(self) -> tuple[str, int, int, str]:
        span = self.primary.span
        return span.source.name, span.start, span.end, self.code


@dataclass(frozen=True, slots=True)
class Code:
    """A documented kind of fault."""

    name: str
    title: str

    @property
    def page(self) -> str:
        """What `archdsl explain` prints, read when it is asked for."""
        return resource(f"diagnostics/pages/{self.name}.md").read_text(encoding="utf-8")

    @property
    def severity(self) -> Severity:
        return "warning" if self.name.startswith("W") else "error"

    def at(
        self,
        span: Span,
        title: str,
        label: str = "",
        *,
        others: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        fixes: tuple[Fix, ...] = (),
        origin: tuple[str, ...] = (),
    ) -> Diagnostic:
        """A diagnostic of this code."""
        primary = Label(span, _cut(label))
        return Diagnostic(self.name, self.severity, _cut(title), primary, others, notes, fixes, origin)


MOST_CHARACTERS = 400
"""Of a title: a name of the file's can be as long as the file."""


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 3] + "..."


class ArchError(Exception):
    """The user's files are wrong: carries everything that was found, never one fault at a time."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("; ".join(f"{d.code}: {d.title}" for d in diagnostics[:3]))
        self.diagnostics = diagnostics


class UsageError(Exception):
    """The command line or the API call is wrong."""


class UnusableFile(UsageError):
    """A file that is no text of the language cannot be used as it was meant: weights, an output. Nothing was
    changed."""
