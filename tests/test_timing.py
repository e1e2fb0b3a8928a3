"""Times of modules: one for each module of the built model."""

import pytest

import archdsl
from archdsl.cli.main import run
from archdsl.targets import open_target
from archdsl.timing import module_times

NET = """\
model net(n: int = 4)(x: [b, 3, 8, 8]) {
  let same = conv(3, 1) as same
  return x |> same |> same |> mean(axes=(2, 3)) |> linear(n) as head
}
"""


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.arch"
    path.write_text(NET, encoding="utf-8")
    return path


def test_every_module_of_the_model_has_a_time(net):
    times = module_times(open_target(net))
    assert {"", "same", "head"} == set(times)
    assert times[""] > times["same"] + times["head"] > 0.0


def test_a_profile_has_the_times_if_it_is_to_measure(net):
    plain, measured = archdsl.profile(net), archdsl.profile(net, measure=True)
    assert [None, None, None] == [module.time for module in plain.modules]
    assert [True, True, True] == [module.time is not None and module.time > 0.0 for module in measured.modules]
    assert plain.macs == measured.macs


def test_the_command_has_a_column_and_a_field_for_them(net, capsys):
    assert 0 == run(["profile", str(net), "--measure"])
    assert " ms  [1, 4]" in capsys.readouterr().out
    assert 0 == run(["profile", str(net), "--measure", "--json"])
    assert '"time": ' in capsys.readouterr().out
