"""Makes nodes from the reductions of the grammar: for each rule of `grammars/arch.lark` the function of the same name,
which gets all children, tokens included, and takes the span from the first and the last. No tree of Lark's is built.

A part that may be missing is None where the grammar writes `[...]`; lists are found by the type of their members."""

import re
from typing import Any, Final

from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl.syntax.labels import holes_and_text
from archdsl.syntax.strings import unescape

Children = list[Any]

_QUANTITY: Final = re.compile(r"([0-9.]+)(.+)")


def across(children: Children) -> Span:
    """From the first child to the last one that is there."""
    source, start, end = children[0].span
    last = children[-1]
    if last is not None and len(children) > 1:
        end = last.span.end
    elif last is None:
        end = next(child for child in reversed(children) if child is not None).span.end
    return Span(source, start, end)


def identifier(token: Any) -> nodes.Identifier:
    return nodes.Identifier(token.span, token.text)


def identifiers(children: Children) -> tuple[nodes.Identifier, ...]:
    return tuple(identifier(child) for child in children if child.type == "NAME")


def members(children: Children, kind: Any) -> tuple[Any, ...]:
    return tuple(child for child in children if isinstance(child, kind))


class Group:
    """Children that belong together and are no node: their span, and the tuple that the node will hold."""

    __slots__ = ("members", "span")

    def __init__(self, span: Span, members: tuple[Any, ...]) -> None:
        self.span = span
        self.members = members


def _group(children: Children, kind: Any) -> Group:
    return Group(across(children), members(children, kind))


def _members(group: Group | None) -> tuple[Any, ...] | None:
    return None if group is None else group.members


def _doc(token: Any) -> str:
    return token.doc


class Reductions:
    """The functions that Lark calls, by the name of the rule or of its alternative."""

    # ---- the file

    @staticmethod
    def start(children: Children) -> tuple[nodes.Item, ...]:
        return tuple(children)

    @staticmethod
    def import_(children: Children) -> nodes.Import:
        relative, path = children[1].members
        return nodes.Import(across(children), path, relative, members(children, nodes.Imported))

    @staticmethod
    def imported(children: Children) -> nodes.Imported:
        name, _as, alias = children
        return nodes.Imported(across(children), identifier(name), None if alias is None else identifier(alias))

    @staticmethod
    def path(children: Children) -> Group:
        dot, *steps = children
        return Group(across(children if dot else steps), (dot is not None, identifiers(steps)))

    @staticmethod
    def extern(children: Children) -> nodes.Extern:
        first, kind, name, settings, tensors, result, _equal, target = children
        return nodes.Extern(
            across(children),
            identifier(kind),
            identifier(name),
            _members(settings),
            _members(tensors),
            _members(result),
            Reductions.string([target]),
            _doc(first),
        )

    @staticmethod
    def declaration(children: Children) -> nodes.Declaration:
        kind, name, settings, tensors, result, body = children
        return nodes.Declaration(
            across(children),
            identifier(kind),
            identifier(name),
            _members(settings),
            _members(tensors),
            _members(result),
            body,
            _doc(kind),
        )

    # ---- signatures

    @staticmethod
    def settings(children: Children) -> Group:
        return _group(children, nodes.Setting)

    @staticmethod
    def setting(children: Children) -> nodes.Setting:
        name, _colon, kind, _in, domain, _equal, default = children
        return nodes.Setting(across(children), identifier(name), kind, domain, default, _doc(name))

    @staticmethod
    def type(children: Children) -> nodes.Type:
        optional = getattr(children[-1], "type", "") == "OPTIONAL"
        return nodes.Type(across(children), children[0].text, members(children, nodes.Type), optional)

    @staticmethod
    def tensors(children: Children) -> Group:
        return _group(children, nodes.TensorParameter)

    @staticmethod
    def tensor(children: Children) -> nodes.TensorParameter:
        name, _colon, form, _equal, default = children
        return nodes.TensorParameter(across(children), identifier(name), form, default)

    @staticmethod
    def form(children: Children) -> nodes.Form:
        word = None if isinstance(children[0], nodes.Shape) else identifier(children[0])
        shape = next(child for child in children if isinstance(child, nodes.Shape))
        return nodes.Form(across(children), word, shape, children[-1] is not shape)

    @staticmethod
    def word(children: Children) -> nodes.Form:
        return nodes.Form(across(children), identifier(children[0]), None, len(children) > 1)

    @staticmethod
    def result(children: Children) -> Group:
        return _group(children, nodes.Shape)

    @staticmethod
    def shape(children: Children) -> nodes.Shape:
        return nodes.Shape(across(children), members(children, nodes.Node))

    @staticmethod
    def rest(children: Children) -> nodes.Rest:
        return nodes.Rest(across(children), identifier(children[0]) if len(children) > 1 else None)

    # ---- statements

    @staticmethod
    def body(children: Children) -> nodes.Body:
        return nodes.Body(across(children), tuple(children[1:-1]))

    @staticmethod
    def let(children: Children) -> nodes.Let:
        first, targets, _equal, value = children
        return nodes.Let(across(children), targets.members, value, _doc(first))

    @staticmethod
    def assign(children: Children) -> nodes.Assign:
        name, _equal, value = children
        return nodes.Assign(across(children), identifier(name), value, _doc(name))

    @staticmethod
    def return_(children: Children) -> nodes.Return:
        return nodes.Return(across(children), tuple(children[1::2]))

    @staticmethod
    def require(children: Children) -> nodes.Require:
        _require, condition, _colon, reason = children
        return nodes.Require(across(children), condition, None if reason is None else unescape(reason.text[1:-1]))

    @staticmethod
    def expose(children: Children) -> nodes.Expose:
        _expose, name, _equal, value = children
        return nodes.Expose(across(children), identifier(name), value)

    @staticmethod
    def for_(children: Children) -> nodes.For:
        _for, targets, _in, iterable, body = children
        return nodes.For(across(children), targets.members, iterable, body)

    @staticmethod
    def if_(children: Children) -> nodes.If:
        _if, condition, then, _else, otherwise = children
        return nodes.If(across(children), condition, then, otherwise)

    @staticmethod
    def at(children: Children) -> nodes.At:
        return nodes.At(across(children), tuple(children[1:-1:2]), children[-1])

    @staticmethod
    def objective(children: Children) -> nodes.Objective:
        direction, name, _equal, metric = children
        return nodes.Objective(across(children), direction.text, identifier(name), metric)

    @staticmethod
    def targets(children: Children) -> Group:
        return Group(across(children), identifiers(children))

    # ---- labels

    @staticmethod
    def label(children: Children) -> nodes.Label:
        steps: list[str | nodes.Expression] = []
        for child in children:
            if isinstance(child, nodes.Node):
                steps.append(child)  # pyright: ignore[reportArgumentType]
            elif child.type == "NAME":
                steps.append(child.text)
        return nodes.Label(across(children), tuple(steps), quoted=False)

    @staticmethod
    def quoted_label(children: Children) -> nodes.Label:
        (token,) = children
        return nodes.Label(token.span, holes_and_text(token.span), quoted=True)

    # ---- expressions

    @staticmethod
    def select(children: Children) -> nodes.Select:
        _if, condition, _then, chosen, _else, otherwise = children
        return nodes.Select(across(children), condition, chosen, otherwise)

    @staticmethod
    def piped(children: Children) -> nodes.Pipe:
        left, _pipe, right = children
        return nodes.Pipe(left.span.to(right.span), left, right)

    @staticmethod
    def logical(children: Children) -> nodes.Logical:
        left, operator, right = children
        return nodes.Logical(left.span.to(right.span), operator.text, left, right)

    @staticmethod
    def negation(children: Children) -> nodes.Negation:
        return nodes.Negation(across(children), children[1])

    @staticmethod
    def compare(children: Children) -> nodes.Comparison:
        operators = tuple(operator.text for operator in children[1::2])
        return nodes.Comparison(across(children), tuple(children[::2]), operators)

    @staticmethod
    def span(children: Children) -> nodes.Range:
        start, dots, stop, _by, step = children
        return nodes.Range(across(children), start, stop, dots.text == "..", step)

    @staticmethod
    def binary(children: Children) -> nodes.Binary:
        left, operator, right = children
        return nodes.Binary(left.span.to(right.span), operator.text, left, right)

    @staticmethod
    def signed(children: Children) -> nodes.Signed:
        sign, operand = children
        return nodes.Signed(sign.span.to(operand.span), sign.text, operand)

    @staticmethod
    def labelled(children: Children) -> nodes.Labelled:
        operand, _as, label = children
        return nodes.Labelled(operand.span.to(label.span), operand, label)

    @staticmethod
    def call(children: Children) -> nodes.Call:
        arguments = children[2].members if len(children) == 4 else ()
        return nodes.Call(across(children), children[0], arguments)

    @staticmethod
    def arguments(children: Children) -> Group:
        found: list[nodes.Argument] = []
        for child in children:
            if isinstance(child, nodes.Argument):
                found.append(child)
            elif isinstance(child, nodes.Node):
                found.append(nodes.Argument(child.span, None, child))  # pyright: ignore[reportArgumentType]
        return Group(across(children), tuple(found))

    @staticmethod
    def keyword(children: Children) -> nodes.Argument:
        name, _equal, value = children
        return nodes.Argument(name.span.to(value.span), identifier(name), value)

    @staticmethod
    def generator(children: Children) -> Group:
        span = across(children)
        listing = nodes.Listing(span, children[0], tuple(children[1:]), bare=True)
        return Group(span, (nodes.Argument(span, None, listing),))

    @staticmethod
    def comprehension(children: Children) -> nodes.Clause:
        _for, targets, _in, iterable, _if, condition = children
        return nodes.Clause(across(children), targets.members, iterable, condition)

    @staticmethod
    def index(children: Children) -> nodes.Index:
        return nodes.Index(across(children), children[0], members(children[2:], nodes.Node))

    @staticmethod
    def slice(children: Children) -> nodes.Slice:
        start, colon, stop = children
        return nodes.Slice((start or colon).span.to((stop or colon).span), start, stop)

    @staticmethod
    def member(children: Children) -> nodes.Member:
        operand, _dot, name = children
        return nodes.Member(operand.span.to(name.span), operand, identifier(name))

    @staticmethod
    def name(children: Children) -> nodes.Name:
        (token,) = children
        return nodes.Name(token.span, token.text)

    @staticmethod
    def integer(children: Children) -> nodes.Integer:
        (token,) = children
        return nodes.Integer(token.span, int(token.text))

    @staticmethod
    def real(children: Children) -> nodes.Real:
        (token,) = children
        return nodes.Real(token.span, float(token.text), token.text)

    @staticmethod
    def quantity(children: Children) -> nodes.Quantity:
        (token,) = children
        match = _QUANTITY.fullmatch(token.text)
        assert match is not None, token.text
        number, unit = match.groups()
        return nodes.Quantity(token.span, float(number) if "." in number else int(number), unit, token.text)

    @staticmethod
    def string(children: Children) -> nodes.String:
        (token,) = children
        return nodes.String(token.span, unescape(token.text[1:-1]))

    @staticmethod
    def boolean(children: Children) -> nodes.Boolean:
        (token,) = children
        return nodes.Boolean(token.span, token.text == "true")

    @staticmethod
    def nothing(children: Children) -> nodes.Nothing:
        return nodes.Nothing(children[0].span)

    @staticmethod
    def grouped(children: Children) -> nodes.Node:
        """The node inside, with the span of its parentheses: nobody else holds the node yet."""
        inner = children[1]
        object.__setattr__(inner, "span", across(children))
        return inner

    @staticmethod
    def tuple_(children: Children) -> nodes.Tuple:
        return nodes.Tuple(across(children), members(children, nodes.Node))

    @staticmethod
    def list_(children: Children) -> nodes.List:
        return nodes.List(across(children), members(children, nodes.Node))

    @staticmethod
    def listing(children: Children) -> nodes.Listing:
        return nodes.Listing(across(children), children[1], tuple(children[2:-1]))

    @staticmethod
    def choose(children: Children) -> nodes.Choose:
        return nodes.Choose(across(children), members(children, nodes.Option))

    @staticmethod
    def option(children: Children) -> nodes.Option:
        value, _when, condition = children
        return nodes.Option(across(children), value, condition)
