"""A graph as the text of a Python file: classes in the order in which they need each other, `build()`, and a main block
that builds and runs the model once. It imports torch, and what an `extern` refers to."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archdsl_compiler.emit import prelude
from archdsl_compiler.emit.class_text import ClassText
from archdsl_compiler.emit.code import Default, Expression, Maker, Number
from archdsl_compiler.emit.drafts import Draft, draft
from archdsl_compiler.emit.imported import import_lines, imported, needs
from archdsl_compiler.emit.lifted import lifted
from archdsl_compiler.emit.makers import (
    expressions,
    initialise_lines,
    maker_lines,
    maker_name,
    makers_in,
    representatives,
    uniform,
)
from archdsl_compiler.emit.merging import Template, alone, merged
from archdsl_compiler.emit.root import root_class
from archdsl_compiler.emit.skeleton import same
from archdsl_compiler.emit.steps import ClassUse
from archdsl_compiler.emit.words import BROUGHT_ALONG, class_name
from archdsl_compiler.graph import Module, ModuleCall


@dataclass(frozen=True, slots=True)
class Note:
    """What the first lines of a file say: what made it, from what."""

    title: str
    made_by: str
    lines: tuple[str, ...] = ()


def emit(root: Module, note: Note, *, share: bool = True, channels_last: bool = False) -> str:
    """The source of a model. Without `share` every module gets a class of its own, which tests compare with;
    `channels_last` has `build()` lay weights so, whereupon convolutions give maps that lie so."""
    families = list(_families(root))
    names: set[str] = set(BROUGHT_ALONG)
    classes, externs = imported([each for family in families for each in family], names)
    written: list[ClassText] = []
    makers: dict[Maker, str] = {}
    all_code: list[Expression] = []
    for family in families:
        if family[0].extern:
            continue
        drafts = [draft(module, classes) for module in family]
        templates = _ordered(merged(drafts) if share else alone(drafts), drafts)
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
            all_code += expressions(code)
    *before, last = written
    # One function over the whole model would reach into modules that are Python's.
    spoken_for = representatives(list(dict.fromkeys(makers_in(all_code))))
    chosen = list(dict.fromkeys(spoken_for.values()))
    alike = [] if externs else uniform(all_code, chosen)
    own = {maker: maker.layer if maker in alike else _unused(maker_name(maker), names) for maker in chosen}
    makers.update((maker, own[other]) for maker, other in spoken_for.items())
    blocks = [initialise_lines(alike, all_code)] if alike else []
    blocks += [maker_lines(maker, name) for maker, name in own.items() if maker not in alike]
    blocks += [text.lines() for text in before]
    blocks.append(root_class(last, root, bool(alike)))
    blocks.append(_build(last.name, channels_last))
    blocks.append(_main(root))
    body = "\n\n\n".join("\n".join(lines) for lines in blocks)
    helpers = [inspect.getsource(getattr(prelude, name)).rstrip() for name in _needed(body)]
    text = "\n\n\n".join([*helpers, body])
    return f"{_head(root, note, text, externs)}\n\n\n{text}\n"


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
    groups: dict[tuple[str, str, str, int], list[Module]] = {}
    for module in order:
        height = heights[id(module)] if module.name in recursive or module is root else 0
        groups.setdefault((module.extern, module.name, module.kind, height), []).append(module)
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


def _needed(body: str) -> list[str]:
    """Names of the prelude that a text uses, with those that they use, in the prelude's order."""
    known = [name for name in vars(prelude) if name in BROUGHT_ALONG]
    found: set[str] = set()
    waiting = _used(known, body)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _used([other for other in known if other != name], inspect.getsource(getattr(prelude, name)))
    return [name for name in known if name in found]


def _used(names: Sequence[str], text: str) -> list[str]:
    """Those that a text calls, hands on or makes classes of."""
    return [name for name in names if re.search(rf"(?<![\w.]){name}[(,)]", text)]


def _build(name: str, channels_last: bool) -> list[str]:
    laid = ".to(memory_format=torch.channels_last)" if channels_last else ""
    return [f"def build() -> {name}:", f"    return {name}(){laid}"]


def _main(root: Module) -> list[str]:
    inputs: list[str] = []
    for type_ in root.input_types:
        sizes = ", ".join("1" if not isinstance(size, int) else str(size) for size in type_.shape)
        dtype = f", dtype=torch.{type_.dtype}" if type_.dtype in ("int64", "bool") else ""
        inputs.append(f"torch.zeros({sizes or '()'}{dtype})" if dtype else f"torch.randn({sizes or '()'})")
    single = len(root.output_types) == 1 and not isinstance(root.outputs, tuple)
    run = f"build().eval()({', '.join(inputs)})"
    shown = f"{run}.shape" if single else f"[tuple(result.shape) for result in {run}]"
    line = f"    print({shown})"
    if len(line) <= 88:
        return ['if __name__ == "__main__":', line]
    if len(shown) + 8 <= 88:
        return ['if __name__ == "__main__":', "    print(", f"        {shown}", "    )"]
    call = f"    results = {run}"
    lines = [call] if len(call) <= 88 else ["    results = build().eval()(", f"        {', '.join(inputs)}", "    )"]
    return ['if __name__ == "__main__":', *lines, "    print([tuple(result.shape) for result in results])"]


def _head(root: Module, note: Note, text: str, externs: Mapping[str, str]) -> str:
    costs = f"{root.params:,} parameters, {root.macs:,} multiply-accumulates"
    title = [f"{note.title}: {costs}.", "", *needs(externs), *note.lines, note.made_by]
    quoted = [line.replace("\\", "\\\\").replace('"""', "'''") for line in title]
    lines = [f'"""{quoted[0]}', *quoted[1:], '"""', ""]
    lines.append("import torch")
    if "F." in text:
        lines.append("import torch.nn.functional as F")
    names = "Tensor, nn"
    lines += [f"from torch import {names}", *import_lines(externs)]
    return "\n".join(lines)
