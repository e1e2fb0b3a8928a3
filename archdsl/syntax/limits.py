"""How much syntax is read before a message is given instead. Every limit can be raised with `--limit NAME=VALUE`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SyntaxLimits:
    """`nesting` counts brackets in brackets; `chain` what one expression applies one after another (`a + b + ...`,
    `x[0][0]...`), brackets included, so that it also bounds the depth of the tree; `digits` those of one number."""

    nesting: int = 200
    chain: int = 1000
    characters: int = 500_000
    digits: int = 400


DEFAULT_LIMITS = SyntaxLimits()
# More faults than these are not looked for: a file of noise gets an answer at once.
MOST_FAULTS = 100
