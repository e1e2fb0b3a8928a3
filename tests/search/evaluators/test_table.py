"""Tables: which row a candidate has, and what is said when there is none."""

import gzip
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part, default_part
from archdsl.search.contract import Candidate, Decision, Ground, Option, Result, TrialFailed, Work
from archdsl.search.evaluators import table
from archdsl.search.evaluators.tabled import table_at
from tests.search.evaluators.cases import evaluated, objective

QUALITY = objective("acc", "reported")


def candidate(**decisions: tuple[Option, tuple[Option, ...]]) -> Candidate:
    """Made of options and all that there are, by path with `_` for dots."""
    return Candidate(
        tuple(
            Decision(path.replace("_", "."), taken, options, tuple(range(len(options))))
            for path, (taken, options) in decisions.items()
        ),
        "",
        0,
        0,
    )


def prepared(folder: Path, text: str, *samples: Candidate, **settings: object) -> Part:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    part = default_part("evaluator", "table", path="t.csv", **settings)
    return Part(part.name, {**part.settings, **table.prepare(part, Ground(folder, samples)).found})


def looked_up(part: Part, found: Candidate) -> Result:
    positions = {d.path: d.options.index(d.taken) for d in found.decisions if d.taken in d.options}
    return evaluated(Work("", found.genome, part, (QUALITY,), 0, positions=positions))


def test_options_stand_as_they_print(tmp_path: Path):
    widths = (8, 16, 32)
    acts = ("relu", "gelu#2", "none")
    rates = (0.5, 1e-3)
    text = (
        "width,act,bias,rate,sizes,acc,note\n"
        '8,relu,true,0.5,"[1, 2]",1.5,a\n'
        '16.0,gelu#2,False,0.001,"[1, 2]",2,b\n'
        '32,none,TRUE,5e-1,"[3,4]",3,c\n'
    )
    lists = ((1, 2), (3, 4))

    def taking(width: int, act: str, bias: bool, rate: float, sizes: tuple[int, int]) -> Candidate:
        return candidate(
            width=(width, widths), act=(act, acts), bias=(bias, (True, False)), rate=(rate, rates), sizes=(sizes, lists)
        )

    rows = [
        taking(8, "relu", True, 0.5, lists[0]),
        taking(16, "gelu#2", False, 1e-3, lists[0]),
        taking(32, "none", True, 0.5, lists[1]),
    ]
    part = prepared(tmp_path, text, *rows)
    assert [looked_up(part, row).metrics for row in rows] == [{"acc": 1.5}, {"acc": 2.0}, {"acc": 3.0}]
    key = r"no row with width = 8, act = gelu#2, bias = true, rate = 0.5, sizes = \[1,2\]"
    with pytest.raises(TrialFailed, match=key):
        looked_up(part, taking(8, "gelu#2", True, 0.5, lists[0]))


def test_options_stand_by_position_and_columns_by_other_names(tmp_path: Path):
    ops = ("skip", "conv3", "conv5")
    found = candidate(ops_0=("conv3", ops), ops_1=("skip", ops))
    text = "b0,b1,acc\n1,0,10\n0,1,20\n2,2,30\n"
    part = prepared(tmp_path, text, found, columns=(("ops.0", "b0"), ("ops.1", "b1")))
    assert looked_up(part, found).metrics == {"acc": 10.0}
    notes = table.prepare(part, Ground(tmp_path, [found])).notes
    assert "`b0`, `b1`" in notes[0]
    assert "positions" in notes[0]


def test_a_decision_that_is_not_reached_has_an_empty_cell(tmp_path: Path):
    depths, ks = (1, 2), (3, 5)
    one = candidate(depth=(1, depths), k_0=(3, ks))
    two = candidate(depth=(2, depths), k_0=(3, ks), k_1=(5, ks))
    text = "depth,k.0,k.1,acc\n1,3,,10\n2,3,3,20\n2,3,5,30\n"
    part = prepared(tmp_path, text, one, two)
    assert looked_up(part, one).metrics == {"acc": 10.0}
    assert looked_up(part, two).metrics == {"acc": 30.0}
    unseen = prepared(tmp_path, text, one)
    assert looked_up(unseen, two).metrics == {"acc": 30.0}
    assert looked_up(unseen, one).metrics == {"acc": 10.0}


def test_a_column_of_both_readings_is_read_as_options_unless_it_cannot_be_told(tmp_path: Path):
    some = candidate(k=(2, (1, 2, 3)))
    assert looked_up(prepared(tmp_path, "k,acc\n1,10\n2,20\n", some), some).metrics == {"acc": 20.0}
    turned = candidate(k=(2, (1, 2, 0)))
    text = "k,acc\n0,10\n1,20\n2,30\n"
    with pytest.raises(UsageError, match=r'options of `k` and also positions.*values="options" or values="positions"'):
        prepared(tmp_path, text, turned)
    assert looked_up(prepared(tmp_path, text, turned, values="options"), turned).metrics == {"acc": 30.0}
    assert looked_up(prepared(tmp_path, text, turned, values="positions"), turned).metrics == {"acc": 20.0}


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("", {}, "is empty"),
        ("k,acc\n", {}, "no rows"),
        ("k,acc\n1,2,3\n", {}, "row 2 .* has 3 cells and the head 2"),
        ("k,k,acc\n1,1,2\n", {}, "two columns `k`"),
        ("kk,acc\n1,2\n", {}, r'for the decision `k`; a similar column is `kk`, which columns=\[\("k", "kk"\)\]'),
        ("other,acc\n1,2\n", {}, "no column for the decision `k`; it has other, acc"),
        ("k,acc\n1,2\n2,3\n1,4\n", {}, "two rows, 2 and 4, for k = 1"),
        ("k,acc\nx,2\ny,3\n", {}, "holds x, y, but the options of `k` are 1, 2, at the positions 0 to 1"),
        ("k,acc\n1,2\n", {"columns": (("k", "q"),)}, "`columns` says that `k` is in `q`: .* has no column `q`"),
        ("k,acc\n1,2\n", {"columns": (("k", "k"), ("kx", "acc"))}, "names the decision `kx`, .* similar one is `k`"),
        ("k,acc\n1,2\n", {"columns": (("k",),)}, "list of pairs"),
        ("k,acc\n1,2\n", {"metrics": (("accuracy", "ac"),)}, "no column `ac`; a similar one is `acc`"),
        ("k,acc\n1,high\n", {"metrics": (("accuracy", "acc"),)}, "does not hold numbers alone"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_told_before_the_first_trial(
    text: str, settings: dict[str, object], message: str, tmp_path: Path
):
    with pytest.raises(UsageError, match=message):
        prepared(tmp_path, text, candidate(k=(1, (1, 2))), **settings)


def test_a_path_is_looked_for_beside_the_file_and_where_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    beside, here = tmp_path / "files", tmp_path / "here"
    beside.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    one = candidate(k=(1, (1, 2)))
    (here / "t.csv").write_text("k,acc\n1,1\n", encoding="utf-8")
    part = default_part("evaluator", "table", path="t.csv")
    assert table.prepare(part, Ground(beside, [one])).found["path"] == str((here / "t.csv").resolve())
    (beside / "t.csv").write_text("k,acc\n1,2\n", encoding="utf-8")
    assert table.prepare(part, Ground(beside, [one])).found["path"] == str((beside / "t.csv").resolve())
    with pytest.raises(UsageError, match=r"there is no table `tt.csv`; looked in .*files` and .*here`; .* is `t.csv`"):
        table.prepare(default_part("evaluator", "table", path="tt.csv"), Ground(beside, [one]))
    with pytest.raises(UsageError, match="is a directory"):
        table.prepare(default_part("evaluator", "table", path="here"), Ground(tmp_path, [one]))


def test_an_empty_metric_fails_the_trial_and_other_metrics_are_told(tmp_path: Path):
    one, two = candidate(k=(1, (1, 2))), candidate(k=(2, (1, 2)))
    part = prepared(tmp_path, "k,acc,flops,name\n1,,5,a\n2,3,,b\n", one, two)
    with pytest.raises(TrialFailed, match=r"row 2 .* no number in `acc`"):
        looked_up(part, one)
    assert looked_up(part, two).metrics == {"acc": 3.0}
    assert list(table.offers(part)) == ["acc", "flops"]


def test_broken_files_are_told(tmp_path: Path):
    one = candidate(k=(1, (1, 2)))
    for data, message in (
        (b"\x1f\x8bgarbage", "cannot be read"),
        (b"k,acc\n\xff,1\n", "no UTF-8"),
        (b"PAR1", "Parquet"),
    ):
        (tmp_path / "t.csv").write_bytes(data)
        with pytest.raises(UsageError, match=message):
            table.prepare(default_part("evaluator", "table", path="t.csv"), Ground(tmp_path, [one]))


def test_parquet_is_read_by_pyarrow_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one = candidate(k=(1, (1, 2)))
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    part = default_part("evaluator", "table", path="t.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UsageError, match="pip install pyarrow"):
        table.prepare(part, Ground(tmp_path, [one]))

    class Columns:
        def to_pydict(self) -> dict[str, list[object]]:
            return {"k": [1, 2], "sizes": [[1, 2], None], "acc": [0.5, 0.25]}

    stand_in = ModuleType("pyarrow.parquet")
    stand_in.read_table = lambda path: Columns()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyarrow", ModuleType("pyarrow"))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", stand_in)
    ready = Part(part.name, {**part.settings, **table.prepare(part, Ground(tmp_path, [one])).found})
    assert looked_up(ready, one).metrics == {"acc": 0.5}


def test_a_large_table_is_read_in_a_moment_and_looked_up_at_once(tmp_path: Path):
    lines = ["b0,b1,b2,b3,b4,b5,b6,b7,acc,acc2,flops"]
    digits: list[tuple[int, ...]] = [()]
    for _ in range(8):
        digits = [(*d, o) for d in digits for o in range(3)]
    lines += [f"{','.join(map(str, d))},{sum(d) / 7},{sum(d) / 3},{sum(d) * 1000}" for d in digits]
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    ops = ("a", "b", "c")
    found = candidate(**{f"b{i}": (ops[i % 3], ops) for i in range(8)})
    part = default_part("evaluator", "table", path="t.csv.gz")
    start = time.perf_counter()
    ready = Part(part.name, {**part.settings, **table.prepare(part, Ground(tmp_path, [found])).found})
    assert looked_up(ready, found).metrics == {"acc": 7 / 7, "acc2": 7 / 3, "flops": 7000.0}
    assert time.perf_counter() - start < 1.0
    start = time.perf_counter()
    for _ in range(200):
        looked_up(ready, found)
    assert time.perf_counter() - start < 1.0


def test_a_changed_table_is_read_again(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("k,acc\n1,2\n", encoding="utf-8")
    assert len(table_at(str(path))) == 1
    path.write_text("k,acc\n1,2\n2,3\n", encoding="utf-8")
    assert len(table_at(str(path))) == 2
