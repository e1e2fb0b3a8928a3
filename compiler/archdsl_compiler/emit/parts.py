"""The parts of a module as constructors: labels with dots become containers, equal neighbours comprehensions, and parts
that only pass one value on become one `nn.Sequential`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from torch import nn

from archdsl_compiler.emit.code import (
    Apply,
    Choice,
    Comprehension,
    Default,
    Each,
    Expression,
    Number,
    Part,
    Prefix,
    Raw,
    Row,
    Use,
    walk,
)
from archdsl_compiler.emit.skeleton import leaves_of, refilled, skeleton_of, together
from archdsl_compiler.emit.steps import Made, Step
from archdsl_compiler.emit.words import plain_part
from archdsl_compiler.graph import join

Tree: TypeAlias = "dict[str, Tree | Made]"
ALTERNATING = Raw("i % 2 == 0")


@dataclass(frozen=True, slots=True)
class Member:
    """What stands under one name of a module: a "layer", a "parameter" or a "buffer"."""

    sort: str
    constructor: Expression


def tree_of(made: Sequence[Made]) -> Tree:
    """Parts by the steps of their labels; a module that gets further parts from outside is one of them, under no
    name."""
    root: Tree = {}
    for each in made:
        *path, name = each.label.split(".")
        at = root
        for step in path:
            inner = at.setdefault(step, {})
            if isinstance(inner, Made):
                inner = at[step] = {"": inner}
            at = inner
        there = at.get(name)
        if isinstance(there, dict):
            there[""] = each
        else:
            at[name] = each
    return root


def numbered(made: Sequence[Made]) -> bool:
    """Whether all parts stand under numbers, so that the module is a list of them."""
    return bool(made) and all(
        each.label.partition(".")[0].isdigit() and ("." in each.label or each.sort == "layer") for each in made
    )


def chained(steps: Sequence[Step], made: Sequence[Made], wanted: frozenset[int]) -> tuple[list[Step], frozenset[str]]:
    """The steps with those that send one value through all parts of a list, in order, as one; and the labels of these
    lists."""
    readers: dict[int, int] = {}
    uses: dict[str, int] = {}
    for step in steps:
        for value in step.uses:
            readers[value] = readers.get(value, 0) + 1
        for label in _labels(step.code):
            uses[label] = uses.get(label, 0) + 1
    children: dict[str, list[str]] = {}
    for each in made:
        segments = each.label.split(".")
        for depth in range(0 if numbered(made) else 1, len(segments)):
            listed = children.setdefault(".".join(segments[:depth]), [])
            if segments[depth] not in listed:
                listed.append(segments[depth])
    layers = {each.label for each in made if each.sort == "layer"}
    found: set[str] = set()
    current = list(steps)
    changed = True
    while changed:
        changed = False
        for position, step in enumerate(current):
            label, entry = _unary(step)
            container, _, last = label.rpartition(".")
            names = children.get(container, [])
            if last != "0" or not names or names != [str(n) for n in range(len(names))]:
                continue
            if not container and (len(names) != len(current) or entry != 0):
                continue  # the module itself is a chain only if it does nothing else
            run = current[position : position + len(names)]
            value = entry
            for name, each in zip(names, run, strict=False):
                inner, given = _unary(each)
                whole = inner in layers or inner in found
                if inner != join(container, name) or given != value or not whole or uses[inner] != 1:
                    break
                value = each.outputs[0]
                if name != names[-1] and (readers.get(value, 0) != 1 or value in wanted):
                    break
            else:
                if len(run) == len(names):
                    code = Apply(Part(container), (Use(entry),))
                    mades = tuple(m for each in run for m in each.made)
                    whole_step = replace(run[-1], code=code, made=mades)
                    current[position : position + len(names)] = [whole_step]
                    uses[container] = 1
                    found.add(container)
                    changed = True
                    break
    return current, frozenset(found)


def _labels(code: Expression) -> list[str]:
    return [part.label for part in walk(code) if isinstance(part, Part)]


def _unary(step: Step) -> tuple[str, int]:
    match step.code:
        case Apply(function=Part(label=label), arguments=(Use(value=value),), named=()) if len(step.outputs) == 1:
            return label, value
        case _:
            return "", -1


def members_of(made: Sequence[Made], chains: frozenset[str]) -> dict[str, Member]:
    """What a module holds under each name, in the order in which it was made. A module whose parts are numbers is a
    list itself, under no name."""
    tree = tree_of(made)
    if numbered(made):
        return {"": Member("layer", _container(tree, "", chains))}
    return {
        name: Member(inner.sort, inner.constructor)
        if isinstance(inner, Made)
        else Member("layer", _container(inner, name, chains))
        for name, inner in tree.items()
    }


def _container(tree: Tree, label: str, chains: frozenset[str]) -> Expression:
    inner: Mapping[str, Expression] = {
        name: part.constructor if isinstance(part, Made) else _container(part, join(label, name), chains)
        for name, part in tree.items()
    }
    bare = any(isinstance(part, Made) and part.sort != "layer" for part in tree.values())
    owner = inner.get("")
    if owner is not None:
        parts = Row(tuple(Row((Raw(f'"{name}"'), part), ":") for name, part in inner.items() if name), "{}")
        return Apply(Raw("container"), (parts, owner))
    if all(name.isdigit() for name in inner) and not bare:
        elements = [inner.get(str(n), Apply(Raw("nn.Identity"))) for n in range(max(map(int, inner)) + 1)]
        listed = _listed(elements)
        if label in chains:
            spread = (Prefix("*", listed),) if isinstance(listed, Comprehension) else listed.items
            return Apply(Raw("nn.Sequential"), spread)
        return Apply(Raw("nn.ModuleList"), (listed,))
    pairs = tuple(Row((Raw(f'"{name}"'), part), ":") for name, part in inner.items())
    plain = not bare and all(plain_part(name) and not hasattr(nn.ModuleDict, name) for name in inner)
    switched = (Apply(Raw("Switched")),) if "training" in inner else ()
    return Apply(Raw("nn.ModuleDict" if plain else "container"), (Row(pairs, "{}"), *switched))


def _listed(elements: Sequence[Expression]) -> Comprehension | Row:
    """A list, with comprehensions for neighbours of one form and for two forms that alternate."""
    # Lists inside the elements must be the same in all: what differs from pass to pass is told of one loop alone.
    skeletons = [
        (skeleton_of(each), tuple(part for part in walk(each) if isinstance(part, Comprehension))) for each in elements
    ]
    if len(elements) > 1 and len(set(skeletons)) == 1:
        return Comprehension(together(elements), Number(len(elements), name="depth"))
    if (
        len(elements) > 1
        and skeletons[0] != skeletons[1]
        and all(s == skeletons[k % 2] for k, s in enumerate(skeletons))
    ):
        even, odd = _interleaved(together(elements[::2]), together(elements[1::2]), len(elements))
        return Comprehension(Choice(ALTERNATING, even, odd), Number(len(elements), name="depth"))
    items: list[Expression] = []
    position = 0
    while position < len(elements):
        end = position + 1
        while end < len(elements) and skeletons[end] == skeletons[position]:
            end += 1
        run = elements[position:end]
        if len(run) > 1:
            items.append(Prefix("*", Comprehension(together(run), Number(len(run), name="depth"))))
        else:
            items.append(run[0])
        position = end
    return Row(tuple(items), "[]")


def _interleaved(even: Expression, odd: Expression, count: int) -> tuple[Expression, Expression]:
    """Two forms that take turns; numbers of one name in both are one list for all passes."""
    leaves = (_named(even), _named(odd))
    lists: dict[tuple[str, int], Each] = {}
    for key in leaves[0].keys() | leaves[1].keys():
        found = [side.get(key) for side in leaves]
        if any(isinstance(leaf, Each) for leaf in found):
            values = tuple(_of_pass(found[k % 2] or found[1 - k % 2], k) for k in range(count))
            one = next(leaf for leaf in found if leaf is not None)
            usual = tuple(_usual_of_pass(found[k % 2] or found[1 - k % 2], k) for k in range(count))
            lists[key] = Each(values, one.hint, one.name, usual)
    return _with_lists(even, lists), _with_lists(odd, lists)


def _of_pass(leaf: Number | Each | None, number: int) -> object:
    assert leaf is not None
    return leaf.values[min(number // 2, len(leaf.values) - 1)] if isinstance(leaf, Each) else leaf.value


def _usual_of_pass(leaf: Number | Each | None, number: int) -> bool:
    if isinstance(leaf, Each):
        return bool(leaf.usual) and leaf.usual[min(number // 2, len(leaf.values) - 1)]
    return isinstance(leaf, Default)


def _named(code: Expression) -> dict[tuple[str, int], Number | Each]:
    """Numbers by their name and by how many of that name came before."""
    found: dict[tuple[str, int], Number | Each] = {}
    for leaf in leaves_of(code):
        if isinstance(leaf, Number | Each):
            number = sum(name == leaf.name for name, _ in found)
            found[leaf.name, number] = leaf
    return found


def _with_lists(code: Expression, lists: Mapping[tuple[str, int], Each]) -> Expression:
    keys = iter(list(_named(code)))

    def filled(leaf: Expression) -> Expression:
        return lists.get(next(keys), leaf) if isinstance(leaf, Number | Each) else leaf

    return refilled(code, [filled(leaf) for leaf in leaves_of(code)])


def lengths_of(members: Mapping[str, Member]) -> dict[str, int]:
    """How many elements lists of parts have, by label."""
    found: dict[str, int] = {}

    def visit(label: str, code: Expression) -> None:
        match code:
            case Apply(function=Raw(text="nn.ModuleList" | "nn.Sequential")):
                listed = code.arguments[0] if len(code.arguments) == 1 else Row(code.arguments)
                found[label] = _length(listed)
                if isinstance(listed, Row):
                    for number, item in enumerate(listed.items):
                        visit(join(label, str(number)), item)
            case Apply(function=Raw(text="nn.ModuleDict" | "container"), arguments=(Row(items=items), *_)):
                for pair in items:
                    if isinstance(pair, Row) and isinstance(pair.items[0], Raw):
                        visit(f"{label}.{pair.items[0].text.strip(chr(34))}", pair.items[1])
            case _:
                pass

    for name, member in members.items():
        visit(name, member.constructor)
    return found


def _length(code: Expression) -> int:
    if isinstance(code, Comprehension):
        return int(str(code.count.value)) if isinstance(code.count, Number) else 0
    if isinstance(code, Prefix):
        return _length(code.of)
    if isinstance(code, Row):
        return sum(_length(item) if isinstance(item, Prefix) else 1 for item in code.items)
    return 1
