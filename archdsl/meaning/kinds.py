"""The kinds of declarations and what each may hold. A new kind is one entry here."""

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.syntax import nodes

_BODY = (nodes.Let, nodes.Assign, nodes.Return, nodes.Require, nodes.Expose, nodes.For, nodes.If)
_FIELDS = (nodes.Let, nodes.Assign, nodes.For, nodes.If, nodes.Require)


@dataclass(frozen=True, slots=True)
class Kind:
    """`tensors` says whether a second list belongs to it, `statements` what its body may hold; a body of fields assigns
    fields where another one rebinds names. `module` is true of what becomes a module of its own, `choices` of what may
    choose."""

    name: str
    doc: str
    tensors: bool
    statements: tuple[type[nodes.Node], ...]
    module: bool = False
    fields: bool = False
    choices: bool = True
    entry: bool = False


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "function",
            "Any value, from settings and tensors; owns no module or parameter and runs at once.",
            False,
            _BODY,
        ),
        Kind("mixer", "One tensor of its first tensor's shape, which is checked.", True, _BODY, module=True),
        Kind("block", "Anything.", True, _BODY, module=True),
        Kind("stage", "A feature map, first of its results: `features` of the built model.", True, _BODY, module=True),
        Kind(
            "model",
            "The prediction; every axis but the batch follows from the settings.",
            True,
            _BODY,
            module=True,
            entry=True,
        ),
        Kind("space", "A model; may choose, and runs once for each candidate.", False, _BODY, entry=True),
        Kind("quant", "Number formats beside a model, never changes of it.", False, (*_FIELDS, nodes.At), fields=True),
        Kind("train", "A recipe for training.", False, _FIELDS, fields=True),
        Kind("search", "A search over a space.", False, (*_FIELDS, nodes.Objective), fields=True, choices=False),
    )
}
