"""The Python interface: checking, loading, elaborating, costs, and what is said to a caller who is wrong."""

from pathlib import Path

import pytest

import archdsl
from archdsl.meaning.program import DeclarationInfo, Program, SettingInfo
from archdsl_compiler.graph import ModuleCall, instances, state_entries

TEXT = """\
from std.layers import mlp

## Halves the map.
block halve(
  ## Channels of the result.
  out: int in 1..64,
  kernel: int = 2,
)(x: [b, c, h, w]) -> [b, out, h // 2, w // 2] {
  return x |> conv(out, kernel, stride=2, padding=0) as conv |> batch_norm() as norm |> gelu
}

mixer part()(x: [b, c, h, w]) {
  return x + (x |> conv(c, 3) as conv)
}

mixer on_tokens()(x: [b, c, h, w]) {
  return x |> rearrange("b c h w -> b (h w) c") |> mlp() as mlp |> rearrange("b (h w) c -> b c h w", h=h)
}

## A small model.
model small(size: int = 32, width: int in 4..64 = 8, depths: list[int] = [12], act: str? = "gelu")(
  x: [b, 3, size, size],
) {
  x = x |> halve(width) as halve
  for i in 0..<sum(depths) {
    x = x |> part as blocks[i]
  }
  return x |> (if act == none then none else gelu) |> mean(axes=(2, 3)) |> linear(10) as head
}

model needy(width: int)(x: [b, 3, 8, 8]) {
  return x |> conv(width, 1) as conv
}

model open_inside()(x: [b, 3, 8, 8]) {
  return x |> conv(choose(4, 8) as width, 1) as conv
}

model built(width: int, mixes: list[mixer?])(x: [b, 3, 8, 8]) {
  x = x |> conv(width, 1) as stem
  for i, mix in enumerate(mixes) {
    x = x |> mix as blocks[i]
  }
  return x
}

## Two places to fill.
space places(limit: int = 12) {
  let width = choose(8, limit)
  let mixes = [choose(part(), on_tokens(), none) for i in 0..<2]
  require width > 8 or mixes[0] != none: "a narrow one needs a mixer"
  return built(width, mixes)
}

let narrow = small(width=4)
let seven  = 7
let first  = decide(places(), [("width", 12)])
"""
GENOME = {"width": 8, "mixes.0": "part", "mixes.1": "none"}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "case.arch"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def program(path: Path) -> Program:
    return archdsl.load(path)


def fault(program: Program, name: str, settings=None, genome=None) -> tuple[str, str]:
    """The code and title of the one fault that elaborating ends with, told alike by `costs`."""
    found: list[tuple[str, str]] = []
    for function in (archdsl.elaborate, archdsl.costs):
        with pytest.raises(archdsl.ArchError) as raised:
            function(program, name, settings, genome)
        (diagnostic,) = raised.value.diagnostics
        found.append((diagnostic.code, diagnostic.title))
    assert found[0] == found[1]
    return found[0]


def usage(program: Program, name: str, settings=None, genome=None) -> str:
    found: list[str] = []
    for function in (archdsl.elaborate, archdsl.costs):
        with pytest.raises(archdsl.UsageError) as raised:
            function(program, name, settings, genome)
        found.append(str(raised.value))
    assert found[0] == found[1]
    return found[0]


# ---- check and load


def test_a_clean_file_has_nothing_to_say(path: Path):
    assert () == archdsl.check(path) == archdsl.check(str(path))


def test_check_gives_faults_and_warnings_in_the_order_of_the_text(tmp_path: Path):
    path = tmp_path / "wrong.arch"
    path.write_text("from std.layers import mlp\nlet a = b\nlet c = 1 / 0\n", encoding="utf-8")
    found = archdsl.check(path)
    assert [("W1001", "warning"), ("E0101", "error"), ("E0314", "error")] == [(d.code, d.severity) for d in found]
    with pytest.raises(archdsl.ArchError) as raised:
        archdsl.load(path)
    assert ["E0101", "E0314"] == [d.code for d in raised.value.diagnostics]
    assert "E0101: `b` is not known here; E0314: division by zero" == str(raised.value)


def test_a_file_that_is_not_there_is_a_fault_of_both(tmp_path: Path):
    path = tmp_path / "none.arch"
    assert ["E0107"] == [d.code for d in archdsl.check(path)]
    with pytest.raises(archdsl.ArchError, match="cannot be read: there is no such file"):
        archdsl.load(path)


def test_warnings_do_not_keep_a_file_from_being_loaded(tmp_path: Path):
    path = tmp_path / "warned.arch"
    path.write_text("from std.layers import mlp\nlet a = 1\n", encoding="utf-8")
    assert ["a"] == list(archdsl.load(path).declarations)


def test_limits_are_taken_by_both(tmp_path: Path):
    path = tmp_path / "long.arch"
    path.write_text("let a = sum(i * i for i in 0..<1000)\n", encoding="utf-8")
    few = archdsl.Limits(steps=100)
    assert ((), ["E0402"]) == (archdsl.check(path), [d.code for d in archdsl.check(path, limits=few)])
    with pytest.raises(archdsl.ArchError, match="E0402"):
        archdsl.load(path, limits=few)


def test_declarations_tell_what_is_written(program: Program):
    found = program.declarations
    assert {
        "halve": "block",
        "part": "mixer",
        "on_tokens": "mixer",
        "small": "model",
        "needy": "model",
        "open_inside": "model",
        "built": "model",
        "places": "space",
        "narrow": "let",
        "seven": "let",
        "first": "let",
    } == {name: declaration.kind for name, declaration in found.items()}
    assert (
        DeclarationInfo(
            name="halve",
            kind="block",
            doc="Halves the map.",
            settings=(
                SettingInfo("out", "int", "1..64", "", "Channels of the result."),
                SettingInfo("kernel", "int", "", "2", ""),
            ),
            tensors=("x: [b, c, h, w]",),
            result=("[b, out, h // 2, w // 2]",),
            line=4,
        )
        == found["halve"]
    )
    assert SettingInfo("act", "str?", "", '"gelu"', "") == found["small"].settings[-1]
    assert ("Two places to fill.", 48) == (found["places"].doc, found["places"].line)


# ---- elaborate


def test_settings_are_put_in(program: Program):
    module = archdsl.elaborate(program, "small", {"size": 16, "width": 4, "depths": [1, 2], "act": None})
    assert {"size": 16, "width": 4, "depths": (1, 2), "act": None} == dict(module.settings)
    assert ["[batch, 3, 16, 16]", "[batch, 10]"] == [str(module.input_types[0]), str(module.output_types[0])]
    assert ["halve", "blocks.0", "blocks.1", "blocks.2", "head"] == list(module.labels())


def test_a_let_is_elaborated_with_its_settings(program: Program):
    assert 4 == dict(archdsl.elaborate(program, "narrow").settings)["width"]
    assert {"width": 4, "size": 16} == {
        name: value
        for name, value in archdsl.elaborate(program, "narrow", {"size": 16}).settings
        if name in ("width", "size")
    }


def test_equal_modules_are_one_object(program: Program):
    module = archdsl.elaborate(program, "small")
    blocks = [i for i in instances(module) if i.module.name == "part"]
    assert [f"blocks.{i}" for i in range(12)] == [i.path for i in blocks]
    assert 1 == len({id(i.module) for i in blocks})
    assert (14, 14) == (module.instances, len(list(instances(module))))
    other = archdsl.elaborate(program, "small", {"act": None})
    assert {id(i.module) for i in blocks} == {id(i.module) for i in instances(other) if i.module.name == "part"}
    wider = archdsl.elaborate(program, "small", {"width": 16})
    assert set() == {id(i.module) for i in blocks} & {id(i.module) for i in instances(wider)}


def test_an_equal_model_is_one_object(program: Program):
    first = archdsl.elaborate(program, "small")
    assert first is archdsl.elaborate(program, "small", {"size": 32})
    assert first is not archdsl.elaborate(program, "small", {"size": 64})


def test_each_instance_has_weights_of_its_own(program: Program):
    entries = dict(state_entries(archdsl.elaborate(program, "small", {"depths": [2]})))
    assert [
        ("halve.conv.weight", (8, 3, 2, 2)),
        ("halve.conv.bias", (8,)),
        ("halve.norm.weight", (8,)),
        ("halve.norm.bias", (8,)),
        ("halve.norm.running_mean", (8,)),
        ("halve.norm.running_var", (8,)),
        ("halve.norm.num_batches_tracked", ()),
        ("blocks.0.conv.weight", (8, 8, 3, 3)),
        ("blocks.0.conv.bias", (8,)),
        ("blocks.1.conv.weight", (8, 8, 3, 3)),
        ("blocks.1.conv.bias", (8,)),
        ("head.weight", (10, 8)),
        ("head.bias", (10,)),
    ] == [(name, entry.shape) for name, entry in entries.items()]


def test_instances_know_their_place(program: Program):
    module = archdsl.elaborate(program, "places", {}, {"width": 8, "mixes.0": "on_tokens", "mixes.1": "part"})
    assert [("", "built", 0), ("blocks.0", "on_tokens", 1), ("blocks.0.mlp", "mlp", 2), ("blocks.1", "part", 1)] == [
        (i.path, i.module.name, i.depth) for i in instances(module)
    ]


def test_a_module_knows_nothing_of_its_callers(program: Program):
    module = archdsl.elaborate(program, "small")
    (call,) = [c for c in module.calls if isinstance(c, ModuleCall) and c.label == "blocks.3"]
    assert ("part", "mixer", (), {"c": 8, "h": 16, "w": 16}) == (
        call.module.name,
        call.module.kind,
        call.module.decisions,
        dict(call.module.bindings),
    )


def test_the_digraph_has_the_calls_and_what_flows(program: Program):
    module = archdsl.elaborate(program, "needy", {"width": 4})
    part = next(i.module for i in instances(archdsl.elaborate(program, "small")) if i.module.name == "part")
    assert ([-1, 0], [(-1, 0)]) == (sorted(module.digraph().nodes), list(module.digraph().edges))
    graph = part.digraph()
    assert [(-1, 0), (-1, 1), (0, 1)] == sorted(graph.edges)
    assert [None, "conv", "add"] == [
        node["call"].op.name if node["call"] else None for _, node in sorted(graph.nodes(data=True))
    ]
    assert graph is part.digraph()


# ---- genomes


def test_a_genome_decides(program: Program):
    module = archdsl.elaborate(program, "places", None, GENOME)
    assert {"stem": (8, 3, 1, 1), "blocks.0.conv": (8, 8, 3, 3)} == {
        name.removesuffix(".weight"): entry.shape for name, entry in state_entries(module) if name.endswith("weight")
    }
    assert (
        12 == dict(archdsl.elaborate(program, "first", None, {"mixes.0": "none", "mixes.1": "none"}).bindings)["width"]
    )


def test_settings_and_genome_go_together(program: Program):
    module = archdsl.elaborate(program, "places", {"limit": 24}, {**GENOME, "width": 24})
    assert 24 == dict(module.bindings)["width"]


def test_none_is_the_option_none(program: Program):
    with_none = archdsl.elaborate(program, "places", None, {**GENOME, "mixes.1": None})
    assert archdsl.elaborate(program, "places", None, GENOME).instances == with_none.instances


def test_an_open_decision_is_named_with_its_options(program: Program):
    assert ("E0502", "the decision `width` is open") == fault(program, "places")
    with pytest.raises(archdsl.ArchError) as raised:
        archdsl.elaborate(program, "places", None, {"width": 8, "mixes.0": "part"})
    (diagnostic,) = raised.value.diagnostics
    assert ("the decision `mixes.1` is open", ("its options: part, on_tokens, none",)) == (
        diagnostic.title,
        diagnostic.notes,
    )
    assert ("E0502", "the decision `width` is open") == fault(program, "open_inside")


def test_an_option_that_is_none_of_them_is_a_fault(program: Program):
    assert ("E0504", "`width` has no option 9") == fault(program, "places", None, {**GENOME, "width": 9})
    assert ("E0504", "`mixes.0` has no option prt") == fault(program, "places", None, {**GENOME, "mixes.0": "prt"})


def test_a_candidate_outside_the_space_is_a_fault(program: Program):
    code, title = fault(program, "places", None, {**GENOME, "mixes.0": "none"})
    assert ("E0401", True) == (code, "a narrow one needs a mixer" in title or "requirement not met" in title)


def test_a_decision_that_is_never_reached_is_a_usage_error(program: Program):
    assert "`places` has no decision `depth`" == usage(program, "places", None, {**GENOME, "depth": 2})
    assert "`small` has no decision `width`" == usage(program, "small", None, {"width": 8})


def test_a_decision_that_is_taken_already_is_a_usage_error(program: Program):
    assert "`width`" in usage(program, "first", None, GENOME)


# ---- costs


def test_costs_are_those_of_the_graph(program: Program):
    for name, settings, genome in [("small", {"size": 16}, None), ("narrow", None, None), ("places", None, GENOME)]:
        module = archdsl.elaborate(program, name, settings, genome)
        costs = archdsl.costs(program, name, settings, genome)
        assert (module.params, module.macs, module.output_types) == (costs.params, costs.macs, costs.outputs)


def test_costs_count_by_hand(program: Program):
    costs = archdsl.costs(program, "needy", {"width": 4})
    assert (4 * 3 + 4, 4 * 3 * 64, ["[batch, 4, 8, 8]"]) == (costs.params, costs.macs, list(map(str, costs.outputs)))


# ---- wrong names and settings


def test_an_unknown_name_has_a_suggestion(program: Program):
    assert usage(program, "smal").endswith("has no `smal`; a similar name is `small`")
    assert usage(program, "unlike").endswith("has no `unlike`; it has " + ", ".join([*program.declarations, "mlp"]))


def test_what_is_no_entry_is_a_usage_error(program: Program):
    assert "`part` is neither a model nor a space" == usage(program, "part")
    assert "`seven` is neither a model nor a space" == usage(program, "seven")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"siz": 16}, ("E0203", "`small` has no setting `siz`")),
        ({"size": "large"}, ("E0206", '`size` of `small` must be an int, not the string "large"')),
        ({"size": None}, ("E0206", "`size` of `small` must be an int, not `none`")),
        ({"size": 2.5}, ("E0206", "`size` of `small` must be an int, not the real 2.5")),
        ({"size": True}, ("E0206", "`size` of `small` must be an int, not true")),
        ({"width": 3}, ("E0207", "`width` of `small` is 3, outside 4..64")),
        ({"depths": [1, "a"]}, ("E0206", '`depths` of `small` must be a list of ints, not the list [1, "a"]')),
        ({"size": 0}, ("E0305", "an axis of `x` is 0")),
    ],
)
def test_a_wrong_setting_is_a_fault(program: Program, settings: dict[str, object], expected: tuple[str, str]):
    assert expected == fault(program, "small", settings)


def test_a_missing_setting_is_a_fault(program: Program):
    assert ("E0204", "`needy` needs its setting `width`") == fault(program, "needy")


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, {"a": 1}, 1j, b"bytes", [object()]], ids=lambda v: type(v).__name__
)
def test_a_value_that_the_language_does_not_have_is_a_usage_error(program: Program, value: object):
    assert "size" in usage(program, "small", {"size": value})


def test_a_deep_program_is_elaborated_on_any_stack(tmp_path: Path):
    path = tmp_path / "deep.arch"
    path.write_text(
        "mixer deep(n: int)(x: [b, c]) {\n  return if n > 0 then (x |> deep(n - 1) as inner) + x else x\n}\n"
        "model m()(x: [b, 3]) {\n  return x |> deep(60) as deep\n}\n",
        encoding="utf-8",
    )
    assert 62 == archdsl.elaborate(archdsl.load(path), "m").instances


def test_a_long_expression_is_elaborated_on_any_stack(tmp_path: Path):
    path = tmp_path / "long.arch"
    path.write_text(f"model m()(x: [b, 3]) {{\n  return x{' + x' * 900}\n}}\n", encoding="utf-8")
    assert 900 == len(archdsl.elaborate(archdsl.load(path), "m").calls)


def test_what_is_only_odd_is_no_obstacle_to_a_graph(tmp_path: Path):
    path = tmp_path / "odd.arch"
    path.write_text(
        """model m(size: int = 32)(x: [b, 3, size, size]) {
  return x |> conv(8, 3) |> relu |> conv(8, 3) |> mean(axes=(2, 3)) |> linear(10) as head
}
space s() {
  let one = choose(32)
  return m(size=choose(16, one))
}
""",
        encoding="utf-8",
    )
    assert ["W1003", "W1005"] == sorted({d.code for d in archdsl.check(path)})
    program = archdsl.load(path)
    assert 898 == archdsl.elaborate(program, "m").params == archdsl.costs(program, "s", None, {"size": 16}).params


def test_what_is_placed_belongs_to_one_run(tmp_path: Path):
    path = tmp_path / "twins.arch"
    path.write_text(
        "model m(size: int = 8)(x: [b, 3, size, size]) {\n  let shared = conv(3, 3) as shared\n"
        "  return x |> shared |> shared\n}\n",
        encoding="utf-8",
    )
    program = archdsl.load(path)
    assert [84, 84] == [archdsl.costs(program, "m").params for _ in range(2)]
    assert [84, 84] == [archdsl.elaborate(program, "m", {"size": size}).params for size in (8, 16)]
