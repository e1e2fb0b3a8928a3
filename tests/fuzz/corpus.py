"""The sources that are mutated: every `.arch` file of the repository, and those inside the Markdown cases."""

from dataclasses import dataclass
from pathlib import Path

from tests.markdown_cases import blocks

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("archdsl/std", "archdsl/zoo", "searchspaces", "examples", "tests/bench")


@dataclass(frozen=True, slots=True)
class Seed:
    """A text, with the folder in which its relative imports are looked for."""

    name: str
    text: str
    folder: Path


def seeds() -> list[Seed]:
    """All texts, in the same order on every machine."""
    found = [
        Seed(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"), path.parent)
        for folder in FOLDERS
        for path in sorted((ROOT / folder).glob("*.arch"))
    ]
    for path in sorted((ROOT / "tests" / "cases").rglob("*.md")):
        sources = [block for block in blocks(path.read_text(encoding="utf-8")) if block.language == "arch"]
        name = str(path.relative_to(ROOT))
        found += [Seed(f"{name}#{number}", block.content, path.parent) for number, block in enumerate(sources)]
    return found
