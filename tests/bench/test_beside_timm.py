"""Our side of the measures beside timm, with the least of each; timm's side as a model that does nothing."""

import sys
from importlib import import_module

import pytest
import torch

from tests.bench import beside_timm
from tests.bench.beside_timm import BESIDE_TIMM, FAMILIES, Effort, Paired, in_turn
from tests.bench.stand_ins import stand_in
from tests.bench.timing import Times

LEAST = Effort(profiles=1, builds=1, least_runs=1, most_runs=1, seconds=0.0)


@pytest.fixture
def without_timm(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(beside_timm, "timm", lambda: None)


@pytest.mark.usefixtures("without_timm")
@pytest.mark.parametrize("measuring", BESIDE_TIMM, ids=lambda measuring: measuring.__name__)
def test_ours_is_measured_alone_where_timm_is_not_installed(measuring):
    threads = torch.get_num_threads()
    found = list(measuring(LEAST, ("efficientvit_m0",)))
    assert {"efficientvit_m0"} == {measure.name.rpartition(", ")[2] for measure in found}
    assert all(measure.value > 0 and dict(measure.more).keys() == {"wall", "fastest"} for measure in found)
    assert threads == torch.get_num_threads()


def test_both_run_in_turn_and_change_places(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(beside_timm, "timm", lambda: str.upper)
    order: list[str] = []
    pair = in_turn(lambda: order.append("ours"), lambda create: order.append(create("theirs")), 2)
    assert ["ours", "THEIRS", "THEIRS", "ours"] == order
    assert pair.theirs is not None
    assert (2, 2) == (len(pair.ours.processor), len(pair.theirs.processor))


def test_a_ratio_is_the_median_over_pairs():
    ours, theirs = (2.0, 9.0, 3.0), (1.0, 1.0, 3.0)
    assert 2.0 == Paired(Times(ours, ours), Times(theirs, theirs)).ratio


def test_the_families_are_ten_of_the_zoo():
    from archdsl import zoo

    assert (10, set()) == (len(set(FAMILIES)), {*FAMILIES} - {*zoo.names()})


def test_a_package_that_is_missing_has_every_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    try:
        assert ("a_missing_package",) == stand_in(("a_missing_package", "json"))
        module = import_module("a_missing_package.below")
        assert isinstance(module.Thing.OTHER, type)
        assert not hasattr(module, "__path_hook__")
    finally:
        for name in ("a_missing_package", "a_missing_package.below"):
            sys.modules.pop(name, None)
