from pathlib import Path

from archdsl import resources
from archdsl.resources import resource


def test_in_an_editable_install_data_stands_beside_the_package():
    expected = Path(__file__).parent.parent / "grammars" / "arch.lark"
    assert expected == resource("grammars/arch.lark")
    assert expected.is_file()


def test_what_belongs_to_the_package_lies_in_it():
    assert Path(resources.__file__).parent / "std" == resource("std")


def test_in_a_wheel_all_data_lies_in_the_package(monkeypatch, tmp_path):
    (tmp_path / "_data").mkdir()
    monkeypatch.setattr(resources, "SHIPPED", tmp_path / "_data")
    assert tmp_path / "_data" / "searchspaces" / "a.arch" == resource("searchspaces/a.arch")
