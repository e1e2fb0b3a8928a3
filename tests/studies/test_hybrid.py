"""The study of hybrid stages: `make study-hybrid`."""

import pytest

import archdsl
from tests.studies.hybrid import MODELS, STUDY
from tests.studies.study import carried_out, comparisons, report


def test_the_models_cost_the_same():
    program = archdsl.load(MODELS)
    macs = [archdsl.costs(program, arm).macs for arm in STUDY.arms]
    assert max(macs) <= 1.01 * min(macs)


@pytest.mark.study
def test_the_alternating_hybrid_is_not_worse_than_either_alone():
    results = carried_out(STUDY)
    assert all(found.holds for found in comparisons(STUDY, results)), report(STUDY, results)
