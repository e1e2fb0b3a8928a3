"""Decisions that were taken: what was on offer, and what was taken of it."""

from dataclasses import dataclass

from archdsl.meaning.values import Value
from archdsl.source import Span


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """What a choice had to offer one candidate: all options as they are recorded, the numbers of those that were open,
    and where it stands. A continuous range has `bounds` instead."""

    names: tuple[Value, ...]
    allowed: tuple[int, ...]
    span: Span
    bounds: tuple[float, float] | None = None


class Taken(tuple[str, Value]):
    """A path and the option taken there, which alone tell decisions apart; with what was on offer."""

    offer: Offer

    def __new__(cls, path: str, option: Value, offer: Offer) -> "Taken":
        made = super().__new__(cls, (path, option))
        made.offer = offer
        return made
