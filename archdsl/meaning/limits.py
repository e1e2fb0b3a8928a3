"""How far a program may go before it is stopped with a message. Each limit can be raised by `--limit NAME=VALUE`."""

from dataclasses import dataclass, fields, replace

from archdsl.diagnostics.record import UsageError


@dataclass(frozen=True, slots=True)
class Limits:
    """The documentation of each limit stands in `docs/limits.md`."""

    characters: int = 500_000
    nesting: int = 200
    chain: int = 1_000
    digits: int = 400
    steps: int = 300_000
    elements: int = 100_000
    recursion: int = 64
    modules: int = 100_000
    nodes: int = 1_000_000
    parameters: int = 100_000_000_000
    tensor: int = 1_000_000_000_000
    cases: int = 2_000
    conditions: int = 100_000

    def changed(self, assignments: tuple[str, ...]) -> "Limits":
        """With `NAME=VALUE` of the command line put in."""
        known = {f.name for f in fields(self)}
        values: dict[str, int] = {}
        for assignment in assignments:
            name, _, value = assignment.partition("=")
            digits = value.replace("_", "")
            if name not in known or not (digits.isascii() and digits.isdigit()) or int(digits) < 1:
                raise UsageError(
                    f"--limit takes NAME=NUMBER with one of {', '.join(sorted(known))}, not {assignment!r}"
                )
            values[name] = int(digits)
        return replace(self, **values)


DEFAULT_LIMITS = Limits()
