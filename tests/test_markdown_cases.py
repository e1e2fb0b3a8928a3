"""The reader of Markdown cases."""

import pytest

from tests.markdown_cases import read_cases, rewritten

TEXT = """\
# Two faults

Prose with `code` and a block that is none of ours:

```sh
archdsl check
```

```arch
from .other import half
```
```arch name=parts/other.arch
let half = 1
```

It says:

```text --limit steps=10
old
```

```arch
let a = 2
```
```text
```
"""


def test_sources_belong_to_the_text_block_that_follows():
    first, second = read_cases(TEXT)
    assert {"case.arch": "from .other import half\n", "parts/other.arch": "let half = 1\n"} == first.sources
    assert (("--limit", "steps=10"), "old\n") == (first.arguments, first.expected)
    assert ({"case.arch": "let a = 2\n"}, (), "") == (second.sources, second.arguments, second.expected)


def test_rewriting_changes_the_text_blocks_alone():
    new = rewritten(TEXT, lambda case: f"{len(case.sources)} sources\n")
    assert TEXT.replace("old\n", "2 sources\n").replace("```text\n```", "```text\n1 sources\n```") == new


def test_what_was_rewritten_is_read_back():
    new = rewritten(TEXT, lambda case: case.sources["case.arch"])
    assert [case.sources["case.arch"] for case in read_cases(new)] == [case.expected for case in read_cases(new)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```text\n```\n", "without a case.arch"),
        ("```arch\n```\n", "without a text block"),
        ("```arch\n```\n```arch\n```\n```text\n```\n", "called case.arch"),
    ],
)
def test_a_malformed_file_is_refused(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        read_cases(text)
