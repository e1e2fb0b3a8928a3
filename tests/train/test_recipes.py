"""Recipes: what a `train` declaration says, as plain data that travels."""

import json
import pickle
from pathlib import Path

import pytest

from archdsl.diagnostics.record import ArchError, UsageError
from archdsl.meaning.genomes import GenomeChooser
from archdsl.meaning.program import Program, load
from archdsl.parts import Part
from archdsl.train.declared import recipe_of
from archdsl.train.recipe import Recipe

TEXT = """\
extern function pictures(count: int = 8) = "mine.data:pictures"

train quick(epochs: int = 6) {
  data      = digits()
  epochs    = epochs
  optimizer = adamw(lr=1e-3)
  augment   = [flip(), mixup(0.2)]
  precision = bfloat16
}

train searched() {
  data      = pictures(count=4)
  optimizer = choose(adamw(lr=choose(1e-3, 2e-3)), sgd())
}

train ahead() {
  data = digits()
  loss = multi_task(["a", "b"])
}
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    file = tmp_path / "recipes.arch"
    file.write_text(TEXT, encoding="utf-8")
    return load(file)


def test_a_recipe_has_every_setting(program: Program):
    found = recipe_of(program, "quick")
    assert {
        "data": Part("digits"),
        "epochs": 6,
        "optimizer": Part("adamw", {"lr": 1e-3, "decay": 0.05, "betas": (0.9, 0.999)}),
        "augment": (Part("flip", {"probability": 0.5}), Part("mixup", {"alpha": 0.2})),
        "precision": "bfloat16",
    } == found
    assert 6 == Recipe.of(found).epochs


def test_settings_are_given_to_a_recipe(program: Program):
    assert 2 == recipe_of(program, "quick", {"epochs": 2})["epochs"]
    with pytest.raises(ArchError, match="E0206"):
        recipe_of(program, "quick", {"epochs": "two"})


def test_a_recipe_survives_json_and_pickle(program: Program):
    recipe = Recipe.of(recipe_of(program, "quick"))
    assert recipe == Recipe.of(json.loads(json.dumps(recipe.as_json())))
    assert recipe == pickle.loads(pickle.dumps(recipe))


def test_choices_in_a_recipe_are_decided_by_their_paths(program: Program):
    chooser = GenomeChooser({"optimizer": "adamw", "optimizer.lr": 2e-3})
    found = recipe_of(program, "searched", chooser=chooser)
    optimizer = found["optimizer"]
    assert isinstance(optimizer, Part)
    assert ("adamw", 2e-3) == (optimizer.name, optimizer["lr"])
    assert "sgd" == getattr(
        recipe_of(program, "searched", chooser=GenomeChooser({"optimizer": "sgd"}))["optimizer"], "name", ""
    )
    with pytest.raises(ArchError, match="`optimizer` is open"):
        recipe_of(program, "searched")


def test_a_function_of_pythons_is_a_part(program: Program):
    chooser = GenomeChooser({"optimizer": "sgd"})
    data = recipe_of(program, "searched", chooser=chooser)["data"]
    expected = {"name": "pictures", "reference": "mine.data:pictures", "settings": {"count": 4}}
    assert Part("extern", expected) == data


def test_a_function_is_a_data_source_with_and_without_its_settings(tmp_path: Path):
    file = tmp_path / "functions.arch"
    head = TEXT.partition("\n")[0]
    file.write_text(f"{head}\ntrain a() {{\n  data = pictures\n}}\ntrain b() {{\n  data = pictures()\n}}\n")
    program = load(file)
    assert recipe_of(program, "a") == recipe_of(program, "b")


def test_what_cannot_run_yet_is_refused_where_it_stands(program: Program):
    with pytest.raises(ArchError) as caught:
        recipe_of(program, "ahead")
    (found,) = caught.value.diagnostics
    assert ("E0222", 'multi_task(["a", "b"])') == (found.code, found.primary.span.text)


@pytest.mark.parametrize(("name", "words"), [("quik", "a similar name is `quick`"), ("pictures", "is a function")])
def test_a_name_that_is_no_recipe(program: Program, name: str, words: str):
    with pytest.raises(UsageError, match=words):
        recipe_of(program, name)
