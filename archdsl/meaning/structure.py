"""The form of declarations, checked before anything is evaluated: kinds and their lists, which statements may stand
where, that a body returns, and that types exist."""

from collections.abc import Iterator

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix, Label
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.catalogue.families import FAMILIES
from archdsl.meaning.catalogue.registry import fields
from archdsl.meaning.kinds import KINDS, Kind
from archdsl.meaning.types import TYPES, in_a_sentence, listed, with_article
from archdsl.syntax import nodes
from archdsl_compiler.types import DTYPES

INNER_TYPES = ("sizes", "axes", "init", "shape", "padding", "time", "bytes")
"""Types that only settings of ops and entries have; nobody writes them."""


OTHER_NAMES = {
    "float": "real",
    "number": "real",
    "double": "real",
    "integer": "int",
    "boolean": "bool",
    "string": "str",
    "array": "list",
}
"""What types are called elsewhere."""


def check_structure(item: nodes.Declaration | nodes.Extern) -> Iterator[Diagnostic]:
    """What is wrong with a declaration's form."""
    kind = KINDS.get(item.kind.text)
    if kind is None:
        yield _unknown_kind(item.kind)
        return
    if item.tensors is not None and not kind.tensors:
        last = item.tensors[-1].span if item.tensors else item.name.span
        yield codes.WRONG_LISTS.at(
            last,
            f"a `{kind.name}` takes one list",
            "this second list does not belong here",
            notes=(f"`{kind.name}`: {in_a_sentence(kind.doc)}",),
        )
    yield from _duplicates(item)
    for setting in item.settings or ():
        if setting.type is not None:
            yield from _check_type(setting.type)
    for tensor in item.tensors or ():
        if tensor.form is not None and tensor.form.word is not None:
            yield from _check_form(tensor.form)
    if isinstance(item, nodes.Declaration):
        yield from _check_body(item.body, kind, inside="")
        if not kind.fields and not _returns(item.body):
            yield codes.NO_RESULT.at(
                item.name.span,
                f"`{item.name.text}` can end without a result",
                "its body needs a `return` at its end",
            )


def _unknown_kind(name: nodes.Identifier) -> Diagnostic:
    near = closest(name.text, KINDS)
    fixes = (Fix(f"write `{near}`", (Edit(name.span, near),)),) if near else ()
    notes = (f"a kind with a similar name exists: `{near}`",) if near else (f"the kinds: {listed(KINDS)}",)
    return codes.UNKNOWN_KIND.at(name.span, f"there is no kind `{name.text}`", "not a kind", notes=notes, fixes=fixes)


def _duplicates(item: nodes.Declaration | nodes.Extern) -> Iterator[Diagnostic]:
    seen: dict[str, nodes.Identifier] = {}
    for name in [s.name for s in item.settings or ()] + [t.name for t in item.tensors or ()]:
        first = seen.setdefault(name.text, name)
        if first is not name:
            yield codes.DUPLICATE_SETTING.at(
                name.span,
                f"`{name.text}` is declared twice in the lists of `{item.name.text}`",
                "declared again",
                others=(Label(first.span, "declared first"),),
            )


def _check_type(node: nodes.Type) -> Iterator[Diagnostic]:
    if (node.name not in TYPES and node.name not in FAMILIES) or node.name in INNER_TYPES:
        known = [name for name in TYPES if name not in INNER_TYPES]
        near = OTHER_NAMES.get(node.name) or closest(node.name, known)
        notes = (f"a type with a similar name exists: `{near}`",) if near else (f"the types: {listed(known)}",)
        fixes = (
            (Fix(f"write `{near}`", (Edit(node.span, node.span.text.replace(node.name, near, 1)),)),) if near else ()
        )
        yield codes.UNKNOWN_TYPE.at(
            node.span, f"there is no type `{node.name}`", "not a type", notes=notes, fixes=fixes
        )
    for inner in node.arguments:
        yield from _check_type(inner)


def _check_form(form: nodes.Form) -> Iterator[Diagnostic]:
    assert form.word is not None
    known = DTYPES if form.shape is not None else ("list",)
    if form.word.text not in known:
        near = closest(form.word.text, known)
        what = "dtype" if form.shape is not None else "form of a tensor"
        similar = f"{with_article(what)} with a similar name exists: `{near}`"
        notes = (similar,) if near else (f"known here: {listed(known)}",)
        yield codes.UNKNOWN_TYPE.at(
            form.word.span, f"there is no {what} `{form.word.text}`", f"not a {what}", notes=notes
        )


_NAMES = {
    nodes.Assign: "an assignment",
    nodes.Return: "`return`",
    nodes.Expose: "`expose`",
    nodes.At: "`at`",
    nodes.Objective: "an objective",
    nodes.Require: "`require`",
    nodes.For: "`for`",
    nodes.If: "`if`",
    nodes.Let: "`let`",
}
_HOMES: dict[type[nodes.Node], str] = {nodes.At: "a `quant`", nodes.Objective: "a `search`"}


def may_stand(item: nodes.Statement, kind: Kind, inside: str) -> bool:
    """Whether a statement has a place in the body of a kind, or in a block inside it."""
    return type(item) in (kind.statements if inside != "at" else (nodes.Let, nodes.Assign, nodes.If, nodes.For))


def _check_body(body: nodes.Body, kind: Kind, inside: str) -> Iterator[Diagnostic]:
    returned: nodes.Statement | None = None
    if kind.fields:
        yield from _set_twice(body, kind)
    for item in body.items:
        if returned is not None:
            yield codes.UNREACHABLE.at(
                item.span,
                "this is never reached",
                "after the end of the component",
                others=(Label(returned.span, "it ends here"),),
                notes=("remove it, or move the `return` behind it",),
            )
            return
        if not may_stand(item, kind, inside):
            where = "an `at` block" if inside == "at" else f"a `{kind.name}`"
            home = _HOMES.get(type(item))
            notes = (f"it belongs in {home}",) if home else ()
            yield codes.MISPLACED_STATEMENT.at(
                item.span, f"{_NAMES[type(item)]} cannot stand in {where}", "not allowed here", notes=notes
            )
            continue
        match item:
            case nodes.For():
                yield from _check_body(item.body, kind, inside)
            case nodes.At():
                yield from _check_body(item.body, kind, "at")
            case nodes.If():
                yield from _check_branches(item, kind, inside)
            case _:
                pass
        if _ends(item):
            returned = item


def _set_twice(body: nodes.Body, kind: Kind) -> Iterator[Diagnostic]:
    """Fields that one list of statements sets again."""
    known, seen = fields(kind.name), dict[str, nodes.Identifier]()
    for item in body.items:
        if not isinstance(item, nodes.Assign) or item.name.text not in known:
            continue
        first = seen.setdefault(item.name.text, item.name)
        if first is not item.name:
            yield codes.DECLARED_TWICE.at(
                item.name.span,
                f"the field `{item.name.text}` is set twice",
                "set again",
                others=(Label(first.span, "set first"),),
            )


def _check_branches(item: nodes.If, kind: Kind, inside: str) -> Iterator[Diagnostic]:
    yield from _check_body(item.then, kind, inside)
    if isinstance(item.otherwise, nodes.If):
        yield from _check_branches(item.otherwise, kind, inside)
    elif item.otherwise is not None:
        yield from _check_body(item.otherwise, kind, inside)


def _ends(item: nodes.Statement) -> bool:
    """Whether nothing after the statement is ever reached."""
    if isinstance(item, nodes.Return):
        return True
    if not isinstance(item, nodes.If) or item.otherwise is None:
        return False
    other = _ends(item.otherwise) if isinstance(item.otherwise, nodes.If) else _returns(item.otherwise)
    return _returns(item.then) and other


def _returns(body: nodes.Body) -> bool:
    return any(map(_ends, body.items))
