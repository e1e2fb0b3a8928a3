"""What the check of names asks of a whole file: the names of its top level, those that a signature binds, the
declaration behind a name."""

from collections.abc import Iterable, Iterator

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.declared import Declared, Unit
from archdsl.meaning.types import listed
from archdsl.source import Span
from archdsl.syntax import nodes


def top_level_names(items: Iterable[nodes.Item]) -> Iterator[nodes.Identifier]:
    for item in items:
        match item:
            case nodes.Import():
                for name in item.names:
                    yield name.alias or name.name
            case nodes.Let():
                yield from item.targets
            case nodes.Broken():
                yield from item.names
            case _:
                yield item.name


def axes(tensors: Iterable[nodes.TensorParameter]) -> Iterator[nodes.Identifier]:
    """The names that the signature's shapes may bind."""
    for tensor in tensors:
        for axis in tensor.form.shape.axes if tensor.form is not None and tensor.form.shape is not None else ():
            if isinstance(axis, nodes.Rest):
                if axis.name is not None:
                    yield axis.name
            elif isinstance(axis, nodes.Name) and axis.text != "_":
                yield nodes.Identifier(axis.span, axis.text)


def declaration_of(unit: Unit, name: str) -> Declared | None:
    """The declaration that a name of a file stands for, through imports."""
    seen = 0
    while name not in unit.declarations:
        other, original = unit.imports.get(name, (None, ""))
        seen += 1
        if other is None or seen > 32:
            return None
        unit, name = other, original
    return unit.declarations[name]


def unknown_field(kind: str, name: nodes.Identifier, known: Iterable[str]) -> Diagnostic:
    near = closest(name.text, known)
    notes = (f"a field with a similar name exists: `{near}`",) if near else (f"its fields: {listed(known)}",)
    fixes = (Fix(f"rename it to `{near}`", (Edit(name.span, near),)),) if near else ()
    return codes.UNKNOWN_FIELD.at(
        name.span, f"a `{kind}` has no field `{name.text}`", f"not a field of a `{kind}`", notes=notes, fixes=fixes
    )


def remove_import(item: nodes.Import, name: nodes.Imported, whole: bool) -> Fix | None:
    """The edit that takes one imported name away, with its comma."""
    source = item.span.source
    if whole:
        if name is not item.names[0]:
            return None
        end = item.span.end + (source.text[item.span.end : item.span.end + 1] == "\n")
        return Fix("remove the import", (Edit(Span(source, item.span.start, end), ""),))
    position = item.names.index(name)
    if position:
        return Fix("remove it", (Edit(Span(source, item.names[position - 1].span.end, name.span.end), ""),))
    return Fix("remove it", (Edit(Span(source, name.span.start, item.names[1].span.start), ""),))
