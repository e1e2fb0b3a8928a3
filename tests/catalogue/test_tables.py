"""The tables of what may stand in `quant`, `train` and `search` are complete and agree with each other."""

from collections import Counter
from collections.abc import Iterator

import pytest

from archdsl.meaning.catalogue.contract import (
    Among,
    Between,
    Entry,
    EntrySetting,
    Field,
    alternatives,
    innermost,
)
from archdsl.meaning.catalogue.families import FAMILIES
from archdsl.meaning.catalogue.registry import entries, family, fields, find, metrics

KINDS = ("quant", "train", "search")
OF_THE_LANGUAGE = {"int", "real", "bool", "str", "tuple", "dtype", "time", "bytes", "space", "quant", "train"}
OF_AN_EXTERN = {"function"}


def every_entry() -> Iterator[Entry]:
    for named in entries().values():
        yield from named


def every_setting() -> Iterator[tuple[str, EntrySetting]]:
    for item in every_entry():
        yield from ((item.name, setting) for setting in item.settings)


def every_field() -> Iterator[Field]:
    for kind in KINDS:
        yield from fields(kind).values()


def test_a_name_is_once_in_its_family():
    counts = Counter((item.family, item.name) for item in every_entry())
    assert [] == [key for key, count in counts.items() if count > 1]


def test_a_setting_is_once_in_its_entry():
    counts = Counter((item.family, item.name, setting.name) for item in every_entry() for setting in item.settings)
    assert [] == [key for key, count in counts.items() if count > 1]


def test_every_family_is_declared_and_has_entries():
    assert set(FAMILIES) == {item.family for item in every_entry()}


def test_everything_is_documented_by_one_line_of_sentences():
    docs = {
        **{f"{item.family} {item.name}": item.doc for item in every_entry()},
        **{f"{owner}({setting.name})": setting.doc for owner, setting in every_setting()},
        **{f"field {field.name}": field.doc for field in every_field()},
        **{f"family {item.name}": item.doc for item in FAMILIES.values()},
    }
    assert {} == {
        name: doc for name, doc in docs.items() if not doc[:1].strip() or not doc.endswith(".") or "\n" in doc
    }


def test_types_name_what_exists():
    known = OF_THE_LANGUAGE | OF_AN_EXTERN | set(FAMILIES)
    settings = {name for _, setting in every_setting() for name in innermost(setting.type)}
    others = {name for family_ in FAMILIES.values() for name in family_.also}
    assert set() == (settings | others | {name for field in every_field() for name in field.families}) - known


def test_defaults_lie_in_their_domains():
    found = [
        f"{owner}({setting.name})"
        for owner, setting in every_setting()
        if setting.domain is not None and not setting.required and setting.default is not None
        if not setting.domain.holds(setting.default)
    ]
    assert [] == found


def test_defaults_have_their_types():
    python_types = {"int": int, "real": float, "bool": bool, "str": str, "list": tuple}
    found = [
        f"{owner}({setting.name})"
        for owner, setting in every_setting()
        if not setting.required and setting.default is not None
        if not any(
            type(setting.default) is python_types.get(text.rstrip("?").partition("[")[0])
            for text in alternatives(setting.type)
        )
    ]
    assert [] == found


def test_only_a_type_with_a_question_mark_defaults_to_none():
    found = [
        f"{owner}({setting.name})"
        for owner, setting in every_setting()
        if (setting.default is None) != setting.type.endswith("?")
    ]
    assert [] == found


def test_settings_that_must_be_given_come_first():
    found = [
        item.name
        for item in every_entry()
        if [s.required for s in item.settings] != sorted((s.required for s in item.settings), reverse=True)
    ]
    assert [] == found


@pytest.mark.parametrize(
    ("families", "expected"), [((), "schedule"), (("schedule",), "schedule"), (("moving", "real"), "moving")]
)
def test_a_name_of_two_families_means_the_one_that_is_asked_for(families: tuple[str, ...], expected: str):
    found = find("cosine", families)
    assert found is not None
    assert expected == found.family


def test_an_entry_of_another_family_is_found_to_be_named_in_the_message():
    found = find("adamw", ("strategy",))
    assert found is not None
    assert "optimizer" == found.family


def test_what_is_nowhere_is_none():
    assert find("adamv") is None


def test_metrics_measure_in_the_words_of_quantities():
    measured = {name: item.dimension for name, item in metrics().items() if item.dimension}
    assert {"latency": "time", "memory": "size"} == measured


def test_a_family_is_looked_up_by_name():
    assert ["constant", "cosine", "polynomial"] == list(family("schedule"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("format?", ("format",)),
        ("list[augmentation]", ("augmentation",)),
        ("moving | real", ("moving", "real")),
        ("list[list[int]?]?", ("int",)),
    ],
)
def test_the_names_inside_a_type(text: str, names: tuple[str, ...]):
    assert names == innermost(text)


def test_a_field_names_its_families_once():
    assert ("evaluator",) == fields("search")["evaluate"].families


def test_a_field_tells_whether_it_holds_a_list():
    assert {"augment", "penalties", "evaluate", "begin"} == {field.name for field in every_field() if field.many}


def test_domains_hold_their_ends():
    domain = Between(0, 1)
    assert [False, True, True, False, False] == [domain.holds(value) for value in (-0.1, 0, 1.0, 1.1, "0")]
    assert [True, False] == [Among(("slice", "branches")).holds(value) for value in ("slice", "slices")]


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        (Between(0.0, 1.0), "between 0 and 1"),
        (Between(1), "at least 1"),
        (Among(("slice", "branches")), 'one of "slice", "branches"'),
    ],
)
def test_domains_read_well_after_must_be(domain: Between | Among, words: str):
    assert words == str(domain)
