"""The tree of an `.arch` file: frozen nodes with spans. Spans do not take part in equality, so two texts that mean
the same tree compare equal."""

from dataclasses import dataclass, field

from archdsl.source import Source, Span


@dataclass(frozen=True, slots=True)
class Node:
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Identifier(Node):
    """A name where it is given, not where it is used."""

    text: str


# ---- expressions


@dataclass(frozen=True, slots=True)
class Name(Node):
    text: str


@dataclass(frozen=True, slots=True)
class Integer(Node):
    value: int


@dataclass(frozen=True, slots=True)
class Real(Node):
    """`text` keeps the spelling: `1e-5` is not printed back as `0.00001`."""

    value: float
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Quantity(Node):
    """`10ms`, `12M`, `4MiB`: the number as written, and its unit."""

    number: int | float
    unit: str
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class String(Node):
    value: str


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Nothing(Node):
    """`none`."""


@dataclass(frozen=True, slots=True)
class Select(Node):
    """`if condition then chosen else otherwise`."""

    condition: "Expression"
    chosen: "Expression"
    otherwise: "Expression"


@dataclass(frozen=True, slots=True)
class Pipe(Node):
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Logical(Node):
    """`and`, `or`: the right side is looked at only when it matters."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Negation(Node):
    """`not operand`."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """`a < b <= c`: one operator fewer than operands."""

    operands: tuple["Expression", ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`+ - * / // % @ **`."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Signed(Node):
    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Range(Node):
    """`start..stop` with both ends, `start..<stop` without the last, `by step`."""

    start: "Expression"
    stop: "Expression"
    inclusive: bool
    step: "Expression | None"


@dataclass(frozen=True, slots=True)
class Label(Node):
    """Where a thing sits. Unquoted: the steps between dots and brackets (`blocks[i].norm` is `"blocks"`, the expression
    `i`, `"norm"`). Quoted: pieces of text and the expressions of its holes, to be joined as they are."""

    steps: "tuple[str | Expression, ...]"
    quoted: bool


@dataclass(frozen=True, slots=True)
class Labelled(Node):
    operand: "Expression"
    label: Label


@dataclass(frozen=True, slots=True)
class Argument(Node):
    name: Identifier | None
    value: "Expression"


@dataclass(frozen=True, slots=True)
class Clause(Node):
    """`for a, b in iterable if condition` of a comprehension."""

    targets: tuple[Identifier, ...]
    iterable: "Expression"
    condition: "Expression | None"


@dataclass(frozen=True, slots=True)
class Listing(Node):
    """`[element for ...]`, or the bare form as a call's only argument (`bare`)."""

    element: "Expression"
    clauses: tuple[Clause, ...]
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Call(Node):
    callee: "Expression"
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """`start:stop` inside an index."""

    start: "Expression | None"
    stop: "Expression | None"


@dataclass(frozen=True, slots=True)
class Rest(Node):
    """`...` in an index or a shape; in a shape it may bind a name, `size...`."""

    name: Identifier | None = None


@dataclass(frozen=True, slots=True)
class Index(Node):
    operand: "Expression"
    subscripts: "tuple[Expression | Slice | Rest, ...]"


@dataclass(frozen=True, slots=True)
class Member(Node):
    operand: "Expression"
    name: Identifier


@dataclass(frozen=True, slots=True)
class Tuple(Node):
    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class List(Node):
    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Option(Node):
    """One option of a `choose`, open only `when` its condition holds."""

    value: "Expression"
    condition: "Expression | None"


@dataclass(frozen=True, slots=True)
class Choose(Node):
    options: tuple[Option, ...]


Expression = (
    Name
    | Integer
    | Real
    | Quantity
    | String
    | Boolean
    | Nothing
    | Select
    | Pipe
    | Logical
    | Negation
    | Comparison
    | Binary
    | Signed
    | Range
    | Labelled
    | Listing
    | Call
    | Index
    | Member
    | Tuple
    | List
    | Choose
)


# ---- signatures


@dataclass(frozen=True, slots=True)
class Type(Node):
    """`int`, `list[int]`, `mixer?`."""

    name: str
    arguments: tuple["Type", ...]
    optional: bool


@dataclass(frozen=True, slots=True)
class Setting(Node):
    """`name: type in domain = default`."""

    name: Identifier
    type: Type | None
    domain: Expression | None
    default: Expression | None
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Shape(Node):
    axes: tuple[Expression | Rest, ...]


@dataclass(frozen=True, slots=True)
class Form(Node):
    """What a tensor must look like: a shape with a dtype before it, or a bare word such as `list`; `?` makes it
    optional."""

    word: Identifier | None
    shape: Shape | None
    optional: bool


@dataclass(frozen=True, slots=True)
class TensorParameter(Node):
    name: Identifier
    form: Form | None
    default: Expression | None


# ---- statements


@dataclass(frozen=True, slots=True)
class Body(Node):
    items: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Let(Node):
    targets: tuple[Identifier, ...]
    value: Expression
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """`name = value`: rebinds in a component, sets a field in `quant`, `train` and `search`."""

    name: Identifier
    value: Expression
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Return(Node):
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Require(Node):
    condition: Expression
    reason: str | None


@dataclass(frozen=True, slots=True)
class Expose(Node):
    name: Identifier
    value: Expression


@dataclass(frozen=True, slots=True)
class For(Node):
    targets: tuple[Identifier, ...]
    iterable: Expression
    body: Body


@dataclass(frozen=True, slots=True)
class If(Node):
    condition: Expression
    then: Body
    otherwise: "Body | If | None"


@dataclass(frozen=True, slots=True)
class At(Node):
    targets: tuple[Expression, ...]
    body: Body


@dataclass(frozen=True, slots=True)
class Objective(Node):
    """`maximize name = metric`; `direction` is the keyword."""

    direction: str
    name: Identifier
    metric: Expression | None


Statement = Let | Assign | Return | Require | Expose | For | If | At | Objective


# ---- the file


@dataclass(frozen=True, slots=True)
class Imported(Node):
    name: Identifier
    alias: Identifier | None


@dataclass(frozen=True, slots=True)
class Import(Node):
    """`from a.b import c as d`; `relative` where the path begins with a dot."""

    path: tuple[Identifier, ...]
    relative: bool
    names: tuple[Imported, ...]


@dataclass(frozen=True, slots=True)
class Extern(Node):
    """A declaration whose body is Python's: `target` is "package.module:Name"."""

    kind: Identifier
    name: Identifier
    settings: tuple[Setting, ...] | None
    tensors: tuple[TensorParameter, ...] | None
    result: tuple[Shape, ...] | None
    target: String
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Declaration(Node):
    """`kind name(settings)(tensors) -> shapes { ... }`; a list that was not written is None."""

    kind: Identifier
    name: Identifier
    settings: tuple[Setting, ...] | None
    tensors: tuple[TensorParameter, ...] | None
    result: tuple[Shape, ...] | None
    body: Body
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Broken(Node):
    """A top-level item with a syntax error. The names that it would have declared stay known, so that the rest of the
    file is checked without complaints that only follow from the first."""

    names: tuple[Identifier, ...]


Item = Import | Extern | Let | Declaration | Broken


@dataclass(frozen=True, slots=True)
class Comment(Node):
    """`text` with its `#`; `own_line` when nothing stands before it on its line."""

    text: str
    own_line: bool


@dataclass(frozen=True, slots=True)
class File(Node):
    items: tuple[Item, ...]
    comments: tuple[Comment, ...] = field(compare=False)

    @property
    def source(self) -> Source:
        return self.span.source
