"""A graph as the text of a Python file: classes in the order in which they need each other, `build()`, and a main block
that builds and runs the model once. It imports torch alone."""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archdsl_compiler.emit import prelude
from archdsl_compiler.emit.class_text import ClassText
from archdsl_compiler.emit.code import Default, Expression, Maker, Number, Raw, walk
from archdsl_compiler.emit.drafts import Draft, draft
from archdsl_compiler.emit.lifted import Code, Cycle, lifted
from archdsl_compiler.emit.merging import Template, merged
from archdsl_compiler.emit.root import root_class
from archdsl_compiler.emit.skeleton import same
from archdsl_compiler.emit.steps import ClassUse
from archdsl_compiler.emit.words import class_name
from archdsl_compiler.graph import Module, ModuleCall
from archdsl_compiler.ops.contract import InitialValue


@dataclass(frozen=True, slots=True)
class Note:
    """What the first lines of a file say: what made it, from what."""

    title: str
    made_by: str
    lines: tuple[str, ...] = ()


def emit(root: Module, note: Note) -> str:
    """The source of a model."""
    families = list(_families(root))
    classes: dict[int, ClassUse] = {}
    written: list[ClassText] = []
    names: set[str] = set(_prelude_names())
    makers: dict[Maker, str] = {}
    for family in families:
        drafts = [draft(module, classes) for module in family]
        templates = _ordered(merged(drafts), drafts)
        for template in templates:
            others = [other for other in templates if other is not template]
            code = lifted(template)
            name = _class_name(family[0].name, template, others, classes, names)
            text = ClassText(name, code, makers)
            text.forward()  # finds which numbers are read when the model runs, and so the order of arguments
            written.append(text)
            order, defaults = text.ordered_arguments(), text.defaults()
            for number, each in enumerate(template.drafts):
                arguments = tuple((argument, _given(values[number], argument, defaults)) for argument, values in order)
                classes[id(each.module)] = ClassUse(name, arguments)
            for maker in _makers(code):
                makers.setdefault(maker, _maker_name(maker, makers, names))
    *before, last = written
    blocks = [*(_maker_lines(maker, name) for maker, name in makers.items())]
    blocks += [text.lines() for text in before]
    blocks.append(root_class(last, root))
    blocks.append(_build(last.name))
    blocks.append(_main(root))
    body = "\n\n\n".join("\n".join(lines) for lines in blocks)
    helpers = [inspect.getsource(getattr(prelude, name)).rstrip() for name in _needed(body)]
    text = "\n\n\n".join([*helpers, body])
    return f"{_head(root, note, text)}\n\n\n{text}\n"


def _given(value: object, name: str, defaults: dict[str, object]) -> Number:
    """An argument of a class, which is left out where it has its default."""
    usual = name in defaults and same(value, defaults[name])
    return (Default if usual else Number)(value, "", name)


def _class_name(
    component: str, template: Template, others: Sequence[Template], classes: dict[int, ClassUse], names: set[str]
) -> str:
    """The component's name. Classes of one component are told apart by the class of a part that only one of them has,
    or else by number."""
    base = class_name(component)
    if base not in names:
        names.add(base)
        return base
    elsewhere = {name for other in others for name in _parts(other, classes)}
    own = [name for name in _parts(template, classes) if name not in elsewhere and f"{name}{base}" not in names]
    return _unused(f"{own[0]}{base}" if own and not own[0][-1].isdigit() else base, names)


def _parts(template: Template, classes: dict[int, ClassUse]) -> list[str]:
    """The classes of the modules that those of a template call."""
    calls = [call for each in template.drafts for call in each.module.calls if isinstance(call, ModuleCall)]
    return list(dict.fromkeys(classes[id(call.module)].name for call in calls))


def _families(root: Module) -> Iterator[list[Module]]:
    """The distinct modules of a graph, by component; those that others call before these."""
    heights: dict[int, int] = {}
    order: list[Module] = []
    below: dict[str, set[str]] = {}

    def visit(module: Module) -> int:
        if id(module) not in heights:
            inner = [call.module for call in module.calls if isinstance(call, ModuleCall)]
            below.setdefault(module.name, set()).update(each.name for each in inner)
            heights[id(module)] = 1 + max((visit(each) for each in inner), default=0)
            order.append(module)
        return heights[id(module)]

    visit(root)
    recursive = {name for name in below if _reaches(below, name, name)}
    groups: dict[tuple[str, str, int], list[Module]] = {}
    for module in order:
        height = heights[id(module)] if module.name in recursive or module is root else 0
        groups.setdefault((module.name, module.kind, height), []).append(module)
    done: set[int] = set()
    waiting = list(groups.values())
    while waiting:
        ready = [
            group
            for group in waiting
            if all(id(c.module) in done for m in group for c in m.calls if isinstance(c, ModuleCall))
        ]
        group = ready[0]
        waiting.remove(group)
        done.update(map(id, group))
        yield group


def _reaches(below: dict[str, set[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    waiting = list(below.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting += below.get(name, ())
    return False


def _ordered(templates: Sequence[Template], drafts: Sequence[Draft]) -> list[Template]:
    """Classes in the order in which their first modules stand in the model."""
    places = {id(each): position for position, each in enumerate(drafts)}
    return sorted(templates, key=lambda template: min(places[id(each)] for each in template.drafts))


def _unused(base: str, names: set[str]) -> str:
    name, number = base, 2
    while name in names:
        name, number = f"{base}{number}", number + 1
    names.add(name)
    return name


def _prelude_names() -> list[str]:
    return [name for name, value in vars(prelude).items() if getattr(value, "__module__", "") == prelude.__name__]


def _needed(body: str) -> list[str]:
    """Names of the prelude that a text uses, with those that they use, in the prelude's order."""
    known = _prelude_names()
    found: set[str] = set()
    waiting = [name for name in known if f"{name}(" in body]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            text = inspect.getsource(getattr(prelude, name))
            waiting += [other for other in known if other != name and f"{other}(" in text]
    return [name for name in known if name in found]


def _makers(code: Code) -> Iterator[Maker]:
    expressions: list[Expression] = [holding.constructor for holding in code.holdings]
    for item in code.items:
        expressions += [line.code for line in item.body] if isinstance(item, Cycle) else [item.code]
    for expression in expressions:
        for part in walk(expression):
            if isinstance(part, Maker):
                yield part


def _maker_name(maker: Maker, makers: dict[Maker, str], names: set[str]) -> str:
    base = maker.layer.removeprefix("nn.")
    snake = "".join(f"_{c.lower()}" if c.isupper() and k else c.lower() for k, c in enumerate(base))
    return _unused({"batch_norm2d": "batch_norm", "conv2d": "conv"}.get(snake, snake), names)


def _maker_lines(maker: Maker, name: str) -> list[str]:
    """A function that makes a layer and gives it its first values."""
    lines = [
        f"def {name}(*sizes: int, **settings: Any) -> {maker.layer}:",
        f"    layer = {maker.layer}(*sizes, **settings)",
    ]
    for entry, rule in maker.begins:
        if entry == "bias":
            lines += ["    if layer.bias is not None:", *_fills(8, f"layer.{entry}", rule)]
        else:
            lines += _fills(4, f"layer.{entry}", rule)
    return [*lines, "    return layer"]


def _fills(indent: int, tensor: str, rule: object) -> list[str]:
    from archdsl_compiler.emit.code import literal
    from archdsl_compiler.emit.initial import rule_call
    from archdsl_compiler.emit.layout import statement

    if isinstance(rule, InitialValue):
        filling = rule_call(rule, Raw(tensor))
        return statement(indent, "", filling, lambda part: literal(part.value) if isinstance(part, Number) else "")
    if rule in (0, 1):
        return [f"{' ' * indent}nn.init.{'zeros' if rule == 0 else 'ones'}_({tensor})"]
    return [f"{' ' * indent}nn.init.constant_({tensor}, {rule})"]


def _build(name: str) -> list[str]:
    return [f"def build() -> {name}:", '    """The model, with new weights."""', f"    return {name}()"]


def _main(root: Module) -> list[str]:
    inputs: list[str] = []
    for type_ in root.input_types:
        sizes = ", ".join("1" if not isinstance(size, int) else str(size) for size in type_.shape)
        dtype = f", dtype=torch.{type_.dtype}" if type_.dtype in ("int64", "bool") else ""
        inputs.append(f"torch.zeros({sizes or '()'}{dtype})" if dtype else f"torch.randn({sizes or '()'})")
    single = len(root.output_types) == 1 and not isinstance(root.outputs, tuple)
    shown = "outputs.shape" if single else "[tuple(output.shape) for output in outputs]"
    lines = ['if __name__ == "__main__":', "    model = build().eval()", "    with torch.inference_mode():"]
    call = f"        outputs = model({', '.join(inputs)})"
    lines += (
        [call] if len(call) <= 88 else ["        outputs = model(", *(f"            {i}," for i in inputs), "        )"]
    )
    return [*lines, f"    print({shown})"]


def _head(root: Module, note: Note, text: str) -> str:
    title = [note.title, "", *note.lines, f"{root.params:,} parameters, {root.macs:,} multiply-accumulates."]
    title.append(note.made_by)
    quoted = [line.replace("\\", "\\\\").replace('"""', "'''") for line in title]
    lines = [f'"""{quoted[0]}', *quoted[1:], '"""', ""]
    if "Any" in text and "settings: Any" in text:
        lines.append("from typing import Any\n")
    if "math." in text:
        lines.insert(len(lines) - ("Any" in lines[-1]), "import math\n")
    lines.append("import torch")
    if "F." in text:
        lines.append("import torch.nn.functional as F")
    names = "Tensor, nn"
    lines.append(f"from torch import {names}")
    return "\n".join(lines)
