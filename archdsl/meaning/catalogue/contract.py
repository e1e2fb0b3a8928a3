"""What an entry of the catalogue is: a name with typed settings that stands in a field, such as `adamw(lr=1e-3)`.

Types are written as in the language (`int`, `list[str]`, `real?`), of a setting also several with `|` between. Besides
the types of the language they name families of entries, and `function`, which is an `extern function`."""

from dataclasses import dataclass
from typing import TypeAlias

from archdsl_compiler.ops.contract import REQUIRED, Required


@dataclass(frozen=True, slots=True)
class Between:
    """Numbers from `low` to `high`, both included; without `high` there is no upper end."""

    low: float
    high: float | None = None

    def holds(self, value: object) -> bool:
        if not isinstance(value, int | float):
            return False
        return self.low <= value and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        """As it reads after "must be"."""
        return f"at least {self.low:g}" if self.high is None else f"between {self.low:g} and {self.high:g}"


@dataclass(frozen=True, slots=True)
class Among:
    """One of a few strings."""

    values: tuple[str, ...]

    def holds(self, value: object) -> bool:
        return value in self.values

    def __str__(self) -> str:
        """As it reads after "must be"."""
        return "one of " + ", ".join(f'"{value}"' for value in self.values)


Domain: TypeAlias = Between | Among
Default: TypeAlias = "int | float | bool | str | tuple[Default, ...] | Required | None"
"""A value of the language as Python writes it, or that there is none."""


@dataclass(frozen=True, slots=True)
class EntrySetting:
    """One setting of an entry; without a default it must be given. A domain is asked of what is not `none`."""

    name: str
    type: str
    doc: str
    default: Default = REQUIRED
    domain: Domain | None = None

    @property
    def required(self) -> bool:
        return isinstance(self.default, Required)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that a field can hold. `dimension` says what a metric measures, in the words of quantities: "time",
    "size", or nothing for plain numbers. What is declared but not `built` passes the checker and is refused when it is
    to run."""

    name: str
    family: str
    doc: str
    settings: tuple[EntrySetting, ...] = ()
    dimension: str = ""
    built: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """Entries that can stand for each other. `words` are for messages ("an optimizer"), `also` are other types that fit
    wherever the family does."""

    name: str
    words: str
    doc: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the body of a `quant`, `train` or `search`. `takes` are the types that fit, the usual one first."""

    name: str
    takes: tuple[str, ...]
    doc: str
    required: bool = False
    domain: Domain | None = None

    @property
    def families(self) -> tuple[str, ...]:
        """The names in its types. They decide what a name means that two families have."""
        return tuple(dict.fromkeys(name for text in self.takes for name in innermost(text)))

    @property
    def many(self) -> bool:
        """Whether it can hold a list."""
        return any(text.startswith("list[") for text in self.takes)


def alternatives(type_text: str) -> tuple[str, ...]:
    """The types that a text names: `moving | real` names two."""
    return tuple(text.strip() for text in type_text.split("|"))


def innermost(type_text: str) -> tuple[str, ...]:
    """The names inside a type: `list[augmentation]?` speaks of `augmentation`."""
    return tuple(text.rstrip("]?").rpartition("[")[2] for text in alternatives(type_text))


def setting(
    name: str, type_text: str, doc: str, default: Default = REQUIRED, domain: Domain | None = None
) -> EntrySetting:
    return EntrySetting(name, type_text, doc, default, domain)


def entry(name: str, family: str, doc: str, *settings: EntrySetting, dimension: str = "", built: bool = False) -> Entry:
    """An entry with its settings in the order in which positions fill them."""
    return Entry(name, family, doc, settings, dimension, built)
