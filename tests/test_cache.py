import os
import stat

import pytest

from archdsl.cache import cache_folder, keep_cached, read_cached


@pytest.fixture
def wanted(monkeypatch, tmp_path):
    folder = tmp_path / "deep" / "cache"
    monkeypatch.setenv("ARCHDSL_CACHE", str(folder))
    return folder


def test_the_folder_is_made_for_the_user_alone(wanted):
    assert wanted == cache_folder()
    assert 0o700 == stat.S_IMODE(wanted.stat().st_mode)


def test_what_is_kept_is_read_back_and_nothing_else_stays(wanted):
    keep_cached("tables", b"first")
    keep_cached("tables", b"second")
    assert b"second" == read_cached("tables")
    assert ["tables"] == os.listdir(wanted)


def test_what_was_never_kept_is_none(wanted):
    assert None is read_cached("tables")


def test_a_folder_that_others_may_write_to_is_not_used(wanted):
    wanted.mkdir(parents=True)
    (wanted / "tables").write_bytes(b"planted")
    wanted.chmod(0o777)
    keep_cached("tables", b"mine")
    assert (None, None) == (cache_folder(), read_cached("tables"))
    assert b"planted" == (wanted / "tables").read_bytes()


def test_a_link_is_not_used(wanted, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    wanted.parent.mkdir()
    wanted.symlink_to(tmp_path / "elsewhere")
    assert None is cache_folder()


def test_a_file_in_its_place_is_passed_over_in_silence(wanted):
    wanted.parent.mkdir()
    wanted.write_text("in the way")
    keep_cached("tables", b"mine")
    assert (None, None) == (cache_folder(), read_cached("tables"))


def test_a_name_that_cannot_be_written_leaves_nothing_behind(wanted):
    (wanted / "tables").mkdir(parents=True)
    wanted.chmod(0o700)
    keep_cached("tables", b"mine")
    assert (None, ["tables"]) == (read_cached("tables"), os.listdir(wanted))


def test_without_a_name_it_lies_in_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("ARCHDSL_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tmp_path / "archdsl" == cache_folder()
