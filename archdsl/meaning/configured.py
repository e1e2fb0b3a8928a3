"""Calls of entries of the catalogue: number formats, recipes, strategies, evaluators, each with typed settings."""

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.binding import Arguments, fill
from archdsl.meaning.catalogue.contract import Among, Domain, Entry, EntrySetting
from archdsl.meaning.run import Fault, Frame
from archdsl.meaning.types import describe, describe_text, fits_text, in_a_sentence
from archdsl.meaning.values import Configured, Value, show
from archdsl.meaning.variants import lift
from archdsl.source import Span


def configure(frame: Frame, span: Span, configured: Configured, arguments: Arguments) -> Value:
    """The entry with its settings, checked against its declaration."""
    entry = configured.entry
    names = tuple(setting.name for setting in entry.settings)
    filled = fill(entry.name, names, arguments, span)
    wrong: list[Diagnostic] = []
    for setting in entry.settings:
        given = filled.get(setting.name)
        if given is not None and not fits_entry(given.value, setting.type):
            wanted = describe_text(setting.type)
            title = f"`{setting.name}` of `{entry.name}` must be {wanted}, not {describe(given.value)}"
            wrong.append(codes.WRONG_TYPE.at(given.span, title, f"must be {wanted}"))
            continue
        if given is None and setting.required and setting.name not in dict(configured.settings):
            raise Fault(
                codes.MISSING_SETTING.at(
                    span,
                    f"`{entry.name}` needs its setting `{setting.name}`",
                    f"`{setting.name}` is not given and has no default",
                    notes=(f"`{setting.name}`: {in_a_sentence(setting.doc)}",),
                )
            )
        if given is not None and setting.domain is not None:
            lift(frame, lambda value, s=setting, at=given.span: _in_domain(entry, s, value, at), given.value, deep=True)
    if wrong:
        for diagnostic in wrong[1:]:
            frame.report(diagnostic)
        raise Fault(wrong[0])
    values = dict(configured.settings)
    values.update((name, given.value) for name, given in filled.items())
    return Configured(entry, tuple((name, values[name]) for name in names if name in values))


def _in_domain(entry: Entry, setting: EntrySetting, value: Value, span: Span) -> Value:
    if setting.domain is not None and isinstance(value, int | float | str) and not setting.domain.holds(value):
        raise Fault(outside(f"`{setting.name}` of `{entry.name}`", value, setting.domain, span))
    return None


def outside(what: str, value: Value, domain: Domain, span: Span) -> Diagnostic:
    """The message for a value outside its domain, with the word that was probably meant."""
    near = closest(value, domain.values) if isinstance(value, str) and isinstance(domain, Among) else None
    label = f"a similar one exists: {show(near)}" if near else "not allowed"
    fixes = (Fix(f"write {show(near)}", (Edit(span, show(near)),)),) if near and span.text == show(value) else ()
    return codes.OUTSIDE_DOMAIN.at(span, f"{what} is {show(value)}; it must be {domain}", label, fixes=fixes)


def fits_entry(value: Value, wanted: str) -> bool:
    """Whether a value has one of the types or families of an entry's setting."""
    return any(
        fits_text(value, part.strip()) or _of_family(value, part.strip().removesuffix("?"))
        for part in wanted.split("|")
    )


def _of_family(value: Value, family: str) -> bool:
    return isinstance(value, Configured) and value.entry.family == family
