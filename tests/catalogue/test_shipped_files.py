"""Every field and every call in the `quant`, `train` and `search` bodies of the shipped files is in the tables."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from archdsl.meaning.catalogue.contract import Entry, innermost
from archdsl.meaning.catalogue.registry import entries, fields, find, metrics
from archdsl.source import Source
from archdsl.syntax import nodes
from archdsl.syntax.parse import parse

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("archdsl/std", "archdsl/zoo", "searchspaces", "examples")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.arch"))
KINDS = ("quant", "train", "search")


def tree(path: Path) -> nodes.File:
    return parse(Source(str(path), path.read_text(encoding="utf-8"))).file


def inside(value: object) -> Iterator[nodes.Node]:
    """A node and all nodes below it."""
    if isinstance(value, tuple):
        for item in value:
            yield from inside(item)
    elif isinstance(value, nodes.Node):
        yield value
        for field in dataclasses.fields(value):
            yield from inside(getattr(value, field.name))


def own_names(file: nodes.File) -> set[str]:
    """What the file declares, imports or binds anywhere: none of that is looked up in the tables."""
    found: set[str] = set()
    for node in inside(file.items):
        match node:
            case nodes.Declaration() | nodes.Extern():
                found.add(node.name.text)
            case nodes.Imported():
                found.add((node.alias or node.name).text)
            case nodes.Let() | nodes.For() | nodes.Clause():
                found.update(target.text for target in node.targets)
            case nodes.Setting():
                found.add(node.name.text)
            case _:
                pass
    return found


def misfit(call: nodes.Call, found: Entry | None) -> str:
    """What of a call is not in the tables, or nothing."""
    if found is None:
        return call.span.text
    known = [setting.name for setting in found.settings]
    unknown = [a.name.text for a in call.arguments if a.name is not None and a.name.text not in known]
    positional = sum(1 for a in call.arguments if a.name is None)
    return f"{found.name}: {unknown}" if unknown else found.name if positional > len(known) else ""


def misfits(value: nodes.Expression, families: tuple[str, ...], own: set[str]) -> Iterator[str]:
    """The calls in an expression that the tables do not know, looked up in the families of the place they stand in."""
    match value:
        case nodes.Call(callee=nodes.Name(text=name)) if name not in own:
            found = find(name, families)
            if problem := misfit(value, found):
                yield problem
            for index, argument in enumerate(value.arguments):
                settings = found.settings if found else ()
                asked = [
                    s.type
                    for i, s in enumerate(settings)
                    if (s.name == argument.name.text if argument.name else i == index)
                ]
                yield from misfits(argument.value, innermost(asked[0]) if asked else (), own)
        case nodes.Choose():
            for option in value.options:
                yield from misfits(option.value, families, own)
        case nodes.List() | nodes.Tuple():
            for item in value.items:
                yield from misfits(item, families, own)
        case _:
            pass


def problems(path: Path) -> list[str]:
    file = tree(path)
    own = own_names(file)
    found: list[str] = []
    for declaration in file.items:
        if not isinstance(declaration, nodes.Declaration) or declaration.kind.text not in KINDS:
            continue
        known = fields(declaration.kind.text)
        for node in inside(declaration.body):
            if isinstance(node, nodes.Assign):
                field = known.get(node.name.text)
                found += [node.span.text] if field is None else misfits(node.value, field.families, own)
            elif isinstance(node, nodes.Objective):
                name = node.metric.callee if isinstance(node.metric, nodes.Call) else node.metric
                measured = metrics().get(name.text if isinstance(name, nodes.Name) else node.name.text)
                if measured is None:
                    found.append(node.span.text)
                elif isinstance(node.metric, nodes.Call):
                    found += filter(None, [misfit(node.metric, measured)])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_fields_and_calls_are_in_the_tables(path: Path):
    assert [] == problems(path)


def test_the_shipped_files_have_bodies_of_every_kind():
    kinds = {item.kind.text for path in FILES for item in tree(path).items if isinstance(item, nodes.Declaration)}
    assert set(KINDS) <= kinds


def test_what_is_not_in_the_tables_is_found(tmp_path: Path):
    file = tmp_path / "wrong.arch"
    file.write_text(
        "train short() { data = digit()  epoch = 3  optimizer = adamw(rate=1e-3) }\n"
        "search narrow() { strategy = fliqs(entropy=cosine(warmup=5))  maximize acuracy  minimize t = latency(cp=1) }\n"
    )
    assert [
        "digit()",
        "epoch = 3",
        "adamw: ['rate']",
        "cosine: ['warmup']",
        "maximize acuracy",
        "latency: ['cp']",
    ] == problems(file)


def test_every_format_of_an_integer_takes_what_shares_its_scale():
    names = [name for name in entries() if name.startswith("int")]
    assert {("per",)} == {tuple(setting.name for setting in entries()[name][0].settings) for name in names}
