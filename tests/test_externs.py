"""`extern`: Python's own modules, run with permission alone, tried before a model is built of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import archdsl
from archdsl import ArchError
from archdsl.build_summary import read_summary
from archdsl.cli.main import run
from archdsl_compiler.emit.execute import instantiate

PARTS = """\
import torch
from torch import nn


class Mix(nn.Module):
    def __init__(self, width, k=3, name=None):
        super().__init__()
        if k % 2 == 0:
            raise ValueError(f"{k} is even")
        self.conv = nn.Conv2d(width, width, k, padding=k // 2)

    def forward(self, x, other=None):
        return self.conv(x) if other is None else self.conv(x) + other


class Linear(nn.Linear):
    def __init__(self, width):
        super().__init__(width, width)
        nn.init.constant_(self.weight, 7.0)


class Halves(nn.Module):
    def forward(self, x):
        return x[..., ::2, ::2], x[..., 1::2, 1::2]


class Lost(nn.Module):
    def forward(self, x):
        return x[:1]


class Fails(nn.Module):
    def forward(self, x):
        raise RuntimeError("not\\ntoday")


def number():
    return 3
"""
NET = """\
extern mixer mix(width: int, k: int = 3, name: str? = none)(x: [b, c, h, w], other: [b, c, h, w]?) = "PARTS:Mix"

extern stage halves()(x: [b, c, h, w]) -> [b, c, h // 2, w // 2], [b, c, h // 2, w // 2] = "PARTS:Halves"

model net(size: int = 8)(x: [b, 3, size, size]) {
  x = x |> conv(4, 3, bias=false) as conv |> batch_norm() as norm
  for i in 0..<3 {
    x = x |> mix(4, k=2 * i + 1, name="n") as blocks[i]
  }
  let y, z = x |> halves as halves
  x = mix(4)(y, z) as join
  return x |> mean(axes=(2, 3)) |> linear(10) as head
}
"""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module of its own for each test; the program is `net.arch` in the current folder."""
    name = f"parts_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(PARTS, encoding="utf-8")
    (tmp_path / "net.arch").write_text(NET.replace("PARTS", name), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def told(source: str) -> list[tuple[str, int, str]]:
    """The codes of what building says, with the lines and the titles."""
    Path("other.arch").write_text(source, encoding="utf-8")
    assert () == archdsl.check("other.arch")
    with pytest.raises(ArchError) as caught:
        archdsl.build("other.arch:net", allow_extern=True)
    found = caught.value.diagnostics
    return [(d.code, d.primary.span.source.position(d.primary.span.start)[0], d.title) for d in found]


def one(declaration: str, use: str = "part as part") -> str:
    return f"{declaration}\n\nmodel net()(x: [b, 3, 8, 8]) {{\n  return x |> {use}\n}}\n"


@pytest.mark.parametrize(
    "line", [["build"], ["export"], ["export", "--format", "safetensors", "-o", "w"], ["profile", "--measure"]]
)
def test_without_permission_nothing_is_run(parts: str, line: list[str], capsys: pytest.CaptureFixture[str]):
    assert 1 == run([line[0], "net.arch", *line[1:]])
    error = capsys.readouterr().err
    first = "error[E0217]: `mix` is Python's, which is run with permission only\n --> net.arch:1:1\n"
    label = "give --allow-extern (in Python allow_extern=True) if you trust it"
    assert (True, 2, True) == (error.startswith(first), error.count("[E0217]"), label in error)
    assert (False, ["net.arch", f"{parts}.py"]) == (parts in sys.modules, sorted(os.listdir()))


def test_what_runs_nothing_needs_no_permission(parts: str, capsys: pytest.CaptureFixture[str]):
    assert [0, 0, 0] == [run([command, "net.arch"]) for command in ("check", "profile", "show")]
    assert False is (parts in sys.modules)


def test_a_permission_is_no_permission_for_others(parts: str):
    archdsl.build("net.arch", allow_extern=True)
    with pytest.raises(ArchError):
        archdsl.build("net.arch")


def test_it_is_imported_and_made_of_its_settings(parts: str):
    model = archdsl.build("net.arch", allow_extern=True)
    source = archdsl.export("net.arch", allow_extern=True)
    assert [
        f"It imports from {parts}; what comes from there is not counted.",
        f"from {parts} import Halves",
        f"from {parts} import Mix",
        'Mix(width=4, k=1, name="n"),',
        'Mix(width=4, k=3, name="n"),',
        'Mix(width=4, k=5, name="n"),',
        "self.halves = Halves()",
        "self.join = Mix(width=4, k=3, name=None)",
    ] == [line.strip() for line in source.splitlines() if any(word in line for word in ("imports", "Mix", "Halves"))]
    assert "blocks.2.conv.weight" in model.state_dict()
    x = torch.randn(2, 3, 8, 8)
    model.eval()
    y = model.blocks(model.norm(model.conv(x)))
    y, z = y[..., ::2, ::2], y[..., 1::2, 1::2]
    torch.testing.assert_close(model.head((model.join.conv(y) + z).mean((2, 3))), model(x))


def test_an_exported_file_runs_beside_its_module(parts: str, tmp_path: Path):
    archdsl.export("net.arch", output="net.py", allow_extern=True)
    done = subprocess.run([sys.executable, tmp_path / "net.py"], capture_output=True, text=True, check=True)
    assert "torch.Size([1, 10])\n" == done.stdout


def test_the_command_finds_modules_in_the_current_folder(parts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(tmp_path)])
    assert 0 == run(["build", "net.arch", "--allow-extern", "-o", "out"])
    summary = read_summary("out/summary.json")
    assert ((f"{parts}:Halves", f"{parts}:Mix"), 166) == (summary.externs, summary.params)


def test_modules_are_timed(parts: str):
    rows = archdsl.profile("net.arch", measure=True, allow_extern=True).modules
    assert True is all(row.time is not None and row.time > 0 for row in rows if row.path.startswith("blocks."))


def test_the_seed_decides_and_the_run_takes_no_numbers(parts: str):
    torch.manual_seed(3)
    first = archdsl.build("net.arch", allow_extern=True).state_dict()
    torch.manual_seed(3)
    again = archdsl.build("net.arch", allow_extern=True).state_dict()
    assert True is all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize("match", ["name", "order"])
def test_weights_are_loaded_into_it(parts: str, match: str):
    state = archdsl.build("net.arch", allow_extern=True).state_dict()
    model = archdsl.build("net.arch", allow_extern=True, weights=state, match=match)
    assert True is all(torch.equal(state[name], value) for name, value in model.state_dict().items())


def test_a_part_that_is_not_built_is_not_loaded(parts: str):
    state = archdsl.build("net.arch", allow_extern=True).state_dict()
    model = archdsl.build("net.arch", allow_extern=True, weights=state, features_only=True)
    assert (False, True) == ("join.conv.weight" in model.state_dict(), "blocks.0.conv.weight" in model.state_dict())
    maps = model.eval()(torch.randn(2, 3, 8, 8))
    assert [(2, 4, 4, 4)] == [tuple(each.shape) for each in maps]


def test_other_entries_of_it_are_refused(parts: str):
    state = archdsl.build("net.arch", allow_extern=True).state_dict()
    state["join.conv.more"] = state.pop("join.conv.bias")
    with pytest.raises(Exception, match=r"join\.conv\.more"):
        archdsl.build("net.arch", allow_extern=True, weights=state)


def test_a_deployed_model_has_its_weights(parts: str):
    torch.manual_seed(0)
    model = archdsl.build("net.arch", allow_extern=True).eval()
    deployed = archdsl.build("net.arch", allow_extern=True, weights=model.state_dict(), deploy=True)
    x = torch.randn(2, 3, 8, 8)
    assert False is ("norm.weight" in deployed.state_dict())
    torch.testing.assert_close(model(x), deployed(x))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["pt2", "onnx"])
def test_it_is_exported(parts: str, form: str):
    assert f"net.{form}" == archdsl.export("net.arch", form, f"net.{form}", allow_extern=True)


def test_its_first_values_are_its_own_and_names_do_not_meet(parts: str):
    source = f"""\
let dense = linear(init=trunc_normal(0.02), init_bias=0.0)

extern mixer linear_part(width: int)(x: [b, c]) = "{parts}:Linear"

extern mixer net_part()(x: [b, c]) = "torch.nn:Identity"

extern mixer other()(x: [b, c]) = "torch.nn.modules.linear:Identity"

block identity()(x: [b, c]) {{
  return x |> relu |> dense(8) as dense
}}

model net()(x: [b, 8]) {{
  return x |> dense(8) as first |> linear_part(8) as own |> identity as a |> net_part as b |> other as c
}}
"""
    Path("other.arch").write_text(source, encoding="utf-8")
    model = archdsl.build("other.arch", allow_extern=True)
    assert (7.0, 7.0) == (model.own.weight.min().item(), model.own.weight.max().item())
    assert ["first", "own", "a", "b", "c"] == [name for name, _ in model.named_children()]
    text = archdsl.export("other.arch", allow_extern=True)
    names = [type(part).__name__ for part in instantiate(text).children()]
    assert ["Linear", "Linear", "Identity3", "Identity", "Identity"] == names


def test_what_cannot_be_run_is_told_at_its_declaration(parts: str):
    shape = "(x: [b, c, h, w])"
    found = [
        told(one(f'extern mixer part(){shape} = "no_such_package:Part"')),
        told(one(f'extern mixer part(){shape} = "{parts}:Missing"')),
        told(one(f'extern mixer part(){shape} = "{parts}; import os"')),
        told(one(f'extern mixer part(){shape} = "{parts}:number"')),
        told(one(f'extern mixer part(width: int, k: int){shape} = "{parts}:Mix"', "part(3, 2) as part")),
        told(one(f'extern mixer part(a: int){shape} = "{parts}:Mix"', "part(3) as part")),
        told(one(f'extern mixer part(){shape} = "{parts}:Fails"')),
        told(one(f'extern mixer part(){shape} = "{parts}:Lost"')),
        told(one(f'extern block part(){shape} -> [b, c, h, w] = "{parts}:Halves"')),
        told(one(f'extern mixer part(act: block = relu){shape} = "{parts}:Mix"')),
        told(one(f'extern mixer part(lambda: int = 2){shape} = "{parts}:Mix"')),
        told(f'extern model net(){shape.replace("b, c, h, w", "b, 3, 8, 8")} -> [b, 10] = "{parts}:Mix"\n'),
    ]
    assert [
        (
            "E0217",
            1,
            "`no_such_package` cannot be imported: ModuleNotFoundError: No module named 'no_such_package'",
        ),
        ("E0217", 1, f"`{parts}` has no `Missing`"),
        ("E0217", 1, f'"{parts}; import os" names nothing of Python'),
        ("E0217", 1, "`number()` gives a value of type `int`"),
        ("E0217", 1, "`Mix(width=3, k=2)` cannot be made: ValueError: 2 is even"),
        ("E0217", 1, "`Mix(a=3)` cannot be made: TypeError: Mix.__init__() got an unexpected keyword argument 'a'"),
        ("E0217", 1, "`Fails()` fails on [2, 3, 8, 8]: RuntimeError: not"),
        ("E0217", 1, "`Lost()` gives [1, 3, 8, 8] for [2, 3, 8, 8], where [2, 3, 8, 8] is declared"),
        ("E0217", 1, "`Halves()` gives [[2, 3, 4, 4], [2, 3, 4, 4]] for [2, 3, 8, 8], where [2, 3, 8, 8] is declared"),
        ("E0217", 1, "`act` of `part` cannot be given to Python"),
        ("E0217", 1, "`lambda` of `part` cannot be given to Python"),
        ("E0217", 1, "`net` is Python's as a whole"),
    ] == [each for (each,) in found]


def test_a_function_of_python_is_no_part_of_a_model_yet(parts: str):
    source = one(f'extern function number() = "{parts}:number"', "conv(number(), 3) as conv")
    assert [("E0217", 4, "`number` is a function of Python's, which no model can call yet")] == told(source)


def test_a_setting_that_python_gives_is_refused(parts: str):
    source = f"""\
extern function number() = "{parts}:number"

model wide(w: int)(x: [b, 3, 8, 8]) {{
  return x |> conv(w, 3) as conv
}}

let net = wide(w=number())
"""
    assert [("E0217", 7, "`w` of `wide` is given by Python, which is not run for it yet")] == told(source)
