"""The shipped search spaces have the sizes and the networks that are published, and say so."""

import csv
import gzip
from math import prod
from pathlib import Path
from random import Random

import pytest

from archdsl.resources import resource
from archdsl.search.contract import Candidate
from archdsl.source import Source
from archdsl.space.opened import Space
from archdsl.syntax import nodes
from archdsl.syntax.parse import parse
from archdsl.targets import open_target
from tests.searchspaces import sizes

FILES = sorted(resource("searchspaces").glob("*.arch"))
TABLE = Path(__file__).parent.parent / "data" / "nasbench_macro_cifar10.csv.gz"
LINES_BELOW = 80

SIZES = {
    "autoformer:autoformer_t": sizes.autoformer(3, 2, 2, [12, 13, 14]),
    "autoformer:autoformer_s": sizes.autoformer(3, 3, 3, [12, 13, 14]),
    "autoformer:autoformer_b": sizes.autoformer(3, 3, 2, [14, 15, 16]),
    "fbnet:fbnet": 9**22,
    "fliqnas:mobile": sizes.fliqnas(),
    "grammar_space:any_architecture": sizes.grammar(),
    "metaformer_mixers:metaformer_mixers": 4 * 3 * (4 * 4 * 12 * 4) * 9 * 11**3,
    "mnasnet:mnasnet": 432**5,
    "nasbench201:nasbench201": 5**6,
    "nasbench_macro:nasbench_macro": 3**8,
    "slimming:paths": sizes.slimming(),
    "smt_search:hybrids": sizes.smt(local_first=True),
}
# Every candidate of these has the same decisions, each with the same options.
PLAIN = ("fbnet", "metaformer_mixers", "mnasnet", "nasbench201", "nasbench_macro")


def path_of(name: str) -> str:
    file, _, entry = name.partition(":")
    return f"{resource(f'searchspaces/{file}.arch')}:{entry}"


def opened(name: str) -> Space:
    return Space(open_target(path_of(name)))


def candidate(space: Space, wanted: dict[str, object], rng: Random | None = None) -> Candidate:
    """A candidate that takes all that is wanted, which fast costs are enough for."""
    found = space.complete(wanted, rng, graph=False)  # type: ignore[arg-type]
    assert isinstance(found, Candidate)
    assert wanted == {path: option for path, option in found.genome.items() if path in wanted}
    return found


def header(path: Path) -> str:
    """The comment that a file begins with, as one line."""
    lines = path.read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    return " ".join(line.removeprefix("# ") for line in lines)


def rounded(count: int) -> str:
    mantissa, exponent = f"{count:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_space_fits_on_a_page(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < LINES_BELOW


@pytest.mark.parametrize("name", SIZES)
def test_a_file_tells_the_size_of_its_space(name: str):
    text = header(resource(f"searchspaces/{name.partition(':')[0]}.arch"))
    assert f"{SIZES[name]:,}" in text or rounded(SIZES[name]) in text, (rounded(SIZES[name]), text)


def test_every_file_has_its_size_checked():
    assert {path.stem for path in FILES} == {name.partition(":")[0] for name in SIZES}


@pytest.mark.parametrize("name", PLAIN)
def test_a_space_of_independent_decisions_is_the_product_of_its_options(name: str):
    name = f"{name}:{name}"
    space = opened(name)
    counts = [prod(len(d.allowed) for d in candidate(space, {}, Random(seed)).decisions) for seed in range(5)]
    assert [SIZES[name]] * 5 == counts


# ---- published networks


@pytest.mark.parametrize(
    ("name", "params", "macs", "within"),
    [
        ("fbnet:fbnet_a", 4.3e6, 249.4e6, 0.04),
        ("fbnet:fbnet_b", 4.8e6, 295.6e6, 0.04),
        ("fbnet:fbnet_c", 5.5e6, 383.0e6, 0.04),
        ("mnasnet:mnasnet_a1", 3.9e6, 312e6, 0.01),
        ("mnasnet:mnasnet_b1", 4.4e6, 315e6, 0.01),
        ("smt_search:smt_tiny", 11.507e6, 2.461e9, 0.0002),
        ("smt_search:smt_small", 22.551e6, 4.839e9, 0.0002),
        ("smt_search:smt_base", 32.037e6, 7.966e9, 0.0002),
        ("smt_search:smt_large", 80.590e6, 17.907e9, 0.0002),
    ],
)
def test_a_published_network_has_its_published_size(name: str, params: float, macs: float, within: float):
    costs = open_target(path_of(name)).costs()
    assert (pytest.approx(params, rel=within), pytest.approx(macs, rel=within)) == (costs.params, costs.macs)


def test_fbnet_numbers_its_layers_and_blocks_as_its_tables_do():
    found = candidate(opened("fbnet:fbnet"), {})
    blocks = ("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip")
    assert [(f"op{layer}", blocks) for layer in range(22)] == [(d.path, d.options) for d in found.decisions]


# ---- NAS-Bench-201


@pytest.mark.parametrize(
    ("option", "params", "macs"), [("zero", 73_306, 7_783_040), ("relu_conv_bn#2", 1_531_546, 220_119_680)]
)
def test_the_smallest_and_the_largest_cell_cost_what_is_published(option: str, params: int, macs: int):
    edges = {f"edges.{node}.{before}": option for node in range(3) for before in range(node + 1)}
    found = candidate(opened("nasbench201:nasbench201"), edges)  # type: ignore[arg-type]
    assert (6, params, macs) == (len(found.decisions), found.params, found.macs)


# ---- NAS-Bench-Macro


def rows() -> list[dict[str, str]]:
    with gzip.open(TABLE, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def differences(taken: list[dict[str, str]]) -> list[tuple[dict[str, object], int, int]]:
    """The rows whose architecture costs something else here."""
    space = opened("nasbench_macro:nasbench_macro")
    options = candidate(space, {}).decisions[0].options
    found: list[tuple[dict[str, object], int, int]] = []
    for row in taken:
        genome: dict[str, object] = {f"block{i}": options[int(row[f"block{i}"])] for i in range(8)}
        costs = candidate(space, genome)
        if (str(costs.params), str(costs.macs)) != (row["params"], row["flops"]):
            found.append((genome, costs.params, costs.macs))
    return found


def test_the_macro_table_is_met():
    assert [] == differences(rows()[::67])


@pytest.mark.slow
def test_the_whole_macro_table_is_met():
    assert [] == differences(rows())


def test_the_best_of_the_macro_table_is_named():
    best = max(rows(), key=lambda row: float(row["mean_acc"]))
    decisions = [value for _, value in open_target(path_of("nasbench_macro:best")).decisions.items()]
    options = ("identity", "k3_e3", "k5_e6")
    assert [options[int(best[f"block{i}"])] for i in range(8)] == decisions


def test_the_macro_space_tells_its_bounds():
    params = [int(row["params"]) for row in rows()]
    assert f"{min(params):,} to {max(params):,} parameters" in header(resource("searchspaces/nasbench_macro.arch"))


# ---- MetaFormer


def mixers_of_the_library() -> set[str]:
    path = resource("std/mixers.arch")
    items = parse(Source(str(path), path.read_text(encoding="utf-8"))).file.items
    return {item.name.text for item in items if isinstance(item, nodes.Declaration) and item.kind.text == "mixer"}


def test_every_mixer_of_the_library_is_an_option():
    decisions = candidate(opened("metaformer_mixers:metaformer_mixers"), {}).decisions
    options = [set(d.options) for d in decisions if d.path.startswith("mixers.")]
    assert [mixers_of_the_library() | {"none"}] * 4 == options


def test_the_bounds_of_metaformer_are_those_of_its_cheapest_and_dearest_mixers():
    """Stages cost independently of each other, so each may be taken alone."""
    space = opened("metaformer_mixers:metaformer_mixers")
    mixers = sorted(mixers_of_the_library() | {"none"})
    ends = {}
    for extreme, width, ratio, depths in ((min, 32, 2.0, (1, 1, 1, 1)), (max, 96, 4.0, (4, 4, 12, 4))):
        frame = {"width": width, "ratio": ratio, **{f"depths.{i}": depth for i, depth in enumerate(depths)}}
        for cost in ("params", "macs"):
            best = {f"mixers.{i}": "none" for i in range(4)}
            for i in range(4):
                open_ones = [m for m in mixers if i > 0 or m not in ("attention", "local_attention")]
                best[f"mixers.{i}"] = extreme(
                    open_ones,
                    key=lambda mixer, i=i, cost=cost: getattr(
                        candidate(space, {**frame, **{f"mixers.{j}": "none" for j in range(4)}, f"mixers.{i}": mixer}),
                        cost,
                    ),
                )
            ends[extreme.__name__, cost] = getattr(candidate(space, {**frame, **best}), cost)
    text = header(resource("searchspaces/metaformer_mixers.arch"))
    params = f"{ends['min', 'params'] / 1e6:.1f}M to {ends['max', 'params'] / 1e6:.1f}M parameters"
    macs = f"{ends['min', 'macs'] / 1e6:.0f}M to {ends['max', 'macs'] / 1e9:.1f}G multiply-accumulates"
    assert (True, True) == (params in text, macs in text), (params, macs)


# ---- the grammar


def test_the_grammar_nests_and_branches():
    four = "body.rule.ways"
    rules = {
        "body.rule": "adding",
        four: 4,
        f"{four}.0.rule": "sequential",
        f"{four}.0.rule.first.rule": "joining",
        f"{four}.3.rule": "routing",
        f"{four}.3.rule.route": "grouped",
        f"{four}.3.rule.route.size": 8,
        f"{four}.3.rule.route.inner.rule": "adding",
    }
    candidate(opened("grammar_space:any_architecture"), rules)
