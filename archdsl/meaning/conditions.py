"""Which candidates of a space get somewhere: sets of genomes as decision diagrams.

A condition is a number that names a node of a shared, reduced diagram over the choice sites of a `Universe`: equal sets
are equal numbers, so asking whether two conditions are the same, or whether none is left, costs nothing. Sites are
ordered as they were met."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Condition: TypeAlias = int
NEVER: Condition = 0
ALWAYS: Condition = 1


WORK_PER_NODE = 2
"""Conjunctions that may be worked out for each node that the limit allows."""


class TooManyConditions(Exception):
    """The diagram outgrew its limit."""


@dataclass(slots=True)
class Universe:
    """The choice sites met so far and the conditions over them."""

    limit: int = 200_000
    options: list[int] = field(default_factory=list[int])
    _site: list[int] = field(default_factory=lambda: [1 << 60, 1 << 60])
    _children: list[tuple[int, ...]] = field(default_factory=lambda: [(), ()])
    _nodes: dict[tuple[int, tuple[int, ...]], int] = field(default_factory=dict[tuple[int, tuple[int, ...]], int])
    _both: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    _negated: dict[int, int] = field(default_factory=lambda: {NEVER: ALWAYS, ALWAYS: NEVER})

    def new_site(self, options: int) -> int:
        """A further choice with that many options; the result numbers it."""
        self.options.append(options)
        return len(self.options) - 1

    def taken(self, site: int, option: int) -> Condition:
        """The genomes that take one option of a site."""
        return self._node(site, tuple(ALWAYS if k == option else NEVER for k in range(self.options[site])))

    def both(self, a: Condition, b: Condition) -> Condition:
        if a == b or b == ALWAYS:
            return a
        if a == ALWAYS:
            return b
        if a == NEVER or b == NEVER:
            return NEVER
        key = (a, b) if a < b else (b, a)
        found = self._both.get(key)
        if found is None:
            if len(self._both) > WORK_PER_NODE * self.limit:
                raise TooManyConditions
            first, second = self._site[a], self._site[b]
            if first == second:
                children = tuple(map(self.both, self._children[a], self._children[b]))
            elif first < second:
                children = tuple(self.both(child, b) for child in self._children[a])
            else:
                children = tuple(self.both(a, child) for child in self._children[b])
            found = self._both[key] = self._node(min(first, second), children)
        return found

    def negate(self, a: Condition) -> Condition:
        found = self._negated.get(a)
        if found is None:
            found = self._negated[a] = self._node(self._site[a], tuple(map(self.negate, self._children[a])))
            self._negated[found] = a
        return found

    def either(self, a: Condition, b: Condition) -> Condition:
        if a == b or b == NEVER:
            return a
        if a == NEVER:
            return b
        return self.negate(self.both(self.negate(a), self.negate(b)))

    def without(self, a: Condition, b: Condition) -> Condition:
        """What is in the first and not in the second."""
        return self.both(a, self.negate(b)) if b else a

    def top(self, a: Condition) -> int:
        """The first site that the condition looks at; it must be neither NEVER nor ALWAYS."""
        return self._site[a]

    def after(self, a: Condition, option: int) -> Condition:
        """What is left of the condition when its first site takes an option."""
        return self._children[a][option]

    def within(self, a: Condition, care: Condition, known: dict[tuple[Condition, Condition], Condition]) -> Condition:
        """A simpler condition that is the same wherever `care` holds, which must not be NEVER. `known` is what the same
        caller was told before."""
        if a <= ALWAYS or care == ALWAYS:
            return a
        found = known.get((a, care))
        if found is None:
            site, first = self._site[a], self._site[care]
            if first < site:
                wider = NEVER
                for child in self._children[care]:
                    wider = self.either(wider, child)
                found = self.within(a, wider, known)
            else:
                cares = self._children[care] if first == site else (care,) * len(self._children[a])
                pairs = zip(self._children[a], cares, strict=True)
                children = [self.within(child, c, known) if c != NEVER else -1 for child, c in pairs]
                default = next(child for child in children if child >= 0)
                found = self._node(site, tuple(default if child < 0 else child for child in children))
            known[a, care] = found
        return found

    def some(self, a: Condition, site: int) -> Condition:
        """The genomes that meet the condition with some option of a site."""
        found = NEVER
        for option in range(self.options[site]):
            found = self.either(found, self._fixed(a, site, option, {}))
        return found

    def _fixed(self, a: Condition, site: int, option: int, known: dict[int, int]) -> Condition:
        if self._site[a] > site:
            return a
        if a not in known:
            children = self._children[a]
            if self._site[a] == site:
                known[a] = children[option]
            else:
                known[a] = self._node(self._site[a], tuple(self._fixed(c, site, option, known) for c in children))
        return known[a]

    def support(self, a: Condition) -> set[int]:
        """The sites that the condition looks at."""
        seen: set[int] = set()
        waiting, sites = [a], set[int]()
        while waiting:
            node = waiting.pop()
            if node > ALWAYS and node not in seen:
                seen.add(node)
                sites.add(self._site[node])
                waiting.extend(self._children[node])
        return sites

    def witness(self, a: Condition) -> dict[int, int]:
        """The fewest decisions that make a genome meet the condition, which must not be NEVER."""
        best: dict[int, tuple[int, int]] = {}

        def length(node: int) -> int:
            if node <= ALWAYS:
                return 0 if node else 1 << 30
            if node not in best:
                children = self._children[node]
                best[node] = min((length(child) + 1, k) for k, child in enumerate(children))
            return best[node][0]

        length(a)
        decisions: dict[int, int] = {}
        while a > ALWAYS:
            option = best[a][1]
            decisions[self._site[a]] = option
            a = self._children[a][option]
        return decisions

    def holds(self, a: Condition, decisions: Mapping[int, int]) -> bool:
        """Whether a genome with these decisions meets the condition; of sites without one it takes the first option."""
        while a > ALWAYS:
            a = self._children[a][decisions.get(self._site[a], 0)]
        return a == ALWAYS

    def share(self, a: Condition) -> float:
        """The part of all combinations of options that meets the condition."""
        known: dict[int, float] = {NEVER: 0.0, ALWAYS: 1.0}

        def part(node: int) -> float:
            if node not in known:
                children = self._children[node]
                known[node] = sum(map(part, children)) / len(children)
            return known[node]

        return part(a)

    def _node(self, site: int, children: tuple[int, ...]) -> Condition:
        first = children[0]
        if all(child == first for child in children):
            return first
        key = (site, children)
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = len(self._site)
            if found > self.limit:
                raise TooManyConditions
            self._site.append(site)
            self._children.append(children)
        return found
