"""Modules of one component, laid over each other.

A `Template` is the code that they share, with a row of numbers for each of them. A step that only some of them have is
kept where the others can do without it: they send on what it would have changed. So one class serves a block with and
without a shift, a stage with and without a downsampling."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from archdsl_compiler.emit.code import Each, Expression, Number, Part, Use
from archdsl_compiler.emit.drafts import Draft
from archdsl_compiler.emit.loops import Item, Loop
from archdsl_compiler.emit.parts import Member
from archdsl_compiler.emit.skeleton import leaves_of, refilled, skeleton_of
from archdsl_compiler.emit.steps import Step
from archdsl_compiler.graph import Structure, leaves

FARTHEST = 48
"""How many steps may be passed over to find the next one that two modules share."""


@dataclass(slots=True)
class Entry:
    """An item of the template, as the module that brought it has it, and the numbers of each module that has it."""

    item: Item
    shape: Hashable
    rows: dict[int, tuple[Number | Each, ...]]


@dataclass(slots=True)
class Held:
    """A member, likewise."""

    member: Member
    shape: Hashable
    rows: dict[int, tuple[Number | Each, ...]]


@dataclass(slots=True)
class Template:
    """`bypass[k]` says which value stands for another in module k, where that module lacks the step between."""

    drafts: list[Draft] = field(default_factory=list[Draft])
    constants: list[Entry] = field(default_factory=list[Entry])
    items: list[Entry] = field(default_factory=list[Entry])
    members: dict[str, Held] = field(default_factory=dict[str, Held])
    bypass: list[dict[int, int]] = field(default_factory=list[dict[int, int]])

    def resolve(self, module: int, value: int) -> int:
        """The value that stands for one in a module of the template."""
        while value in self.bypass[module]:
            value = self.bypass[module][value]
        return value


def merged(drafts: Sequence[Draft]) -> list[Template]:
    """The classes that serve these modules, which are of one component."""
    templates: list[Template] = []
    for each in sorted(drafts, key=_weight, reverse=True):
        for number, template in enumerate(templates):
            joined = _joined(template, each)
            if joined is not None:
                templates[number] = joined
                break
        else:
            templates.append(_first(each))
    return templates


def alone(drafts: Sequence[Draft]) -> list[Template]:
    """A class for each module: what `merged` must be equal to, number by number."""
    return [_first(each) for each in drafts]


def _weight(each: Draft) -> tuple[int, int]:
    """Those with loops and with all steps come first, so that others are laid over them."""
    return sum(isinstance(item, Loop) for item in each.items), len(each.items) + len(each.constants)


def _first(each: Draft) -> Template:
    template = Template([each], bypass=[{}])
    template.constants = [Entry(step, _shape(step), {0: _row(step)}) for step in each.constants]
    template.items = [Entry(item, _shape(item), {0: _row(item)}) for item in each.items]
    template.members = {
        name: Held(member, _member_shape(member), {0: _numbers(member.constructor)})
        for name, member in each.members.items()
    }
    return template


def _codes(item: Item) -> tuple[Expression, ...]:
    return (item.code,) if isinstance(item, Step) else tuple(step.code for step in item.body)


def _shape(item: Item) -> Hashable:
    """What two items must share but for numbers and the values that they read: code, parts, and the form of results."""
    labels = tuple(leaf for code in _codes(item) for leaf in leaves_of(code) if isinstance(leaf, Part))
    steps = (item,) if isinstance(item, Step) else item.body
    forms = tuple(_form(step.targets) for step in steps)
    return (type(item), tuple(map(skeleton_of, _codes(item))), labels, forms)


def _form(structure: Structure) -> Hashable:
    return tuple(map(_form, structure)) if isinstance(structure, tuple) else "value"


def _member_shape(member: Member) -> Hashable:
    return (member.sort, skeleton_of(member.constructor))


def _numbers(code: Expression) -> tuple[Number | Each, ...]:
    return tuple(leaf for leaf in leaves_of(code) if isinstance(leaf, Number | Each))


def _row(item: Item) -> tuple[Number | Each, ...]:
    return tuple(leaf for code in _codes(item) for leaf in _numbers(code))


def _uses(item: Item) -> tuple[int, ...]:
    return tuple(leaf.value for code in _codes(item) for leaf in leaves_of(code) if isinstance(leaf, Use))


def _outputs(item: Item) -> tuple[int, ...]:
    """The values that an item gives: a loop those of its first pass and then those of its last."""
    if isinstance(item, Step):
        return item.outputs
    return (*(v for v, _ in item.exits), *(v for _, v in item.exits))


def _joined(template: Template, draft: Draft) -> Template | None:
    """The template with one more module, or None where it does not fit."""
    first = template.drafts[0].module
    module = draft.module
    if module.inputs != first.inputs or _form(module.outputs) != _form(first.outputs):
        return None
    if set(module.exposed) != set(first.exposed):
        return None
    work = _Join(template, draft)
    if not (
        work.lay(template.constants, draft.constants, "constants") and work.lay(template.items, draft.items, "items")
    ):
        return None
    if not work.same_results() or not work.hold():
        return None
    return work.finished()


class _Join:
    """One attempt to lay a module over a template; the template itself is left alone."""

    def __init__(self, template: Template, draft: Draft) -> None:
        self.template = template
        self.draft = draft
        self.number = len(template.drafts)
        self.known = {value: value for value in range(len(draft.module.input_types))}
        self.bypass: dict[int, int] = {}
        self.others = [dict(each) for each in template.bypass]
        self.entries: dict[str, list[Entry]] = {"constants": [], "items": []}
        self.members: dict[str, Held] = {}
        used = [v for e in (*template.constants, *template.items) for v in (*_outputs(e.item), *_uses(e.item))]
        self.fresh = (
            max([*used, len(draft.module.input_types), *leaves(template.drafts[0].module.outputs)], default=0) + 1
        )

    def resolve(self, value: int) -> int:
        while value in self.bypass:
            value = self.bypass[value]
        return value

    def lay(self, entries: Sequence[Entry], items: Sequence[Item], which: str) -> bool:
        """Walk through both lists; where they part, look for the nearest place where they meet again."""
        i = j = skipped = 0
        while i < len(entries) or j < len(items):
            meeting = self._meeting(entries, items, i, j)
            if meeting is None:
                return False
            for k in range(i, meeting[0]):
                if not self._pass_over(entries[k], which):
                    return False
            for k in range(j, meeting[1]):
                if not self._bring(items[k], which):
                    return False
            skipped += meeting[0] - i + meeting[1] - j
            i, j = meeting
            if i < len(entries) and j < len(items):
                if not self._fits(entries[i], items[j]):
                    return False
                self._take(entries[i], items[j], which)
                i, j = i + 1, j + 1
        return which == "constants" or skipped <= max(4, len(entries) // 2)

    def _meeting(self, entries: Sequence[Entry], items: Sequence[Item], i: int, j: int) -> tuple[int, int] | None:
        """The nearest pair of places whose items are the same; the ends of both lists meet too."""
        for distance in range(FARTHEST + 1):
            for a in range(distance + 1):
                k, n = i + a, j + distance - a
                if k > len(entries) or n > len(items):
                    continue
                if (k == len(entries)) != (n == len(items)):
                    continue
                if k == len(entries) or self._would_fit(entries, items, (i, j), (k, n)):
                    return k, n
        return None

    def _would_fit(
        self, entries: Sequence[Entry], items: Sequence[Item], start: tuple[int, int], meeting: tuple[int, int]
    ) -> bool:
        if entries[meeting[0]].shape != _shape(items[meeting[1]]):
            return False
        if start == meeting:
            return self._fits(entries[meeting[0]], items[meeting[1]])
        known, bypass, fresh = dict(self.known), dict(self.bypass), self.fresh
        others = [dict(each) for each in self.others]
        kept = {which: list(found) for which, found in self.entries.items()}
        fits = all(self._pass_over(entries[k], "") for k in range(start[0], meeting[0]))
        fits = fits and all(self._bring(items[k], "") for k in range(start[1], meeting[1]))
        fits = fits and self._fits(entries[meeting[0]], items[meeting[1]])
        self.known, self.bypass, self.fresh, self.others, self.entries = known, bypass, fresh, others, kept
        return fits

    def _fits(self, entry: Entry, item: Item) -> bool:
        if entry.shape != _shape(item):
            return False
        inside = dict(zip(_outputs(item), _outputs(entry.item), strict=True)) if isinstance(item, Loop) else {}
        for theirs, mine in zip(_uses(item), _uses(entry.item), strict=True):
            value = inside.get(theirs, self.known.get(theirs))
            if value is None or self.resolve(mine) != self.resolve(value):
                return False
        if isinstance(item, Loop) and isinstance(entry.item, Loop):
            mine = {(a, b) for a, b in entry.item.carried}
            theirs = {(self.resolve(self.known[a]), inside[b]) for a, b in item.carried}
            return {(self.resolve(a), b) for a, b in mine} == theirs
        return True

    def _take(self, entry: Entry, item: Item, which: str) -> None:
        self.known.update(zip(_outputs(item), _outputs(entry.item), strict=True))
        self.entries[which].append(Entry(entry.item, entry.shape, {**entry.rows, self.number: _row(item)}))

    def _pass_over(self, entry: Entry, which: str) -> bool:
        """The module lacks this item of the template: it goes on with what the item would have changed."""
        outputs = _outputs(entry.item)
        uses = _uses(entry.item)
        if isinstance(entry.item, Loop) or len(outputs) != 1:
            return False
        if uses and not entry.item.constant:
            self.bypass[outputs[0]] = uses[0]
        if which:
            self.entries[which].append(Entry(entry.item, entry.shape, dict(entry.rows)))
        return True

    def _bring(self, item: Item, which: str) -> bool:
        """The template lacks this item of the module: the modules before go on with what it changes."""
        outputs = _outputs(item)
        if isinstance(item, Loop) or len(outputs) != 1:
            return False
        new = self.fresh
        self.fresh += 1
        filled: list[Expression] = []
        for leaf in leaves_of(item.code):
            if isinstance(leaf, Use):
                if leaf.value not in self.known:
                    return False
                filled.append(Use(self.known[leaf.value]))
            else:
                filled.append(leaf)
        own = Step(new, refilled(item.code, filled), item.constant, (), item.types)
        self.known[outputs[0]] = new
        uses = _uses(own)
        if uses and not item.constant:
            for other in self.others:
                other[new] = uses[0]
        if which:
            self.entries[which].append(Entry(own, _shape(own), {self.number: _row(own)}))
        return True

    def same_results(self) -> bool:
        first, module = self.template.drafts[0].module, self.draft.module
        pairs = list(zip(leaves(first.outputs), leaves(module.outputs), strict=True))
        pairs += [(first.exposed[name], module.exposed[name]) for name in first.exposed]
        return all(self.resolve(mine) == self.resolve(self.known[theirs]) for mine, theirs in pairs)

    def hold(self) -> bool:
        """Members under one name must be made alike; one that is missing is no obstacle."""
        names = list(self.template.members)
        names += [name for name in self.draft.members if name not in self.template.members]
        for name in names:
            mine, theirs = self.template.members.get(name), self.draft.members.get(name)
            if mine is not None and theirs is not None:
                if mine.shape != _member_shape(theirs):
                    return False
                self.members[name] = Held(
                    mine.member, mine.shape, {**mine.rows, self.number: _numbers(theirs.constructor)}
                )
            elif mine is not None:
                self.members[name] = Held(mine.member, mine.shape, dict(mine.rows))
            elif theirs is not None:
                self.members[name] = Held(theirs, _member_shape(theirs), {self.number: _numbers(theirs.constructor)})
        return True

    def finished(self) -> Template:
        return Template(
            [*self.template.drafts, self.draft],
            self.entries["constants"],
            self.entries["items"],
            self.members,
            [*self.others, self.bypass],
        )
