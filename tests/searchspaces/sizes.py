"""How many candidates the shipped search spaces have, counted apart from the spaces: by formula, or by going through
the rules that their texts state."""

from collections import Counter
from fractions import Fraction
from functools import cache
from math import comb


def autoformer(widths: int, ratios: int, heads: int, depths: list[int]) -> int:
    return widths * sum((ratios * heads) ** depth for depth in depths)


def fliqnas() -> int:
    """Seven widths; a first block has kernels and expansions, the others also may be missing."""
    first, other = 3 * 2, 3 * 2 + 1
    return 7**7 * 3 * (first * other**3) ** 5 * first


def smt(*, local_first: bool) -> int:
    """Stages of 4, 4, 12 and 4 blocks, of which those of the first are all local. Where the share of attention may not
    fall, a stage is put behind all that have no more of it."""
    reached = {Fraction(0): 1}
    for stage, limit in enumerate([4, 4, 12, 4]):
        found: Counter[Fraction] = Counter()
        for depth in range(1, limit + 1):
            for attention in range(depth + 1 if stage > 0 else 1):
                share = Fraction(attention, depth)
                before = sum(count for earlier, count in reached.items() if earlier <= share or not local_first)
                found[share] += comb(depth, attention) * before
        reached = found
    return 3 * 3**4 * sum(reached.values())


def slimming(depths: tuple[int, ...] = (4, 4, 12, 8)) -> int:
    """Maps until the first block of tokens, which the last two stages have; no stage is empty."""
    reached = {False: 1, True: 0}
    for stage, depth in enumerate(depths):
        blocks = {(tokens, False): count for tokens, count in reached.items()}
        for _ in range(depth):
            longer: Counter[tuple[bool, bool]] = Counter()
            for (tokens, some), count in blocks.items():
                longer[tokens, some] += count
                if not tokens:
                    longer[False, True] += count
                if stage >= 2:
                    longer[True, True] += count
            blocks = longer
        reached = {tokens: blocks[tokens, True] for tokens in reached}
    return 6 * 12 * 24 * 48 * sum(reached.values())


def grammar() -> int:
    return sum(_part(width, (64 // patch) ** 2, width, 0) for width in (64, 128, 192) for patch in (4, 8))


@cache
def _part(c: int, n: int, out: int, level: int) -> int:
    """Of n tokens of width c, a part of width `out`."""
    below = level + 1
    total = 6 * (2 if out == c else 1)
    if level < 4:
        middles = {out, c} | ({2 * c} if c <= 512 else set()) | ({c // 2} if c % 2 == 0 else set())
        total += sum(_part(c, n, middle, below) * _part(middle, n, out, below) for middle in middles)
        total += sum(_part(c, n, out, below) ** ways for ways in (2, 4))
        if out % 2 == 0:
            total += _part(c, n, out // 2, below) ** 2
    if level < 3 and n <= 256:
        total += _part(n, c, n, below)
        if n % 8 == 0:
            total += sum(_part(c, size, out, below) for size in (2, 4, 8))
    return total
