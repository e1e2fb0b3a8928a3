"""The canonical form: it means the same, formatting it again changes nothing, and no comment is lost."""

from pathlib import Path

from hypothesis import given, settings

from archdsl.source import Source
from archdsl.syntax.format import format_text
from archdsl.syntax.parse import parse
from tests.strategies import programs, scattered

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(
    path for folder in ("examples", "archdsl/std", "archdsl/zoo", "searchspaces") for path in (ROOT / folder).rglob("*.arch")
)


def fmt(text: str) -> str:
    return format_text(Source("a.arch", text))


def assert_canonical(text: str) -> None:
    once = fmt(text)
    before, after = parse(Source("a.arch", text)), parse(Source("a.arch", once))
    assert () == after.diagnostics
    assert before.file.items == after.file.items
    assert [c.text for c in before.file.comments] == [c.text for c in after.file.comments]
    assert once == fmt(once)


@given(programs())
@settings(max_examples=300)
def test_programs_keep_their_meaning(text):
    assert_canonical(text)


@given(scattered())
@settings(max_examples=500)
def test_comments_stay_wherever_they_stand(text):
    assert_canonical(text)
