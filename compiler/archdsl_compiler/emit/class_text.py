"""A class as text: its constructor, its constants and its `forward`."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archdsl_compiler.emit.body import Method, lines_and_names, lines_of
from archdsl_compiler.emit.code import (
    Apply,
    Expression,
    Infix,
    Maker,
    Number,
    Part,
    Prefix,
    Raw,
    Row,
    Use,
    literal,
    render,
    replace,
    values_in,
    walk,
)
from archdsl_compiler.emit.inlining import leading_to, reads_of
from archdsl_compiler.emit.layout import signature, statement
from archdsl_compiler.emit.lifted import Code, Cycle, Holding, Line
from archdsl_compiler.emit.lifting import annotation
from archdsl_compiler.emit.parts import lengths_of
from archdsl_compiler.emit.steps import written
from archdsl_compiler.emit.words import docstring, first_sentence, part_of, plain_part, reached, variable
from archdsl_compiler.graph import Module, OpCall, Scalar, Structure, leaves

INDENT = 8
MOST_RESULTS = 4
"""Of a type that is written out."""


@dataclass(slots=True)
class ClassText:
    """Writes one class. `makers` gives names to makers of layers."""

    name: str
    code: Code
    makers: Mapping[Maker, str]
    attributes: dict[Expression, str] = field(default_factory=dict[Expression, str])
    buffers: dict[int, str] = field(default_factory=dict[int, str])
    extra: list[str] = field(default_factory=list[str])
    ending: list[str] = field(default_factory=list[str])
    bare: dict[str, str] | None = None

    @property
    def module(self) -> Module:
        return self.code.lifting.template.drafts[0].module

    @property
    def single(self) -> bool:
        return self.code.lifting.modules == 1

    @property
    def listed(self) -> Apply | None:
        """The list that the class is itself, where its parts are numbers."""
        made = next((holding.constructor for holding in self.code.holdings if not holding.name), None)
        return made if isinstance(made, Apply) else None

    @property
    def base(self) -> str:
        if any(holding.name == "training" for holding in self.code.holdings):
            return "Switched"
        return "nn.Module" if self.listed is None else render(self.listed.function, self.leaf)

    def lines(self, forward: Sequence[str] | None = None, whole: bool = False) -> list[str]:
        """The whole class, with a `forward` of its own or another one; `whole` keeps the doc comment to its end."""
        own = self.forward()
        forward = [] if self.base == "nn.Sequential" else own if forward is None else forward
        inside = self._init()
        text = [
            f"class {self.name}({self.base}):",
            *docstring(self.module.doc if whole else first_sentence(self.module.doc), 4),
        ]
        body = [*inside, *([""] if inside and forward else []), *forward]
        if len(text) > 1:
            text.append("")
        return [*text, *body]

    # ---- forward

    def forward(self) -> list[str]:
        _, unpacking = self.inputs()
        return [*self.forward_head(), *unpacking, *lines_of(self._method(self._leading(), self.returned(), None))]

    def _leading(self) -> Sequence[Line | Cycle]:
        """What leads to the result, without that which only features need: these have a method of their own."""
        if "features" not in self.module.exposed:
            return self.code.items
        others = (value for name, value in self.module.exposed.items() if name != "features")
        return leading_to({*leaves(self.module.outputs), *others}, self.code.items)

    def forward_head(self) -> list[str]:
        """The `def` of `forward`, with the shape of what comes in where there is only one."""
        inputs, _ = self.inputs()
        head = signature(4, "forward", ["self", *inputs], self.result_type(self.module.outputs))
        if self.single and len(head) == 1 and len(self.module.input_types) == 1:
            note = f"  # [{', '.join(map(str, self.module.input_types[0].shape))}]"
            head[0] += note if len(head[0]) + len(note) <= 88 else ""
        return head

    def body(
        self, items: Sequence[Line | Cycle], returns: Expression, inputs: Mapping[int, str] | None = None
    ) -> list[str]:
        """The lines of a method beside `forward` that runs these items; it exposes nothing, since it may not reach
        what is exposed."""
        return lines_of(dataclasses.replace(self._method(items, returns, inputs), exposed={}))

    def returned(self) -> Expression:
        return written(self.module.outputs, "()")

    def _method(self, items: Sequence[Line | Cycle], returns: Expression, inputs: Mapping[int, str] | None) -> Method:
        self._name_constants()
        items = [self._running(item) for item in items]
        template = self.code.lifting.template
        names = {value: variable(name) for value, name in self.module.names}
        exposed = {
            name if plain_part(name) else f"{name}_": value
            for name, value in self.module.exposed.items()
            if name != "features"
        }
        return Method(
            self._input_names() if inputs is None else inputs,
            items,
            returns,
            names,
            self._part,
            lengths_of(template.drafts[0].members),
            exposed,
            self.single and self.module.kind == "model",
        )

    def _input_names(self) -> dict[int, str]:
        names: dict[int, str] = {}
        for own, structure in self.module.inputs:
            name = variable(own)
            if isinstance(structure, int):
                if structure >= 0:
                    names[structure] = name
            else:
                for number, value in enumerate(leaves(structure)):
                    names[value] = f"{name}_{number}"
        return names

    def inputs(self) -> tuple[list[str], list[str]]:
        """The parameters of `forward`, and the lines that take lists apart."""
        arguments: list[str] = []
        unpacking: list[str] = []
        given = [(variable(name), structure) for name, structure in self.module.inputs]
        while given and given[-1][1] == -1:
            given.pop()
        for name, structure in given:
            if structure == -1:
                arguments.append(f"{name}: None")
            elif isinstance(structure, tuple):
                arguments.append(f"{name}: list[Tensor]")
                inner = ", ".join(f"{name}_{number}" for number, _ in enumerate(leaves(structure)))
                unpacking.append(f"{' ' * INDENT}{inner}{',' if ', ' not in inner else ''} = {name}")
            else:
                arguments.append(f"{name}: {'float' if isinstance(structure, Scalar) else 'Tensor'}")
        return arguments, unpacking

    def result_type(self, outputs: Structure) -> str:
        if isinstance(outputs, tuple):
            if len(outputs) > MOST_RESULTS and all(isinstance(inner, int) for inner in outputs):
                return "tuple[Tensor, ...]"
            return f"tuple[{', '.join(self.result_type(inner) for inner in outputs)}]"
        return "float" if isinstance(outputs, Scalar) else "Tensor"

    def _running(self, item: Line | Cycle) -> Line | Cycle:
        if isinstance(item, Cycle):
            body = tuple(Line(line.targets, self._at_run(line.code), None, line.types) for line in item.body)
            return Cycle(body, item.count, item.carried, item.exits)
        guard = None if item.guard is None else self._at_run(item.guard)
        return Line(item.targets, self._at_run(item.code), guard, item.types)

    def _at_run(self, code: Expression) -> Expression:
        """Code of `forward`: arguments are read from attributes, and constants from buffers."""

        def change(part: Expression) -> Expression | None:
            if isinstance(part, Use) and part.value in self.buffers:
                return Raw(f"self.{self.buffers[part.value]}")
            if self._of_arguments(part):
                return Raw(f"self.{self._attribute(part)}")
            return None

        return replace(code, change)

    def _of_arguments(self, code: Expression) -> bool:
        match code:
            case Raw():
                return code.text in self.code.lifting.arguments
            case Infix():
                pieces = (code.left, code.right)
            case Prefix():
                pieces = (code.of,)
            case _:
                return False
        return any(map(self._of_arguments, pieces)) and all(
            isinstance(piece, Number) or self._of_arguments(piece) for piece in pieces
        )

    def _attribute(self, code: Expression) -> str:
        if code in self.attributes:
            return self.attributes[code]
        root = isinstance(code, Infix) and code.sign == "**"
        name = code.text if isinstance(code, Raw) else "scale" if root else "size"
        self.attributes[code] = self._unused(name)
        return self.attributes[code]

    def _unused(self, name: str) -> str:
        taken = {holding.name for holding in self.code.holdings} | set(self.attributes.values())
        taken |= set(self.buffers.values())
        base, number = name, 2
        while name in taken or not plain_part(name):
            name, number = f"{base}_{number}", number + 1
        return name

    def _part(self, part: Part) -> str:
        """How a part is reached."""
        first, *rest = part.label.split(".")
        sort = self._sorts().get(part.label, "layer")
        if not first:
            return "self"
        if first.isdigit() and self.listed is not None:
            return reached(f"self[{first}]", rest, sort)
        return reached(part_of("self", first, "layer" if rest else sort), rest, sort)

    def _sorts(self) -> dict[str, str]:
        """The labels of parameters and buffers that stand by themselves."""
        if self.bare is None:
            calls = [call for each in self.code.lifting.template.drafts for call in each.module.calls]
            self.bare = {
                parameter.name if call.label == "_" else call.label: "parameter" if parameter.trainable else "buffer"
                for call in calls
                if isinstance(call, OpCall) and (call.label == "_" or call.op.name in ("param", "buffer"))
                for parameter in call.parameters
            }
        return self.bare

    def part_text(self, label: str) -> str:
        return self._part(Part(label))

    # ---- constructor

    def _name_constants(self) -> None:
        """Constants that `forward` reads become buffers."""
        if self.buffers:
            return
        read = {value for item in self.code.items for value in reads_of(item)} | set(leaves(self.module.outputs))
        names = dict(self.module.names)
        for line in self.code.constants:
            for value in leaves(line.targets):
                if value in read:
                    dtype = line.types[0].dtype if len(line.types) == 1 else "real"
                    usual = {"int64": "index", "bool": "mask"}.get(dtype, "table")
                    self.buffers[value] = self._unused(names.get(value, usual))

    def _init(self) -> list[str]:
        pad = " " * INDENT
        body: list[str] = []
        started = [f"{pad}super().__init__()"]
        if self.listed is not None:
            started = statement(INDENT, "", Apply(Raw("super().__init__"), self.listed.arguments), self.leaf)
        body += [f"{pad}{line}" for line in self.extra]
        for code, name in self.attributes.items():
            body += statement(INDENT, f"self.{name} = ", code, self.leaf)
        for holding in self.code.holdings:
            if holding.name and not values_in(holding.constructor):
                body += self._holding(holding)
        if self.code.constants:
            saved = (value for holding in self.code.holdings for value in values_in(holding.constructor))
            body += self._constants((*self.buffers, *saved))
        body += [f"{pad}{line}" for line in self.ending]
        if not body and self.listed is None:
            return []
        return [*signature(4, "__init__", ["self", *self._parameters()], "None"), *started, *body]

    def _parameters(self) -> list[str]:
        defaults = self.defaults()
        return [
            f"{name}: {annotation(values)}" + (f" = {literal(defaults[name])}" if name in defaults else "")
            for name, values in self.ordered_arguments()
        ]

    def defaults(self) -> dict[str, object]:
        """The value that most modules have, of arguments that most modules agree in."""
        found: dict[str, object] = {}
        for name, values in self.code.lifting.arguments.items():
            if self.code.lifting.sources[name] == "c" or any(isinstance(value, tuple) for value in values):
                continue
            value, count = Counter((type(value), value) for value in values).most_common(1)[0]
            if count > 1 and 2 * count > len(values):
                found[name] = value[1]
        return found

    def ordered_arguments(self) -> list[tuple[str, tuple[object, ...]]]:
        """The width first, then what the source gives as settings, in its order, then the rest."""
        lifting = self.code.lifting

        def rank(name: str) -> tuple[int, int]:
            source = lifting.sources[name]
            if source == "c":
                return 0, 0
            if source in lifting.settings:
                return 1, lifting.settings.index(source)
            return 2, 0

        defaults = self.defaults()
        ordered = sorted(lifting.arguments, key=lambda name: (name in defaults, *rank(name)))
        return [(name, lifting.arguments[name]) for name in ordered]

    def _holding(
        self,
        holding: Holding,
        deeper: int = 0,
        guard: Expression | None = None,
        variables: Mapping[int, str] | None = None,
    ) -> list[str]:
        """The lines that make a part, below a condition `guard` that was written before."""

        def leaf(part: Expression) -> str:
            if variables is None or not isinstance(part, Use):
                return self.leaf(part)
            # What a checkpoint overwrites is no other constant too.
            return variables[part.value] + (".clone()" if part.value in self.buffers else "")

        lines: list[str] = []
        if holding.guard is not None and holding.guard != guard:
            lines.append(f"{' ' * (INDENT + deeper)}if {self._text(holding.guard)}:")
            deeper += 4
        if holding.sort == "buffer" and plain_part(holding.name):
            call = Apply(Raw("self.register_buffer"), (Raw(f'"{holding.name}"'), holding.constructor))
            return [*lines, *statement(INDENT + deeper, "", call, leaf)]
        place = part_of("self", holding.name, holding.sort)
        return [*lines, *statement(INDENT + deeper, f"{place} = ", holding.constructor, leaf)]

    def _constants(self, wanted: Sequence[int]) -> list[str]:
        """The lines that compute constants and keep those that are read when the model runs."""
        names = {value: variable(name, constructing=True) for value, name in self.module.names}
        groups: list[tuple[Expression | None, list[Line]]] = []
        for line in self.code.constants:
            if groups and groups[-1][0] == line.guard:
                groups[-1][1].append(line)
            else:
                groups.append((line.guard, [line]))
        text: list[str] = []
        for guard, lines in groups:
            inside = [value for line in lines for value in leaves(line.targets)]
            kept = [value for value in wanted if value in inside]
            later = [
                value
                for other in self.code.constants
                if other not in lines
                for value in reads_of(other)
                if value in inside
            ]
            bare = [Line(line.targets, line.code, None, line.types) for line in lines]
            deeper = 0 if guard is None else 4
            if guard is not None:
                text.append(f"{' ' * INDENT}if {self._text(guard)}:")
            reserved = frozenset(self.code.lifting.arguments)
            returned = Row(tuple(Use(value) for value in dict.fromkeys((*kept, *later))))
            method = Method({}, bare, returned, names, self._part, {}, {}, False, reserved, INDENT + deeper)
            made, variables = lines_and_names(method)
            text += made
            for value in dict.fromkeys(kept):
                if value in self.buffers:
                    call = Apply(
                        Raw("self.register_buffer"),
                        (Raw(f'"{self.buffers[value]}"'), Raw(variables[value])),
                        (("persistent", Raw("False")),),
                    )
                    text += statement(INDENT + deeper, "", call, self.leaf)
            for holding in self.code.holdings:
                if any(isinstance(part, Use) and part.value in inside for part in walk(holding.constructor)):
                    text += self._holding(holding, deeper, guard, variables)
        return text

    def _text(self, code: Expression) -> str:
        return render(code, self.leaf)

    def leaf(self, part: Expression) -> str:
        match part:
            case Number():
                return literal(part.value)
            case Maker():
                return self.makers[part]
            case Use():
                return self.buffers[part.value]
            case _:
                raise TypeError(f"{part} is not lifted")
