"""Calls of entries of the catalogue: number formats, recipes, strategies, evaluators, each with typed settings."""

from archdsl.diagnostics import codes
from archdsl.meaning.binding import Arguments, fill
from archdsl.meaning.catalogue.contract import Entry, EntrySetting
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe, describe_text, fits_text
from archdsl.meaning.values import Configured, Value, show
from archdsl.meaning.variants import lift
from archdsl.source import Span


def configure(frame: Frame, span: Span, configured: Configured, arguments: Arguments) -> Value:
    """The entry with its settings, checked against its declaration."""
    entry = configured.entry
    names = tuple(setting.name for setting in entry.settings)
    filled = fill(entry.name, names, arguments, span)
    for setting in entry.settings:
        given = filled.get(setting.name)
        if given is not None and not fits_entry(given.value, setting.type):
            raise Fault(
                codes.WRONG_TYPE.at(
                    given.span,
                    f"`{setting.name}` of `{entry.name}` must be {describe_text(setting.type)}, not {describe(given.value)}",
                    f"must be {describe_text(setting.type)}",
                )
            )
        if given is None and setting.required and setting.name not in dict(configured.settings):
            raise Fault(
                codes.MISSING_SETTING.at(
                    span,
                    f"`{entry.name}` needs its setting `{setting.name}`",
                    f"`{setting.name}` is not given and has no default",
                    notes=(setting.doc,),
                )
            )
        if given is not None and setting.domain is not None:
            lift(frame, lambda value, s=setting, at=given.span: _in_domain(entry, s, value, at), given.value, deep=True)
    values = dict(configured.settings)
    values.update((name, given.value) for name, given in filled.items())
    return Configured(entry, tuple((name, values[name]) for name in names if name in values))


def _in_domain(entry: Entry, setting: EntrySetting, value: Value, span: Span) -> Value:
    if setting.domain is not None and isinstance(value, int | float | str) and not setting.domain.holds(value):
        raise Fault(
            codes.OUTSIDE_DOMAIN.at(
                span, f"`{setting.name}` of `{entry.name}` is {show(value)}; it must be {setting.domain}", "not allowed"
            )
        )
    return None


def fits_entry(value: Value, wanted: str) -> bool:
    """Whether a value has one of the types or families of an entry's setting."""
    return any(
        fits_text(value, part.strip()) or _of_family(value, part.strip().removesuffix("?"))
        for part in wanted.split("|")
    )


def _of_family(value: Value, family: str) -> bool:
    return isinstance(value, Configured) and value.entry.family == family
