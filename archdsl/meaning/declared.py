"""Declarations as the rest of the program sees them: what a file declares, and a declaration ready to be applied."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from archdsl.meaning.kinds import Kind
from archdsl.meaning.values import Value
from archdsl.source import Source, Span
from archdsl.syntax import nodes


@dataclass(slots=True, eq=False)
class Unit:
    """One file of a program. `imports` says which unit each imported name comes from and what it is called there;
    `values` keeps the top-level names that were evaluated. A packaged unit was checked when it was released and is not
    checked again."""

    module: str
    tree: nodes.File
    packaged: bool = False
    declarations: dict[str, "Declared"] = field(default_factory=dict[str, "Declared"])
    lets: dict[str, nodes.Let] = field(default_factory=dict[str, nodes.Let])
    imports: dict[str, tuple["Unit | None", str]] = field(default_factory=dict[str, tuple["Unit | None", str]])
    broken: set[str] = field(default_factory=set[str])
    values: dict[str, Value] = field(default_factory=dict[str, Value])

    @property
    def source(self) -> Source:
        return self.tree.source

    def knows(self, name: str) -> bool:
        return name in self.declarations or name in self.lets or name in self.imports or name in self.broken

    def names(self) -> list[str]:
        """Everything that the file's text can call by name at its top level."""
        return [*self.declarations, *self.lets, *self.imports]

    def exports(self, name: str) -> bool:
        """Whether another file may import the name: what is declared here, or imported here."""
        return self.knows(name)


@dataclass(slots=True, eq=False)
class Declared:
    """A declaration or an `extern`, with its signature at hand. It is one object for one declaration, so it compares by
    identity."""

    unit: Unit
    node: nodes.Declaration | nodes.Extern
    kind: Kind
    settings: Mapping[str, nodes.Setting] = field(init=False)
    tensors: tuple[nodes.TensorParameter, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.settings = {setting.name.text: setting for setting in self.node.settings or ()}
        self.tensors = (
            self.node.tensors
            if self.node.tensors is not None
            else (_any_tensor(self.node.span),)
            if self.kind.tensors
            else ()
        )

    @property
    def name(self) -> str:
        return self.node.name.text

    @property
    def body(self) -> nodes.Body | None:
        return self.node.body if isinstance(self.node, nodes.Declaration) else None


def _any_tensor(span: Span) -> nodes.TensorParameter:
    """The second list that was left out: one tensor `x` of any shape."""
    return nodes.TensorParameter(span, nodes.Identifier(span, "x"), None, None)
