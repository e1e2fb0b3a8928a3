"""What a target means, and what is said where it means nothing."""

import os
from pathlib import Path

import pytest

import archdsl
from archdsl.targets import open_target

NET = """\
mixer mix()(x: [b, c, h, w]) {
  return x |> conv(c, 1) as conv
}

model net(width: int = 8, mixer: mixer = mix)(x: [b, 3, 8, 8]) {
  return x |> conv(width, 1) as stem |> mixer() as mixer |> mean(axes=(2, 3)) |> linear(10) as head
}
"""
SPACE = """\
space wide() {
  let width = choose(4, 8, 16)
  let bias = choose(true, false)
  require width >= 8: "wide"
  return net(width, mixer=conv(width, 1, bias=bias))
}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.arch").write_text(NET, encoding="utf-8")
    (tmp_path / "both.arch").write_text(NET + SPACE, encoding="utf-8")
    (tmp_path / "space.arch").write_text(f"from .net import net\n{SPACE}", encoding="utf-8")
    (tmp_path / "two.arch").write_text(f"{NET}let net_s = net(4)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def usage(target: object, **options: object) -> str:
    with pytest.raises(archdsl.UsageError) as raised:
        open_target(target, **options).graph()
    return str(raised.value)


def codes(target: object, **options: object) -> list[tuple[str, str]]:
    with pytest.raises(archdsl.ArchError) as raised:
        open_target(target, **options).graph()
    return [(d.code, d.title) for d in raised.value.diagnostics]


# ---- names


def test_a_file_with_one_model_is_that_model(folder):
    target = open_target("net.arch")
    assert ("net", "model", "net.arch", 194) == (target.name, target.kind, target.shown, target.graph().params)


def test_a_name_behind_a_colon_is_taken(folder):
    assert ["net_s", "net", "wide"] == [
        open_target(t).name for t in ("two.arch:net_s", "two.arch:net", "both.arch:wide")
    ]


def test_the_zoo_is_found_by_the_names_of_its_variants():
    target = open_target("zoo:van_b0")
    assert ("van_b0", "model", 4105800) == (target.name, target.kind, target.graph().params)
    assert "van" == open_target("zoo:van").name


def test_a_path_and_a_loaded_program_will_do(folder):
    program = archdsl.load("two.arch")
    assert "net" == open_target(folder / "net.arch").name
    assert "net_s" == open_target((program, "net_s")).name


def test_an_open_target_takes_more_settings(folder):
    target = open_target("net.arch", settings={"width": 4})
    assert {"width": 4} == open_target(target).settings
    assert {"width": 16} == open_target(target, settings={"width": 16}).settings


def test_several_models_are_listed(folder):
    assert "`two.arch` declares several models: `net`, `net_s`; name one, as in `two.arch:net`" == usage("two.arch")


def test_a_model_goes_before_a_space_unless_a_candidate_is_given(folder):
    assert ["net", "wide"] == [open_target("both.arch").name, open_target("both.arch", pick="first").name]


def test_a_file_without_what_is_wanted_says_what_it_has(folder):
    (folder / "mixers.arch").write_text(NET.partition("model")[0], encoding="utf-8")
    assert "`mixers.arch` declares no model or space; it has: mixer `mix`" == usage("mixers.arch")
    assert "`net.arch` declares no search; it has: mixer `mix`, model `net`" == usage("net.arch", wants=("search",))


def test_a_name_of_another_kind_is_none(folder):
    assert "`mix` of `net.arch` is a mixer, no model or space; it has `net`" == usage("net.arch:mix")
    (folder / "seven.arch").write_text("let seven = 7\n", encoding="utf-8")
    assert "`seven` of `seven.arch` is a value, no model or space; it has none" == usage("seven.arch:seven")


def test_an_unknown_name_has_a_suggestion(folder):
    assert "`net.arch` has no `nett`; a similar name is `net`" == usage("net.arch:nett")
    assert "`net.arch` has no `zebra`; it has `net`" == usage("net.arch:zebra")


def test_a_name_that_the_zoo_lacks_has_a_suggestion():
    assert "the zoo has no `van_bO`; a similar name is `van_b0`" == usage("zoo:van_bO")
    assert "the zoo has no `van_`; names that begin like it: `van_b0`, `van_b1`, `van_b2`" == usage("zoo:van_")
    assert usage("zoo:van_something_else").endswith("; names that begin like it: `van_b0`, `van_b1`, `van_b2`")
    assert "the zoo has no ``; `archdsl zoo` lists what it has" == usage("zoo:")


@pytest.mark.parametrize("target", ["", "net", "net.txt", ".", "net.arch:", "net.arch:two words", "zoo"])
def test_what_is_no_target_is_told_its_forms(folder, target):
    assert usage(target).startswith("a target is FILE.arch, FILE.arch:NAME or zoo:NAME")


def test_a_name_of_the_zoo_alone_is_told_how_it_is_written():
    assert usage("van_b0").endswith("not 'van_b0'; for the model of the zoo write `zoo:van_b0`")


def test_a_file_that_is_not_there_has_a_suggestion(folder):
    with pytest.raises(archdsl.ArchError) as raised:
        open_target("nett.arch:net")
    (diagnostic,) = raised.value.diagnostics
    assert ("E0107", "`nett.arch` cannot be read: there is no such file") == (diagnostic.code, diagnostic.title)
    assert ("a file with a similar name exists: `net.arch`",) == diagnostic.notes


def test_a_file_with_faults_tells_them(folder):
    (folder / "wrong.arch").write_text("let a = b\n", encoding="utf-8")
    assert [("E0101", "`b` is not known here")] == codes("wrong.arch")
    (folder / "folder.arch").mkdir()
    assert [("E0107", "`folder.arch` cannot be read: it is a directory")] == codes("folder.arch")


# ---- settings and candidates


def test_settings_come_from_python_and_from_text(folder):
    target = open_target("net.arch", settings={"width": 4}, written=["mixer=conv(4, 3)"])
    assert {"width": "4", "mixer": "conv(out=4, kernel=3)"} == target.written_settings()
    assert 16 + 148 + 50 == target.graph().params


def test_a_setting_is_given_once(folder):
    assert "`width` is given twice" == usage("net.arch", settings={"width": 4}, written=["width=4"])


def test_a_wrong_setting_is_a_fault(folder):
    assert [("E0203", "`net` has no setting `widht`")] == codes("net.arch", settings={"widht": 4})


def test_a_space_without_a_candidate_says_how_one_is_given(folder):
    message = usage("space.arch")
    assert message.startswith("`wide` is a space of many candidates, and the decision `width` is open: ")
    assert ("--genome FILE" in message, "--pick first" in message) == (True, True)


def test_a_genome_decides(folder):
    target = open_target("space.arch", genome={"width": 16, "bias": True})
    assert 16 == dict(target.graph().settings)["width"]
    assert target.graph().params == target.costs().params


def test_an_incomplete_genome_names_what_is_open(folder):
    assert [("E0502", "the decision `bias` is open")] == codes("space.arch", genome={"width": 16})


def test_the_first_candidate_is_the_first_that_is_allowed(folder):
    assert {"width": 8, "bias": True} == open_target("space.arch", pick="first").genome


def test_a_pick_is_first_and_alone(folder):
    assert """the only pick is "first", not 'last'""" == usage("space.arch", pick="last")
    assert "a genome and a pick exclude each other: give one of them" == usage("space.arch", pick="first", genome={})


def test_a_space_with_its_decisions_taken_needs_no_candidate(folder):
    text = 'from .space import wide\nlet best = decide(wide(), [("width", 8), ("bias", true)])\n'
    (folder / "best.arch").write_text(text, encoding="utf-8")
    assert ("best", 8) == (open_target("best.arch").name, dict(open_target("best.arch").graph().settings)["width"])


# ---- memory


def test_a_file_is_read_once_until_it_or_an_import_changes(folder):
    first = open_target("space.arch", pick="first").program
    assert first is open_target("space.arch:wide", pick="first").program
    later = (folder / "net.arch").stat().st_mtime_ns + 1_000_000_000
    os.utime(folder / "net.arch", ns=(later, later))
    assert first is not open_target("space.arch", pick="first").program


def test_a_model_of_the_zoo_is_read_once():
    assert open_target("zoo:van_b0").program is open_target("zoo:van_b1").program
    assert open_target("zoo:van_b0").graph() is open_target("zoo:van_b0").graph()


def test_equal_candidates_are_one_graph_and_others_are_not_taken_for_it(folder):
    def graph(**settings: object) -> object:
        return open_target("net.arch", settings=settings).graph()

    assert graph() is graph()
    assert graph(width=4) is graph(width=4)
    assert graph(width=4) is not graph(width=5)
    assert graph(width=1) is open_target("net.arch", written=["width=2 - 1"]).graph()
    assert [("E0206", "`width` of `net` must be an int, not true")] == codes("net.arch", settings={"width": True})
    assert "the setting `width` cannot be set" in usage("net.arch", settings={"width": {1}})
