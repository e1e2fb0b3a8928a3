"""`archdsl show` as a user meets it."""

import json

import pytest

from archdsl.cli.main import run

NET = """\
mixer mix(rate: real = 0.0)(x: [b, n, c]) {
  return x |> linear(c) as fc |> drop_path(rate)
}

mixer turn()(x: [b, n, c]) {
  return x |> linear(c, bias=false) as turn
}

model net(width: int = 8)(x: [b, 4, 3]) {
  x = x |> linear(width) as stem
  for i in 0..<5 {
    x = x |> (if i % 2 == 0 then mix(i / 10) else turn) as blocks[i]
  }
  return x |> mix(0.5) as last |> mean(axes=1)
}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    (tmp_path / "net.arch").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert 0 == run(["show", *arguments])
    return capsys.readouterr().out


def test_it_draws_a_tree_and_folds_what_is_alike(capsys):
    assert """\
net(width=8)
[1, 4, 3] -> [1, 8], 448 params, 1,632 MACs

├─ stem  linear(out=8)                  32  [1, 4, 8]
├─ blocks.0,2,4  mix()                 216  [1, 4, 8]
│  └─ fc  linear(out=8)                 72  [1, 4, 8]
├─ blocks.1,3  turn()                  128  [1, 4, 8]
│  └─ turn  linear(out=8, bias=false)   64  [1, 4, 8]
└─ last  mix(rate=0.5)                  72  [1, 4, 8]
   └─ fc  linear(out=8)                 72  [1, 4, 8]
""" == shown(capsys, "net.arch")


def test_depth_leaves_deeper_modules_out(capsys):
    assert "fc" not in shown(capsys, "net.arch", "--depth", "1")
    assert "net(width=8)\n[1, 4, 3] -> [1, 8], 448 params, 1,632 MACs\n" == shown(capsys, "net.arch", "--depth", "0")


def test_decisions_are_told(tmp_path, capsys):
    (tmp_path / "space.arch").write_text(
        "from .net import net\n\nspace s() {\n  return net(choose(4, 8) as width)\n}\n"
    )
    first = shown(capsys, "space.arch", "--pick", "first").splitlines()
    assert ["s = net(width=4)", "decided: width = 4"] == first[:2]


def test_json_is_the_tree_itself(capsys):
    found = json.loads(shown(capsys, "net.arch", "--json"))
    children = found.pop("children")
    assert {
        "target": "net.arch",
        "decisions": {},
        "label": "net",
        "path": "",
        "name": "net",
        "kind": "model",
        "settings": {"width": "8"},
        "outputs": [[1, 8]],
        "params": 448,
        "macs": 1632,
        "calls": 1,
    } == found
    assert ["stem", *(f"blocks.{i}" for i in range(5)), "last"] == [child["label"] for child in children]
    assert {
        "label": "fc",
        "path": "last.fc",
        "name": "linear",
        "kind": "op",
        "settings": {"out": "8"},
        "outputs": [[1, 4, 8]],
        "params": 72,
        "macs": 256,
        "calls": 1,
        "children": [],
    } == children[-1]["children"][0]


@pytest.mark.parametrize("target", ["zoo:swin_unetr", "zoo:van_b0"])
def test_no_line_is_wider_than_a_page(target, capsys):
    assert [] == [line for line in shown(capsys, target).splitlines() if len(line) > 100]


def test_a_wrong_target_is_told(capsys):
    assert 2 == run(["show", "net.arch:mix"])
    assert "Error: `mix` of `net.arch` is a mixer, no model or space; it has `net`\n" == capsys.readouterr().err
