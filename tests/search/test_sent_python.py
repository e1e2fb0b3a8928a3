"""Python of the user that travels to machines that lack it."""

import importlib
import shutil
import sys
from pathlib import Path

import pytest

from archdsl.search.contract import Part, Work
from archdsl.search.workers import sent_python
from archdsl.search.workers.sent_python import packages_named, python_of, receive_python

EXTERN = Part("extern", {"name": "score", "reference": "ours.scoring:score", "settings": {}})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a package that needs the module beside it."""
    files = {
        "sent_pack/__init__.py": "",
        "sent_pack/deep/scoring.py": "from sent_beside import VALUE\n",
        "sent_pack/deep/notes.txt": "no Python",
        "sent_beside.py": "VALUE = 7\n",
        "other_pack/__init__.py": "",
        "loose/far.py": "raise SystemExit\n",
        "archdsl/__init__.py": "raise SystemExit\n",
    }
    for name, text in files.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "project"), *sys.path])
    return tmp_path / "project"


def test_packages_are_found_in_evaluators_and_texts():
    text = 'extern block pool(size: int)(x: [b, c]) -> [b, c] = "mine.layers:Pool"\n'
    recipe = Part("training", {"recipe": {"data": EXTERN, "mixes": (Part("here.there"), None)}})
    assert {"ours", "here"} == packages_named(Work(text, {}, recipe, (), 0))
    assert {"mine"} == packages_named(Work(text, {}, Part("static"), (), 0, allow_extern=True))
    assert set() == packages_named(Work("", {}, Part("archdsl.search.evaluators.static"), (), 0))


def test_what_is_beside_a_package_goes_with_it(project: Path):
    sent = python_of("sent_pack")
    assert sent
    assert {"sent_pack/__init__.py", "sent_pack/deep/scoring.py", "sent_beside.py", "other_pack/__init__.py"} == set(
        sent.files
    )
    assert ["sent_beside.py"] == [name for name in getattr(python_of("sent_beside"), "files", ()) if "beside" in name]


def test_a_folder_that_holds_too_much_stays(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sent_python, "MOST_FILES", 2)
    sent = python_of("sent_pack")
    assert sent
    assert {"sent_pack/__init__.py", "sent_pack/deep/scoring.py"} == set(sent.files)


def test_what_is_installed_or_missing_is_not_sent():
    assert [None, None, None] == [python_of(name) for name in ("json", "click", "not_there_at_all")]


@pytest.mark.parametrize("missing", [True, False])
def test_it_can_be_imported_where_it_arrives(project: Path, missing: bool, monkeypatch: pytest.MonkeyPatch):
    sent = python_of("sent_pack")
    assert sent
    if missing:
        shutil.rmtree(project)
    else:
        (project / "sent_beside.py").write_text("VALUE = 8\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(project)])
    importlib.invalidate_caches()
    try:
        receive_python(sent)
        receive_python(sent)
        assert 7 == importlib.import_module("sent_pack.deep.scoring").VALUE
    finally:
        for name in ("sent_pack.deep.scoring", "sent_pack.deep", "sent_pack", "sent_beside"):
            sys.modules.pop(name, None)


def test_files_that_are_there_are_used_where_they_are(project: Path, monkeypatch: pytest.MonkeyPatch):
    sent = python_of("sent_pack")
    assert sent
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(project)])
    receive_python(sent)
    assert str(project) == sys.path[0]
