"""Plans in files: what was chosen for a model, kept beside it and pinned again."""

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from archdsl.diagnostics.record import UnusableFile
from archdsl.output import new_file
from archdsl_compiler.tuning.plan import Plan

VERSION: Final[int] = Plan.model_fields["version"].default
ANEW: Final = "remove it to have a new one made and written there, or name another file"


def read_plan(path: str | Path) -> Plan:
    """A plan that was written before. Raises UnusableFile that names what does not fit."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UnusableFile(f"`{path}` cannot be read: {(error.strerror or str(error)).lower()}") from None
    try:
        return Plan.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        if field == "version" and "input" in first:
            told = f"is of version {first['input']}, and this archdsl reads version {VERSION}"
        else:
            told = f"is no plan: `{field}`: {first['msg'].lower()}"
        raise UnusableFile(f"`{path}` {told}; {ANEW}") from None


def write_plan(path: Path, plan: Plan) -> None:
    """Whole, or not at all; another process that tunes the same may have written one in the meantime."""
    with new_file(path, force=True) as temporary:
        temporary.write_text(text_of(plan), encoding="utf-8")


def text_of(plan: Plan) -> str:
    """The content of a file."""
    return plan.model_dump_json(indent=2) + "\n"
