"""What a call of the bench asks for, and its rows: those of the file, and those that are measured now."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.kernels.apart import apart
from tests.bench.kernels.models import note
from tests.bench.kernels.rows import Row, Rows


@dataclass(frozen=True, slots=True)
class Asked:
    models: tuple[str, ...]
    threads: tuple[int, ...]
    batch: tuple[int, ...]
    rows: Rows
    seconds: float
    """How long the contestants of a row take turns."""
    contestants: tuple[str, ...] = ()
    """Others than a figure's own."""
    candidates: int = 100
    """Of a space."""
    regions: bool = False
    """Whether to show where plans spend their time."""
    budget: str | None = None
    """How long `auto` may try engines, where that is not as usual."""

    def row(
        self,
        key: Mapping[str, object],
        function: str,
        arguments: Mapping[str, object],
        *,
        threads: int = 1,
        environment: Mapping[str, str] | None = None,
    ) -> Row | None:
        """The row of the file, or what the function of this package gives in a process of its own; None where that
        failed, which is told and tried again the next time."""
        row = self.rows.of(key)
        if row is not None:
            return row
        module, _, name = function.partition(":")
        row = {"key": dict(key)} | apart(f"tests.bench.kernels.{module}:{name}", threads, environment, **arguments)
        if "failed" in row:
            note(f"{', '.join(f'{name} {value}' for name, value in key.items())}: {row['failed']}")
            return None
        self.rows.add(row)
        return row
