"""Prices of kernels: measured once, all forms of a region in one race; nothing that a kernel does wrong is fatal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import pytest

from archdsl_compiler.kernels.contract import Case, Kernel, Mode, Place
from archdsl_compiler.kernels.plain import Plain
from archdsl_compiler.kernels.regions.contract import Cut
from archdsl_compiler.tuning import pricing as pricing_module
from archdsl_compiler.tuning.conditions import Conditions
from archdsl_compiler.tuning.measuring import Race, Timing, race
from archdsl_compiler.tuning.pricing import BEGUN, Price, Pricing
from archdsl_compiler.tuning.program import Weights, case_of, observe
from archdsl_compiler.tuning.record import Record
from archdsl_compiler.tuning.rows import Kept
from tests.compiler.kernels.flat_models import cut_of, graph_of, inputs_of

HERE = Conditions("cpu", "a machine", (), 1, "2", "", "default")
PLACE = Place("cpu", 1, frozenset())
MODES = (Mode("natural"), Mode("last"))
NET = "model net()(x: [b, 3, 9, 9]) { return x |> conv(6, 3) as one |> conv(5, 3) as two }"
pytestmark = pytest.mark.usefixtures("one_thread")

Change = Callable[..., Any]


@dataclass(frozen=True)
class Told:
    """A kernel that does with the plain result what it is told to."""

    name: str
    change: Change = lambda result: result
    version: int = 1
    kinds: tuple[str, ...] = ()

    def applies(self, case: Case) -> bool:
        return True

    def factor(self, case: Case) -> float:
        return 0.5

    def make(self, case: Case, weights: Mapping[str, Any], constants: Mapping[int, Any]) -> Callable[..., Any]:
        plain = Plain().make(case, weights, constants)
        return lambda *inputs: self.change(plain(*inputs), *inputs[: self.name == "greedy"])

    def written(self, case: Case) -> None:
        return None


def raises(result: object) -> object:
    raise RuntimeError("out of luck\nand more")


WRONG = (
    Told("off", lambda result: result * 1.01),
    Told("nan", lambda result: result * float("nan")),
    Told("shape", lambda result: result[:, :1]),
    Told("raising", raises),
    Told("greedy", lambda result, given: (given.zero_(), result)[1]),
    Told("same"),
)


@pytest.fixture
def net() -> tuple[Cut, list[tuple[Case, Weights]]]:
    """A model of two regions, each of which comes in two forms."""
    parts, state = cut_of(graph_of(NET))
    weights = Weights(parts, state)
    inputs = inputs_of(graph_of(NET))
    seen = {mode: observe(parts, weights, inputs, mode) for mode in MODES}
    return parts, [(case_of(region, mode, seen[mode], PLACE), weights) for mode in MODES for region in parts.running]


def use(monkeypatch: pytest.MonkeyPatch, *kernels: Kernel) -> None:
    monkeypatch.setattr(pricing_module, "kernels_for", lambda kind: (Plain(), *kernels))


def priced(record: Record, cases: list[tuple[Case, Weights]], measure: bool = True) -> tuple[Pricing, list[Price]]:
    pricing = Pricing(record, HERE, 2, measure)
    return pricing, [price for prices in pricing.prices(cases).values() for price in prices]


def test_kernels_are_timed_once(net: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, Told("same"))
    pricing, found = priced(Record(tmp_path / "times.db"), net[1])
    assert (2, 2) == (pricing.measured, pricing.missed)
    assert ["plain", "same"] * 4 == [price.kernel for price in found]
    assert {"measured"} == {price.source for price in found}
    assert all(0 < price.seconds < 1 and price.error is not None and price.error < 1e-6 for price in found)
    pricing, again = priced(Record(tmp_path / "times.db"), net[1])
    assert (0, 0) == (pricing.measured, pricing.missed)
    assert found == again
    use(monkeypatch, Told("same", version=2))
    assert 2 == priced(Record(tmp_path / "times.db"), net[1])[0].measured


def test_all_forms_of_a_region_run_in_one_race(net: Any, monkeypatch: pytest.MonkeyPatch):
    races: list[list[str]] = []

    def noted(candidates: Mapping[str, Any], **how: Any) -> Race:
        races.append(list(candidates))
        return race(candidates, **how)

    monkeypatch.setattr(pricing_module, "race", noted)
    use(monkeypatch, Told("same"))
    priced(Record(None), net[1])
    assert [["plain 0", "same 0", "plain 1", "same 1"]] * 2 == races


def test_what_is_wrong_is_not_timed_and_not_tried_again(net: Any, monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, *WRONG)
    record = Record(None)
    _, found = priced(record, net[1])
    reasons = {price.kernel: price.failure for price in found}
    assert {
        "plain": None,
        "off": "ArithmeticError: differs by 1.0e-02, more than 0.0001",
        "nan": "ArithmeticError: differs by inf, more than 0.0001",
        "shape": "ArithmeticError: differs by inf, more than 0.0001",
        "raising": "RuntimeError: out of luck",
        "greedy": "ArithmeticError: changes its inputs, which others read",
        "same": None,
    } == reasons
    assert {inf} == {price.seconds for price in found if price.failure}
    pricing, again = priced(record, net[1])
    assert (0, found) == (pricing.measured, again)


def test_what_fails_while_it_is_timed_has_failed(net: Any, monkeypatch: pytest.MonkeyPatch):
    calls: dict[str, int] = {"tired": 0}

    def tired(result: Any) -> Any:
        calls["tired"] += 1
        if calls["tired"] > 6:
            raise MemoryError
        return result

    use(monkeypatch, Told("tired", tired))
    _, found = priced(Record(None), net[1])
    assert {"MemoryError: "} == {price.failure for price in found if price.kernel == "tired"}
    assert {None} == {price.failure for price in found if price.kernel == "plain"}


def test_a_kernel_that_ended_the_process_is_not_tried_again(net: Any, monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, Told("fatal"))
    record = Record(None)

    class Ended(BaseException):
        """Stands for the end of the process."""

    def ends(candidates: Any, **_: Any) -> Race:
        kept = record.kept(HERE, [case.region.digest for case, _ in net[1]])
        assert [BEGUN, BEGUN] == [each.failure for each in kept.values()]
        before.update(kept)
        raise Ended

    before: dict[Any, Kept] = {}
    monkeypatch.setattr(pricing_module, "race", ends)
    with pytest.raises(Ended):
        priced(record, net[1])
    monkeypatch.setattr(pricing_module, "race", race)
    interrupted, _ = priced(record, net[1])
    assert 2 == interrupted.measured, "an exception decides nothing"
    record.keep(HERE, before)
    pricing, found = priced(record, net[1])
    assert 0 == pricing.measured
    assert [BEGUN, BEGUN] == [price.failure for price in found if price.failure]


def test_what_had_no_turn_stays_undecided(net: Any, monkeypatch: pytest.MonkeyPatch):
    def short(candidates: Mapping[str, Any], **_: Any) -> Race:
        first, *others = candidates
        return Race({first: Timing(1e-3, 1e-3, 1)}, {}, tuple(others))

    monkeypatch.setattr(pricing_module, "race", short)
    use(monkeypatch, Told("late"))
    record = Record(None)
    _, found = priced(record, net[1])
    assert ["measured", "rule", "rule", "rule"] * 2 == [price.source for price in _by_region(found)]
    monkeypatch.setattr(pricing_module, "race", race)
    assert 2 == priced(record, net[1])[0].measured


def _by_region(prices: list[Price]) -> list[Price]:
    """Of two regions in two forms with two kernels, which come by form."""
    return [*prices[0:2], *prices[4:6], *prices[2:4], *prices[6:8]]


def test_without_measuring_rules_stand_in(net: Any, monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, Told("same"))
    pricing, found = priced(Record(None), net[1], measure=False)
    assert (0, 2) == (pricing.measured, pricing.missed)
    assert {"rule"} == {price.source for price in found}
    plain, same = found[:2]
    assert same.seconds == pytest.approx(0.5 * plain.seconds / Plain().factor(net[1][0][0]))


def test_progress_is_told(net: Any, monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch)
    told: list[tuple[int, int]] = []
    Pricing(Record(None), HERE, 2, True, lambda done, all_, _: told.append((done, all_))).prices(net[1])
    assert [(0, 2), (1, 2)] == told


def test_conversions_are_priced_and_kept(net: Any, monkeypatch: pytest.MonkeyPatch):
    _, cases = net
    use(monkeypatch)
    natural, last = (next(case for case, _ in cases if case.mode == mode) for mode in MODES)
    pair = natural.outputs[0], last.outputs[0]
    record = Record(None)
    found = Pricing(record, HERE, 2, True).conversions([pair, pair[::-1], (pair[0], pair[0])])
    assert {pair, pair[::-1]} == set(found)
    assert all(0 < seconds < 1 for seconds in found.values())
    assert found == Pricing(record, HERE, 2, False).conversions([pair, pair[::-1]])
    assert {pair} == set(Pricing(Record(None), HERE, 2, False).conversions([pair]))
