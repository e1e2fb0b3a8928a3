"""The zoo by name, and the table of what its models are."""

import json

import pytest

import archdsl
from archdsl import zoo, zoo_table
from archdsl.cache import cache_folder
from archdsl.cli import zoo as command
from archdsl.cli.main import run
from archdsl.programs import packaged_program


@pytest.fixture
def own_zoo(tmp_path, monkeypatch):
    """A zoo of two files and an empty cache."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    (folder / "a.arch").write_text(
        "## A (arXiv 1234.56789).\nmodel family(n: int = 2)(x: [b, 3, 4, 4]) {\n  return x |> conv(n, 1) as conv\n}\n\n"
        "let dense = linear(3)\n\nlet family_small = family()\n\nlet family_large  = family_small(4)\n",
        encoding="utf-8",
    )
    (folder / "b.arch").write_text(
        "from zoo.a import family\n\nmodel alone()(x: [b, 3, 4, 8]) {\n  return x\n}\n\nlet borrowed = family(8)\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(zoo, "_FOLDER", folder)
    cache = tmp_path / "cache"
    monkeypatch.setenv("ARCHDSL_CACHE", str(cache))
    return folder


def test_names_are_those_of_variants_and_of_models_without(own_zoo):
    assert ["alone", "borrowed", "family_large", "family_small"] == zoo.names()


def test_a_pattern_is_a_glob_or_a_part(own_zoo):
    assert [["family_large", "family_small"], ["borrowed"], []] == [zoo.names(p) for p in ("family*", "row", "x*")]


def test_a_model_with_variants_can_be_named_too(own_zoo):
    found = zoo.homes()
    assert ("zoo.a", False, "zoo.b", True) == (
        found["family"].module,
        found["family"].variant,
        found["borrowed"].module,
        found["borrowed"].variant,
    )
    assert "dense" not in found


def test_a_new_variant_is_seen(own_zoo):
    before = zoo.names()
    with (own_zoo / "b.arch").open("a", encoding="utf-8") as file:
        file.write("let borrowed_again = borrowed\n")
    assert {"borrowed_again"} == set(zoo.names()) - set(before)


def test_every_name_is_declared_once_and_what_the_scan_says():
    for path in zoo.files():
        program = packaged_program(f"zoo.{path.stem}")
        declared = [name for name in program.declarations if name in zoo.homes()]
        assert {path.stem} == {zoo.homes()[name].family for name in declared}
        assert set(declared) == {
            name
            for name, info in program.declarations.items()
            if info.kind == "model" or (info.kind == "let" and is_model(program, name))
        }


def is_model(program: object, name: str) -> bool:
    try:
        archdsl.costs(program, name)
    except archdsl.UsageError:
        return False
    return True


# ---- the table


def test_a_row_tells_costs_input_and_paper():
    assert zoo_table.ZooModel("van_b0", "van", 4105800, 864224000, 224, "2202.09741", None) == zoo_table.zoo_model(
        "van_b0"
    )


def test_rows_are_kept_until_a_text_changes(monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHDSL_CACHE", str(tmp_path / "cache"))
    made = []
    real = zoo_table.zoo_model
    monkeypatch.setattr(zoo_table, "zoo_model", lambda name: made.append(name) or real(name))
    first = zoo_table.zoo_table(["van_b0"])
    assert first == zoo_table.zoo_table(["van_b0"])
    zoo_table.zoo_table(["van_b1", "van_b0"])
    assert ["van_b0", "van_b1"] == made
    monkeypatch.setattr(zoo_table, "FORM", zoo_table.FORM + 1)
    zoo_table.zoo_table(["van_b0"])
    assert ["van_b0", "van_b1", "van_b0"] == made


@pytest.mark.parametrize("kept", [b"", b"[]", b"{", b'{"van_b0": {"name": "van_b0"}}', b'{"van_b0": 3}', b"\xff"])
def test_a_torn_table_is_made_anew(monkeypatch, tmp_path, kept):
    monkeypatch.setenv("ARCHDSL_CACHE", str(tmp_path / "cache"))
    expected = zoo_table.zoo_table(["van_b0"])
    folder = cache_folder()
    assert folder is not None
    (entry,) = folder.glob("zoo-*")
    entry.write_bytes(kept)
    assert expected == zoo_table.zoo_table(["van_b0"])


# ---- the command


def test_the_command_prints_a_table(capsys):
    assert 0 == run(["zoo", "van_b0"])
    assert (
        "name    params   MACs  input  paper\nvan_b0  4.11 M  864 M    224  arXiv 2202.09741\n"
        == capsys.readouterr().out
    )


def test_json_is_a_list_of_objects(capsys):
    assert 0 == run(["zoo", "van_b0", "--json"])
    assert [
        {
            "name": "van_b0",
            "family": "van",
            "params": 4105800,
            "macs": 864224000,
            "size": 224,
            "paper": "2202.09741",
            "preprocessing": None,
        }
    ] == json.loads(capsys.readouterr().out)


def test_a_pattern_that_fits_nothing_has_a_suggestion(capsys):
    assert 2 == run(["zoo", "vam_b0"])
    assert "Error: the zoo has no name like 'vam_b0'; a similar name is `van_b0`\n" == capsys.readouterr().err


def test_who_waits_is_told_how_far_it_is(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("ARCHDSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(command, "PATIENCE", -1.0)
    assert 0 == run(["zoo", "van_b*"])
    assert "counting the models of the zoo, once: 0 of 3\n" == capsys.readouterr().err
