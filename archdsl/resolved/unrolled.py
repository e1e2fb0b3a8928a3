"""Modules of a graph written out: where a component chooses inside, what it has become for one candidate is a
component of its own, with its calls one by one and numbers in place of settings."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from archdsl.diagnostics.record import UsageError
from archdsl.meaning.declared import Declared, Unit
from archdsl.meaning.values import Component, Configured, Value
from archdsl.resolved.expressions import RESERVED, expression, label_text
from archdsl.resolved.op_text import Text, as_operator, name_of, settings_text
from archdsl.resolved.page import Page, documented, of_the_language
from archdsl.resolved.reading import named_by_author
from archdsl_compiler.graph import Call, Module, ModuleCall, OpCall, Scalar, Structure, leaves
from archdsl_compiler.sizes import BATCH, Symbolic
from archdsl_compiler.types import TensorType

MOST_STEPS = 5
MOST_CHARACTERS = 160
"""Of one expression; what is longer gets a name."""
LISTS = ("split",)
"""Ops that give a list also where it has one element."""


@dataclass(slots=True)
class Unrolling:
    """Writes modules, equal ones once. `components` says of a module what it was made from, `chooses` which components
    cannot be written by name; `units` are the files by what they are called."""

    page: Page
    components: dict[int, Component]
    chooses: Callable[[Component], bool]
    units: dict[str, Unit]
    avoided: frozenset[str] = frozenset()
    marks: dict[int, str] = field(default_factory=dict[int, str])
    written: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    told: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        """No value is called like anything at the top of a file."""
        names = (name for unit in self.units.values() for name in unit.names())
        self.avoided = frozenset((self.page.entry, *names))

    def author_names(self, call: Call) -> tuple[str, ...]:
        """What the author called the results of a call; nothing where they had no name."""
        unit = self.units.get(call.place.file)
        return named_by_author(unit).get((call.place.start, call.place.end), ()) if unit is not None else ()

    def component(self, module: Module) -> str:
        """The component that makes the module, without settings still to give."""
        made = self.components[id(module)]
        if not self.chooses(made):
            return ""
        mark = self.marks.get(id(module))
        if mark is None:
            mark = self.marks[id(module)] = self._declared(module)
        return f"{mark}()"

    def _declared(self, module: Module) -> str:
        body = _Body(self, module)
        text = body.text()
        kind = "block" if module.kind in ("function", "model") else module.kind
        mark = self.written.get((f"{kind} {module.name}", text))
        if mark is None:
            item = self.page.new(module.name)
            mark = self.written[f"{kind} {module.name}", text] = item.mark
            doc = "" if module.doc in self.told else module.doc
            self.told.add(doc)
            item.text = documented(doc, f"{kind} {mark}{text}")
            item.hides = frozenset(body.names)
        return mark

    def entry(self, module: Module, name: str, doc: str) -> None:
        """The model itself. Settings that only describe it, such as the preprocessing, stay."""
        body = _Body(self, module)
        declared = cast(Declared, self.components[id(module)].callee)
        kept = [(key, value) for key, value in module.settings if isinstance(value, Configured)]
        types = {key: declared.settings[key].type for key, _ in kept}
        settings = ", ".join(
            f"{key}{f': {type_.span.text}' if (type_ := types[key]) else ''} = {expression(value, str, str)}"
            for key, value in kept
        )
        text = body.text(settings)
        item = self.page.new(name, "entry")
        item.text = documented(doc, f"model {item.mark}{text}")
        item.hides = frozenset(body.names)


class _Body:
    """One module as text."""

    def __init__(self, unrolling: Unrolling, module: Module) -> None:
        self.unrolling = unrolling
        self.module = module
        self.names: set[str] = set()
        self.lines: list[str] = []
        self.values: dict[int, Text] = {}
        self.axes: dict[Symbolic, str] = {}
        self.placed: dict[str, str] = {}
        self.waiting: list[int] = []
        self.wanted: dict[int, str] = {}
        self.holders: dict[str, int] = {}
        self.uses = Counter(v for call in module.calls for v in leaves(call.inputs))
        self.uses.update(leaves(module.outputs))
        self.uses.update(module.exposed.values())
        self.left = Counter(self.uses)
        self.repeated = _repeated(module)

    def text(self, settings: str = "") -> str:
        signature = ", ".join(self._inputs())
        for call in self.module.calls:
            self._call(call)
        for name, value in self.module.exposed.items():
            self._flush()
            self.lines.append(f"expose {name} = {self._operand(value).text}")
        outputs = self.module.outputs
        self._settle(outputs)
        parts = outputs if isinstance(outputs, tuple) and len(outputs) > 1 else (outputs,)
        self.lines.append(f"return {', '.join(self._structure(part).text for part in parts)}")
        return f"({settings})({signature}) {{\n" + "\n".join(self.lines) + "\n}"

    # ---- names

    def _new(self, wanted: str) -> str:
        def is_free(name: str) -> bool:
            return not (
                name in self.names or name in RESERVED or name in self.unrolling.avoided or of_the_language(name)
            )

        candidates = (wanted if number == 1 else f"{wanted}_{number}" for number in count(1))
        name = next(candidate for candidate in candidates if is_free(candidate))
        self.names.add(name)
        return name

    def _wanted(self, call: Call) -> str:
        """What a value is called: as its author did, else after the label or the name of what made it."""
        own = self.unrolling.author_names(call)
        if len(own) == 1 and own[0] != "_":
            return own[0]
        named = call.label.split(".")
        parts = [part for part in named if part and not part.isdecimal() and part != "_"]
        own = call.module.name if isinstance(call, ModuleCall) else call.op.name
        name = parts[-1] if parts else "value" if isinstance(call, OpCall) and not call.parameters else own
        return name if name.isascii() and name.isidentifier() else own

    def _inputs(self) -> Iterator[str]:
        numbers = count()
        for name, structure in self.module.inputs:
            if structure == -1:
                continue
            own = self._input_name(name)
            if isinstance(structure, tuple):
                self._bind(structure, own)
                for _ in leaves(structure):
                    self._name_axes(self.module.input_types[next(numbers)], named=False)
                yield f"{own}: list"
                continue
            assert isinstance(structure, int)
            self._hold(own, structure)
            type_ = self.module.input_types[next(numbers)]
            dtype = "" if type_.dtype == "real" else type_.dtype
            yield f"{own}: {dtype}[{', '.join(self._name_axes(type_))}]"

    def _input_name(self, name: str) -> str:
        """Inputs of a model are given by their names, so these stay."""
        if self.module.kind != "model":
            return self._new(name)
        self.names.add(name)
        return name

    def _name_axes(self, type_: TensorType, named: bool = True) -> list[str]:
        """Sizes as they are, but names for those that follow from the batch."""
        texts: list[str] = []
        for size in type_.shape:
            if isinstance(size, int):
                texts.append(str(size))
            elif named:
                if size not in self.axes:
                    self.axes[size] = self._new("b" if not self.axes else "n")
                texts.append(self.axes[size])
        return texts

    def _size(self, size: Symbolic) -> str:
        """A size that follows from the batch, by the axes that have names."""
        if size in self.axes:
            return self.axes[size]
        for known, name in self.axes.items():
            if known == BATCH:
                return _by_axis(size, name)
        for known, name in self.axes.items():
            if len(known.terms) == 1 and known.terms[0][0] == BATCH.terms[0][0]:
                return _by_axis(size, f"({name} // {known.terms[0][1]})")
        raise UsageError(f"`{self.module.name}` cannot be written out: none of its axes says what the size {size} is")

    # ---- values

    def _operand(self, value: int) -> Text:
        self.left[value] -= 1
        return self.values[value]

    def _structure(self, structure: Structure) -> Text:
        match structure:
            case Scalar():
                number = cast(Value, structure.value)
                text = expression(number, str, self._size)
                return Text(text, atom=isinstance(number, int | float) and number >= 0)
            case tuple():
                return Text(f"[{', '.join(self._structure(part).text for part in structure)}]", atom=True)
            case _:
                return Text("none", atom=True) if structure < 0 else self._operand(structure)

    def _settle(self, structure: Structure) -> None:
        """Name the values that wait, unless what comes next takes the last of them in their order."""
        taken = [value for value in leaves(structure) if value in self.waiting]
        if self.waiting[len(self.waiting) - len(taken) :] != taken:
            self._flush()
        else:
            del self.waiting[len(self.waiting) - len(taken) :]

    def _flush(self) -> None:
        waiting, self.waiting = self.waiting, []
        for value in waiting:
            self._let(self.wanted[value], value, self.values[value].text)

    # ---- calls

    def _call(self, call: Call) -> None:
        self._settle(call.inputs)
        text = self._applied(call)
        structure = _given(call)
        if not isinstance(structure, int):
            self._flush()
            self._unpack(structure, text.text, self._wanted(call), self.unrolling.author_names(call))
            return
        last = call is self.module.calls[-1] and not self.module.exposed
        short = last or (text.steps < MOST_STEPS and len(text.text) < MOST_CHARACTERS)
        if self.uses[structure] == 1 and structure not in self.module.exposed.values() and short:
            self.values[structure] = text
            self.wanted[structure] = self._wanted(call)
            self.waiting.append(structure)
            return
        self._flush()
        if not self.uses[structure]:
            self.lines.append(f"let _ = {text.text}")
            return
        wanted = self._wanted(call)
        before = self.values.get(text.head)
        if not self.unrolling.author_names(call) and before is not None:
            wanted = before.text if self._is_free_again(before.text) else wanted
        if self._is_free_again(wanted):
            self.lines.append(f"{wanted} = {text.text}")
            self._hold(wanted, structure)
        else:
            self._let(wanted, structure, text.text)

    def _is_free_again(self, name: str) -> bool:
        """Whether a name stands for a value that is not needed any more."""
        return name in self.holders and not self.left[self.holders[name]]

    def _hold(self, name: str, value: int) -> None:
        self.holders[name] = value
        self.values[value] = Text(name, atom=True)

    def _let(self, wanted: str, value: int, text: str) -> None:
        name = self._new(wanted)
        self.lines.append(f"let {name} = {text}")
        self._hold(name, value)

    def _unpack(self, structure: Structure, text: str, wanted: str, wishes: tuple[str, ...]) -> None:
        """Bind the parts of a result to names of their own."""
        assert isinstance(structure, tuple)
        if len(structure) < 2 or any(isinstance(part, tuple) for part in structure):
            name = self._new(wanted)
            self.lines.append(f"let {name} = {text}")
            self._bind(structure, name)
            return
        names: list[str] = []
        for position, part in enumerate(structure):
            used = isinstance(part, int) and part >= 0 and self.uses[part]
            wish = wishes[position] if len(wishes) == len(structure) and wishes[position] != "_" else wanted
            names.append(self._new(wish) if used else "_")
            if isinstance(part, int) and part >= 0:
                self._hold(names[-1], part)
        self.lines.append(f"let {', '.join(names)} = {text}")

    def _bind(self, structure: Structure, text: str) -> None:
        """The values in a list that has a name are its elements."""
        if isinstance(structure, tuple):
            for position, part in enumerate(structure):
                self._bind(part, f"{text}[{position}]")
        elif isinstance(structure, int) and structure >= 0:
            self.values[structure] = Text(text, atom=True)

    def _applied(self, call: Call) -> Text:
        if isinstance(call, OpCall):
            bare = [self._structure(part) for part in call.inputs] if _is_bare(call) else []
            written = as_operator(call, bare, self._size) if bare else ""
            if written:
                return Text(written, atom=call.op.name in ("index", "transpose"))
            tensors = bare or self._tensors(call)
            name, settings = name_of(call), settings_text(call, self.unrolling.page.declared, self._size)
            self.unrolling.page.ops.add(name)
        else:
            tensors = self._tensors(call)
            name, settings = self._component(call)
        name, settings = self._dressed(call, name, settings)
        label = f" as {label_text(call.label)}" if call.label and call.label not in self.placed else ""
        first = call.inputs[0] if call.inputs else None
        if isinstance(first, int) and first >= 0:
            rest = ", ".join([*(tensor.text for tensor in tensors[1:]), *settings])
            step = f"{name}({rest})" if rest else name
            before = tensors[0]
            head, steps = (before.head, before.steps) if before.steps else (first, 0)
            left = before.text if before.atom or before.steps else before.inside
            return Text(f"{left} |> {step}{label}", head=head, steps=steps + 1)
        inside = ", ".join([*(tensor.text for tensor in tensors), *settings])
        return Text(f"{name}({inside}){label}", atom=not label)

    def _tensors(self, call: Call) -> list[Text]:
        """The tensors of a call. Those left out are not written at the end, and nowhere for a module that is written
        out here, since it does not have them."""
        given = list(call.inputs)
        while given and given[-1] == -1:
            given.pop()
        if isinstance(call, ModuleCall) and self.unrolling.component(call.module):
            given = [part for part in given if part != -1]
        return [self._structure(part) for part in given]

    def _component(self, call: ModuleCall) -> tuple[str, list[str]]:
        unrolling = self.unrolling
        written = unrolling.component(call.module)
        if written:
            return written.removesuffix("()"), []
        made = unrolling.components[id(call.module)]
        names = unrolling.page.declared
        settings = [f"{key}={expression(value, names, self._size)}" for key, value in made.settings]
        return names(cast(Declared, made.callee)), settings

    def _dressed(self, call: Call, name: str, settings: list[str]) -> tuple[str, list[str]]:
        """What is applied, with its place where several calls share it, and its wrappers."""
        if call.label in self.repeated:
            if call.label not in self.placed:
                own = self._new(self._wanted(call))
                self.lines.append(f"let {own} = {name}({', '.join(settings)}) as {label_text(call.label)}")
                self.placed[call.label] = own
            name, settings = self.placed[call.label], []
        if call.wrappers:
            name = f"{name}({', '.join(settings)})" if settings else name
            for wrapper in reversed(call.wrappers):
                name = f"{wrapper}({name})"
            settings = []
        return name, settings


def _by_axis(size: Symbolic, name: str) -> str:
    """A size that follows from the batch, with a name for the batch."""
    return re.sub(r"\bbatch\b", name, str(size))


def _repeated(module: Module) -> frozenset[str]:
    """The labels of what is placed once and applied several times."""
    counts = Counter(call.label for call in module.calls if call.label not in ("", "_"))
    return frozenset(label for label, number in counts.items() if number > 1)


def _is_bare(call: OpCall) -> bool:
    """Whether an op is written by a sign where it can be."""
    return (
        not call.wrappers
        and not call.label
        and -1 not in call.inputs
        and all(not isinstance(part, tuple) for part in call.inputs)
    )


def _given(call: Call) -> Structure:
    """What a call gives, by values of the module that it stands in."""
    if isinstance(call, OpCall):
        numbers = tuple(range(call.first_output, call.first_output + len(call.outputs)))
        return numbers[0] if len(numbers) == 1 and call.op.name not in LISTS else numbers
    numbers = count(call.first_output)

    def own(structure: Structure) -> Structure:
        if isinstance(structure, tuple):
            return tuple(own(part) for part in structure)
        return structure if isinstance(structure, Scalar) or structure < 0 else next(numbers)

    return own(call.module.outputs)
