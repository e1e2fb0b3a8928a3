"""The codes by name: what `explain`, the pages and the tests go through."""

from collections.abc import Iterator
from functools import cache

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Code


@cache
def _by_name() -> dict[str, Code]:
    found = sorted(
        (value for value in vars(codes).values() if isinstance(value, Code)), key=lambda c: (c.severity, c.name)
    )
    by_name = {code.name: code for code in found}
    if len(by_name) != len(found):
        raise ValueError("two constants share a code")
    return by_name


def code(name: str) -> Code | None:
    """The code with this name, in upper or lower case."""
    return _by_name().get(name.upper())


def all_codes() -> Iterator[Code]:
    """Every code, errors before lints."""
    return iter(_by_name().values())
