"""Settings as the command line writes them, `--set "depths=[2, 2, 4, 2]"`: values are expressions of the language, over
the names of the target's file."""

import re
from collections.abc import Sequence
from dataclasses import replace

from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.meaning.binding import Given
from archdsl.meaning.check import with_deep_stack
from archdsl.meaning.conditions import Universe
from archdsl.meaning.declared import Unit
from archdsl.meaning.dispatch import evaluate
from archdsl.meaning.limits import Limits
from archdsl.meaning.loading import syntax_limits
from archdsl.meaning.names import NameCheck
from archdsl.meaning.program import Program
from archdsl.meaning.run import Abandoned, Body, Fault, Frame, Session
from archdsl.meaning.values import has_unknown
from archdsl.meaning.worlds import World
from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl.syntax.descent import below
from archdsl.syntax.parse import parse_expression

WHERE = "<--set>"
"""The name under which messages show the settings, one a line."""
_SETTING = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)\s*")


def settings_of(program: Program, written: Sequence[str]) -> dict[str, Given]:
    """The settings by name, each with its place. Raises ArchError for what is no expression or names what is not
    there, UsageError for what is no setting at all."""
    source = Source(WHERE, "\n".join(written))
    given: dict[str, Given] = {}
    start = 0
    for text in written:
        end = start + len(text)
        found = _SETTING.match(text)
        if found is None or found.end() == len(text):
            raise UsageError(f"--set takes NAME=VALUE, as in --set classes=10, not {text!r}")
        name = found[1]
        if name in given:
            raise UsageError(f"--set gives `{name}` twice")
        span = Span(source, start + found.end(), end)
        label = Span(source, start + found.start(1), start + found.end(1))
        given[name] = _given(program.unit, program.limits, name, span, label)
        start = end + 1
    return given


def _given(unit: Unit, limits: Limits, name: str, span: Span, label: Span) -> Given:
    def work() -> Given:
        node = parse_expression(span, syntax_limits(limits))
        if any(isinstance(part, nodes.Choose) for part in below(node)):
            raise UsageError(f"--set {name}: a choice belongs into a space, not into a setting")
        faults = NameCheck(unit).of_expression(node)
        if faults:
            if isinstance(node, nodes.Name):
                faults = [fault.with_notes(f'a string takes quotes: `{name}="{node.text}"`') for fault in faults]
            raise ArchError(tuple(faults))
        # A session of its own: what is remembered is kept by expressions that live as long as the program.
        frame = Frame(Session(limits), World(Universe()), unit, Body(""), naming=name)
        value = evaluate(node, frame)
        if has_unknown(value):
            raise UsageError(f"--set {name}: `{span.text}` has no value outside a model")
        return Given(value, span, label)

    try:
        return with_deep_stack(work)
    except ArchError as error:
        raise without_fixes(error) from None
    except Fault as fault:
        raise without_fixes(ArchError((fault.diagnostic,))) from None
    except Abandoned:
        raise UsageError(f"--set {name}: `{span.text}` has no value outside a model") from None


def without_fixes(error: ArchError) -> ArchError:
    """What is wrong in a setting, without the offer to write it right: it stands in no file."""
    return ArchError(
        tuple(
            replace(diagnostic, fixes=()) if diagnostic.primary.span.source.name == WHERE else diagnostic
            for diagnostic in error.diagnostics
        )
    )
