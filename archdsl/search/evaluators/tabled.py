"""Tables of results: columns of text, read once, with an index from keys to rows."""

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from archdsl.diagnostics.record import UsageError
from archdsl.search.contract import Option

PARQUET = (".parquet", ".pq")
Key = tuple[str, ...]


@dataclass(slots=True)
class Table:
    """Columns by name, as they were read; empty cells where there is nothing."""

    path: str
    columns: dict[str, list[str]]
    _indices: dict[Key, dict[Key, int]] = field(default_factory=dict[Key, dict[Key, int]])
    _numeric: dict[str, bool] = field(default_factory=dict[str, bool])

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def index(self, names: Key) -> Mapping[Key, int]:
        """The row of each combination of cells. Raises UsageError where two rows have the same."""
        found = self._indices.get(names)
        if found is None:
            found = self._indices[names] = self._indexed(names)
        return found

    def cells(self, name: str) -> list[str]:
        """A column as `cell` writes values."""
        plain = {text: plain_text(text) for text in set(self.columns[name])}
        return [plain[text] for text in self.columns[name]]

    def number(self, name: str, row: int) -> float | None:
        """The number in a cell; None where it is empty or no number."""
        return _number(self.columns[name][row])

    def is_numeric(self, name: str) -> bool:
        """Whether a column holds numbers, at least one, and nothing else."""
        found = self._numeric.get(name)
        if found is None:
            texts = self.columns[name]
            found = self._numeric[name] = any(texts) and all(not text or _number(text) is not None for text in texts)
        return found

    def _indexed(self, names: Key) -> dict[Key, int]:
        keys = list(zip(*(self.cells(name) for name in names), strict=True)) if names else [()] * len(self)
        found: dict[Key, int] = {}
        for row, key in enumerate(keys):
            first = found.setdefault(key, row)
            if first != row:
                shown = ", ".join(f"{name} = {cell or '(empty)'}" for name, cell in zip(names, key, strict=True))
                raise UsageError(f"`{self.path}` has two rows, {first + 2} and {row + 2}, for {shown or 'no decision'}")
        return found


def table_at(path: str) -> Table:
    """The table of a file, read again when the file has changed. Raises UsageError with what is wrong with it."""
    try:
        found = Path(path).stat()
    except OSError as error:
        raise UsageError(f"the table `{path}` cannot be read: {(error.strerror or str(error)).lower()}") from None
    return _read(path, found.st_mtime_ns, found.st_size)


def cell(value: Option) -> str:
    """A value as tables hold it: numbers in one form, so that 8, 8.0 and "8" are one."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{','.join(map(cell, value))}]"
    return plain_text(str(value))


@lru_cache(maxsize=16)
def _read(path: str, written: int, size: int) -> Table:
    columns = _parquet(path) if path.lower().endswith(PARQUET) else _csv(path)
    if not columns:
        raise UsageError(f"the table `{path}` is empty")
    if "" in columns and len(columns) > 1 and columns[""] == [str(i) for i in range(len(columns[""]))]:
        del columns[""]  # the row numbers that pandas writes
    if not next(iter(columns.values()), ()):
        raise UsageError(f"the table `{path}` has columns and no rows")
    return Table(path, columns)


def _csv(path: str) -> dict[str, list[str]]:
    try:
        data = Path(path).read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        if data.startswith(b"PAR1"):
            raise UsageError(f"the table `{path}` is a Parquet file: let its name end in .parquet")
        text = data.decode("utf-8-sig")
    except (OSError, EOFError) as error:
        raise UsageError(f"the table `{path}` cannot be read: {str(error).lower()}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the table `{path}` is no UTF-8 text") from None
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error as error:
        raise UsageError(f"the table `{path}` is no CSV file: {error}") from None
    if not rows:
        return {}
    head = [name.strip() for name in rows[0]]
    repeated = sorted({name for name in head if head.count(name) > 1})
    if repeated:
        raise UsageError(f"the table `{path}` has two columns `{repeated[0]}`")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(head):
            raise UsageError(f"row {number} of the table `{path}` has {len(row)} cells and the head {len(head)}")
    return {name: [row[number] for row in rows[1:]] for number, name in enumerate(head)}


def _parquet(path: str) -> dict[str, list[str]]:
    try:
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise UsageError(
            f"the table `{path}` is a Parquet file, which `pyarrow` reads: pip install pyarrow, or write it as CSV"
        ) from None
    try:
        found: Mapping[str, Sequence[Any]] = parquet.read_table(path).to_pydict()
    except Exception as error:  # pyarrow has many
        raise UsageError(f"the table `{path}` cannot be read: {error}") from None
    return {name: ["" if value is None else cell(_tuple(value)) for value in values] for name, values in found.items()}


def _tuple(value: Any) -> Option:
    return tuple(map(_tuple, cast("Sequence[Any]", value))) if isinstance(value, list) else value


def plain_text(text: str) -> str:
    """A cell without what differs between those who write tables."""
    text = text.strip()
    if text.isdecimal():
        return text.lstrip("0") or "0"
    number = _number(text)
    if number is not None:
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    if text in ("True", "False", "TRUE", "FALSE"):
        return text.lower()
    if text in ("None", "NONE"):
        return "none"
    if text[:1] in ("(", "[") and text[-1] in (")", "]"):
        return f"[{','.join(plain_text(part) for part in text[1:-1].split(',') if part.strip())}]"
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text


def _number(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None
