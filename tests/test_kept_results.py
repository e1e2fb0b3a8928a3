"""Results about published models, kept between runs."""

import pickle

import pytest

import archdsl
from archdsl import kept_results
from archdsl.cache import cache_folder
from archdsl.kept_results import keep_result, kept_result
from archdsl.targets import open_target


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHDSL_CACHE", str(tmp_path / "cache"))


def entries() -> list[str]:
    folder = cache_folder()
    return (
        sorted(path.name for path in folder.iterdir() if not path.name.startswith(("tree", "tables"))) if folder else []
    )


def test_what_is_kept_about_a_published_model_is_found_again():
    target = open_target("zoo:van_b0")
    assert None is kept_result(target, "thing-1")
    keep_result(target, "thing-1", [1, 2])
    assert [1, 2] == kept_result(target, "thing-1")
    assert (None, None) == (kept_result(target, "thing-2"), kept_result(open_target("zoo:van_b1"), "thing-1"))


def test_other_code_does_not_find_it(monkeypatch):
    target = open_target("zoo:van_b0")
    keep_result(target, "thing-1", [1, 2])
    monkeypatch.setattr(kept_results, "code_stamp", lambda: "later")
    assert None is kept_result(target, "thing-1")


@pytest.mark.parametrize("kept", [b"", b"torn", pickle.dumps(object)[:-3]])
def test_what_is_torn_is_as_good_as_none(kept):
    target = open_target("zoo:van_b0")
    keep_result(target, "thing-1", [1, 2])
    folder = cache_folder()
    assert folder is not None
    (folder / entries()[0]).write_bytes(kept)
    assert None is kept_result(target, "thing-1")


def test_nothing_is_kept_about_other_models(tmp_path):
    path = tmp_path / "net.arch"
    path.write_text("model net()(x: [b, 3]) {\n  return x\n}\n", encoding="utf-8")
    for target in (open_target(path), open_target("zoo:van_b0", settings={"classes": 10})):
        keep_result(target, "thing-1", [1, 2])
        assert None is kept_result(target, "thing-1")
    assert [] == entries()


def test_a_profile_that_was_kept_is_the_same_profile():
    target = open_target("zoo:van_b0")
    target.program.modules.clear()
    made = archdsl.profile("zoo:van_b0")
    assert 1 == len(entries())
    target.program.modules.clear()
    found = archdsl.profile("zoo:van_b0")
    assert made == found
    assert made is not found
    assert found is archdsl.profile("zoo:van_b0")
