"""Small random spaces, and every candidate of a space followed one by one: what a check is compared with.

A space draws widths, heads, depths and mixers, some of them only `when` others allow, shared by a `let` or decided for
each element, in nested options and in bodies of components; requirements reject some candidates, ops refuse others."""

import random
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from archdsl.diagnostics.record import ArchError, Diagnostic
from archdsl.meaning.check import check_source
from archdsl.meaning.conditions import Universe
from archdsl.meaning.covering import REJECTIONS
from archdsl.meaning.limits import DEFAULT_LIMITS
from archdsl.meaning.loading import Library, load_text
from archdsl.meaning.operators import equal
from archdsl.meaning.roots import run_entry
from archdsl.meaning.run import Body, Fault, Frame, Session, show_option
from archdsl.meaning.scope import top_level
from archdsl.meaning.values import UNKNOWN, Component, Value
from archdsl.meaning.worlds import World
from archdsl.source import Source, Span

COMPONENTS = """\
mixer split_heads(heads: int)(x: [b, n, c]) {
  return x |> rearrange("b n (h d) -> b h n d", h=heads) |> rearrange("b h n d -> b n (h d)")
}
mixer guarded(heads: int = 3)(x: [b, n, c]) {
  require c % heads == 0: "whole heads"
  return x |> split_heads(heads) as inner
}
mixer resized(out: int)(x: [b, n, c]) {
  return x |> linear(out) as fc
}
mixer added(out: int)(x: [b, n, c]) {
  return x + (x |> linear(out) as fc)
}
mixer own(low: int = choose(2, 3) as low)(x: [b, n, c]) {
  let high = choose(low, low + 1, 4)
  return x |> split_heads(high) as inner
}
mixer picky(limit: int)(x: [b, n, c]) {
  let ways = choose(2 when c < limit, 3 when c >= limit, 5 when c == 20)
  return x |> split_heads(ways) as inner
}
mixer twice(inner: mixer)(x: [b, n, c]) {
  return x |> inner as first |> inner as second
}
block widen(out: int)(x: [b, n, c]) {
  let factor = choose(1, 2)
  return x |> linear(out * factor) as fc
}
"""


@dataclass
class Enumerator:
    """A chooser that comes to every candidate, one in each run: the last decision with an option left changes first."""

    wanted: dict[str, str] = field(default_factory=dict[str, str])
    plan: list[int] = field(default_factory=list[int])
    widths: list[int] = field(default_factory=list[int])
    decisions: dict[str, Value] = field(default_factory=dict[str, Value])

    def recall(self, path: str, offer: object = None) -> Value:
        return self.decisions.get(path, UNKNOWN)

    def __call__(self, path: str, names: tuple[Value, ...], allowed: tuple[int, ...], span: Span) -> int:
        position = len(self.widths)
        if position == len(self.plan):
            self.plan.append(0)
        self.widths.append(len(allowed))
        option = allowed[self.plan[position]]
        assert path not in self.decisions or equal(self.decisions[path], names[option])
        self.decisions[path] = names[option]
        return option

    def advance(self) -> bool:
        """Go to the next candidate; whether there is one."""
        del self.plan[len(self.widths) :]
        while self.plan and self.plan[-1] + 1 == self.widths[len(self.plan) - 1]:
            self.plan.pop()
        self.widths.clear()
        self.decisions = {}
        if self.plan:
            self.plan[-1] += 1
        return bool(self.plan)


@dataclass(frozen=True)
class Candidate:
    """One architecture: its decisions as messages show them, and what is wrong with it; None is nothing."""

    decisions: dict[str, str]
    fault: Diagnostic | None

    @property
    def rejected(self) -> bool:
        return self.fault is not None and self.fault.code in REJECTIONS

    @property
    def faulty(self) -> bool:
        return self.fault is not None and not self.rejected

    def agrees(self, decisions: dict[str, str]) -> bool:
        return all(self.decisions.get(path, value) == value for path, value in decisions.items())


def source_of(text: str) -> Source:
    return Source("space.arch", text)


def found_in(text: str) -> tuple[Diagnostic, ...]:
    """What checking the space whole says."""
    return check_source(source_of(text)).diagnostics


def candidates(text: str, name: str = "s", at_most: int = 400) -> list[Candidate]:
    """Every candidate of the space, each followed alone; none when there are more than `at_most`."""
    unit = load_text(Library(DEFAULT_LIMITS), source_of(text), Path())
    frame = Frame(Session(DEFAULT_LIMITS), World(Universe()), unit, Body(""), "")
    bound = top_level(frame, unit, name)
    assert bound is not None
    assert isinstance(bound[0], Component)
    chooser = Enumerator()
    found: list[Candidate] = []
    for _ in count():
        session = Session(DEFAULT_LIMITS, chooser=chooser)
        fault: Diagnostic | None = None
        try:
            run_entry(session, bound[0], Span(unit.source, 0, 0))
        except ArchError as error:
            (fault,) = error.diagnostics
        except Fault as error:
            fault = error.diagnostic
        found.append(Candidate({path: show_option(v) for path, v in chooser.decisions.items()}, fault))
        if not chooser.advance():
            return found
        if len(found) == at_most:
            return []
    raise AssertionError


@dataclass
class SpaceWriter:
    """Writes one random space."""

    draw: random.Random
    numbers: list[str] = field(default_factory=lambda: ["width"])
    lines: list[str] = field(default_factory=list[str])

    def some(self, *values: object, least: int = 2) -> str:
        return ", ".join(str(v) for v in self.draw.sample(values, self.draw.randint(least, min(3, len(values)))))

    def comparison(self) -> str:
        name = self.draw.choice(self.numbers)
        other = self.draw.choice(self.numbers)
        return self.draw.choice(
            [
                f"{name} > {self.draw.choice([2, 3, 16, 20])}",
                f"{name} != {other} + {self.draw.randint(0, 2)}",
                f"{name} % {self.draw.choice([2, 3, 4])} == 0",
                f"width % {other} == 0" if other != "width" else "width >= 18",
                f"({name} == 18 or {other} < 4)",
                f"not ({name} % 3 == 0 and {other} > 2)",
            ]
        )

    def number(self) -> str:
        """An int: written, decided, or made of others."""
        way = self.draw.randrange(8)
        if way < 2:
            return f"choose({self.some(1, 2, 3, 4, 5, 6)})"
        if way == 2:
            return f"choose({self.draw.randint(1, 2)}..{self.draw.randint(3, 4)})"
        if way == 3:
            return f"choose({self.draw.randint(2, 3)}, {self.draw.randint(4, 6)} when {self.comparison()})"
        if way == 4:
            return f"if {self.comparison()} then choose({self.some(2, 3, 4)}) else {self.draw.randint(2, 5)}"
        if way == 5:
            return f"{self.draw.choice(self.numbers)} // {self.draw.randint(1, 6)} + 1"
        if way == 6:
            return f"choose([{self.some(2, 3, 4, 6)}])"
        return str(self.draw.randint(2, 4))

    def mixer(self, depth: int = 0) -> str:
        way = self.draw.randrange(11)
        name = self.draw.choice(self.numbers)
        if way == 0:
            return f"split_heads(choose({self.some(2, 3, 4, 5)}))"
        if way == 1:
            return f"split_heads({name})"
        if way == 2:
            return f"guarded({name})"
        if way == 3:
            return f"guarded(choose({self.some(2, 3, 4, 5)}))"
        if way == 4:
            return f"resized({self.draw.choice(['width', str(self.draw.choice([16, 18, 20, 24]))])})"
        if way == 5:
            return f"added({self.draw.choice(['width', str(self.draw.choice([1, 16, 18, 20, 24]))])})"
        if way == 6:
            return self.draw.choice(["own", "own()", "guarded"])
        if way == 7:
            return f"picky({self.draw.choice([17, 19, 22])})"
        if way == 8 and depth < 2:
            return f"twice({self.mixer(depth + 1)})"
        if way == 9 and depth < 2:
            second = f"{self.mixer(depth + 1)} when {self.comparison()}" if self.draw.random() < 0.4 else "none"
            return f"choose({self.mixer(depth + 1)}, {second})"
        return f"choose(guarded(2), {self.draw.choice(['resized(16)', 'added(18)', 'split_heads(3)'])})"

    def requirement(self) -> str:
        if self.draw.random() < 0.2:
            return f"if {self.comparison()} {{ require {self.comparison()} }}"
        return f"require {self.comparison()}"

    def text(self) -> str:
        """A space `s`, with the components that it may use."""
        draw = self.draw
        lines = [f"let width = choose({self.some(16, 18, 20, 24)})"]
        for name in draw.sample(["a", "e", "f"], draw.randint(1, 2)):
            lines.append(f"let {name} = {self.number()}")
            self.numbers.append(name)
            if draw.random() < 0.4:
                lines.append(self.requirement())
        depth = draw.choice(["1", "2", "choose(1, 2)"])
        lines.append(f"let depth = {depth}")
        if draw.random() < 0.3:
            lines.append(f"let heads = [choose({self.some(2, 3, 4)}) for i in 0..<2]")
            lines.append("let total = sum(heads)")
            self.numbers += ["heads[0]", "total", "max(heads)"]
        if draw.random() < 0.5:
            lines.append(f"let mix = {self.mixer()}")
            lines.append("let mixes = [mix for i in 0..<depth]")
        else:
            lines.append(f"let mixes = [{self.mixer()} for i in 0..<depth]")
        if draw.random() < 0.5:
            lines.append(self.requirement())
        lines.append("return net(width, mixes)")
        widening = "widen(width)" if draw.random() < 0.25 else "linear(width)"
        body = "\n".join(f"  {line}" for line in lines)
        return (
            f"{COMPONENTS}model net(width: int, mixes: list[mixer?])(x: [b, 4, 6]) {{\n"
            f"  x = x |> {widening} as stem\n"
            "  for i, mix in enumerate(mixes) {\n    x = x |> mix as blocks[i]\n  }\n  return x\n}\n"
            f"space s() {{\n{body}\n}}\n"
        )


def written(seed: int) -> str:
    return SpaceWriter(random.Random(seed)).text()
