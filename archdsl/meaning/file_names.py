"""What the check of names asks of a whole file: the names of its top level, those that a signature binds, the
declaration behind a name."""

from collections.abc import Iterable, Iterator

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix, Label
from archdsl.diagnostics.suggest import closest, did_you_mean
from archdsl.meaning.catalogue import registry as catalogue
from archdsl.meaning.catalogue.families import FAMILIES
from archdsl.meaning.declared import Declared, Unit
from archdsl.meaning.types import listed, with_article
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler.ops.registry import find


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


def declared_twice(tree: nodes.File) -> Iterator[Diagnostic]:
    """Names of the top level that stand there a second time."""
    seen: dict[str, Span] = {}
    for name in top_level_names(tree.items):
        first = seen.setdefault(name.text, name.span)
        if first is not name.span:
            others = (Label(first, "declared first"),)
            yield codes.DECLARED_TWICE.at(
                name.span, f"`{name.text}` is declared twice", "declared again", others=others
            )


def unused_imports(tree: nodes.File, used: set[str]) -> Iterator[Diagnostic]:
    """Imported names that nothing uses. In a file with syntax errors nobody knows."""
    if any(isinstance(item, nodes.Broken) for item in tree.items):
        return
    for item in tree.items:
        if not isinstance(item, nodes.Import):
            continue
        unused = [name for name in item.names if (name.alias or name.name).text not in used]
        for name in unused:
            fix = remove_import(item, name, len(unused) == len(item.names))
            title = f"`{(name.alias or name.name).text}` is imported and not used"
            yield codes.UNUSED_IMPORT.at(name.span, title, "not used", fixes=(fix,) if fix else ())


def read_outside(setting: nodes.Setting) -> bool:
    """Whether a setting is no matter of the body: who feeds the model reads what its weights expect of pictures."""
    return setting.type is not None and setting.type.name == "preprocessing"


def settings_of(unit: Unit, callee: str) -> tuple[str, tuple[str, ...]] | None:
    """The settings of a callee that is known without evaluating: a declaration, an op."""
    declared = declaration_of(unit, callee)
    if declared is not None:
        return declared.name, (*declared.settings, *(t.name.text for t in declared.tensors))
    op = None if unit.knows(callee) or catalogue.find(callee) else find(callee)
    if op is None or op.open_settings or op.category == "cast":
        return None
    return op.name, (*(s.name for s in op.settings), *(t.name for t in op.tensors))


def unknown_entry(node: nodes.Name, families: tuple[str, ...], others: Iterable[str]) -> Diagnostic:
    """A name that is no entry of the families that its field asks for."""
    known = [name for family in families for name in catalogue.family(family)]
    near = closest(node.text, known) or closest(node.text, others)
    if families == ("metric",):
        code, what = codes.UNKNOWN_METRIC, "metric"
    else:
        family = FAMILIES.get(families[0])
        code, what = codes.UNKNOWN_ENTRY, family.words.partition(" ")[2] if family else "entry"
    similar = did_you_mean(node.text, [near], what) if near else None
    notes = (similar,) if similar else (f"known here: {listed(known)}",) if known else ()
    fixes = (Fix(f"write `{near}`", (Edit(node.span, near),)),) if near in known and near else ()
    title = f"there is no {what} `{node.text}`"
    return code.at(node.span, title, f"not {with_article(what)}", notes=notes, fixes=fixes)
