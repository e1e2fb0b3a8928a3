"""`archdsl profile` as a user meets it."""

import json

import pytest

from archdsl.cli.main import run

SMALL = """\
block twice(out: int)(x: [b, n, c]) -> [b, n, out] {
  return x |> linear(out) as fc1 |> gelu |> linear(out) as fc2
}

model small(width: int = 4, classes: int = 2)(x: [b, 3, 8, 8]) {
  x = x |> conv(width, 4, stride=4) as stem |> rearrange("b c h w -> b (h w) c")
  for i in 0..<2 {
    x = x + (x |> twice(width) as blocks[i])
  }
  return x |> mean(axes=1) |> linear(classes) as head
}

space smalls() {
  return small(choose(8, 16) as width)
}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    (tmp_path / "small.arch").write_text(SMALL, encoding="utf-8")
    (tmp_path / "genome.json").write_text('{"width": 16}', encoding="utf-8")
    (tmp_path / "pairs.json").write_text('[["width", 16]]', encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert 0 == run(["profile", *arguments])
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], status: int, *arguments: str) -> str:
    assert status == run(["profile", *arguments])
    captured = capsys.readouterr()
    assert "" == captured.out
    return captured.err


def test_it_prints_a_table(capsys):
    assert """\
small: 286 params, 1,032 MACs, 600 B of activations, for one input [1, 3, 8, 8]

module            params    MACs   share  memory  output
small     small      286  1.03 K  100.0%   600 B  [1, 2]
stem      conv       196     768   74.4%    64 B  [1, 4, 2, 2]
blocks.0  twice       40     128   12.4%   192 B  [1, 4, 4]
  fc1     linear      20      64    6.2%    64 B  [1, 4, 4]
  fc2     linear      20      64    6.2%    64 B  [1, 4, 4]
blocks.1  twice       40     128   12.4%   192 B  [1, 4, 4]
  fc1     linear      20      64    6.2%    64 B  [1, 4, 4]
  fc2     linear      20      64    6.2%    64 B  [1, 4, 4]
head      linear      10       8    0.8%     8 B  [1, 2]
""" == shown(capsys, "small.arch")


def test_depth_leaves_deeper_modules_out(capsys):
    lines = [len(shown(capsys, "small.arch", "--depth", n).splitlines()) for n in ("2", "1", "0")]
    assert [3 + 9, 3 + 5, 3 + 1] == lines


def test_json_has_every_number(capsys):
    found = json.loads(shown(capsys, "small.arch:small", "--json"))
    rows = found.pop("modules")
    assert {
        "target": "small.arch:small",
        "name": "small",
        "params": 286,
        "macs": 1032,
        "activations": 600,
        "inputs": [[1, 3, 8, 8]],
        "outputs": [[1, 2]],
        "decisions": {},
    } == found
    assert {
        "path": "stem",
        "name": "conv",
        "depth": 1,
        "calls": 1,
        "params": 196,
        "macs": 768,
        "share": 0.744186,
        "activations": 64,
        "outputs": [[1, 4, 2, 2]],
    } == rows[1]
    assert 9 == len(rows)


def test_settings_are_given_by_set(capsys):
    found = json.loads(
        shown(capsys, "small.arch", "--set", "width=2 * 4", "--set", "classes=3", "--json", "--depth", "0")
    )
    assert ([[1, 3]], 1) == (found["outputs"], len(found["modules"]))


@pytest.mark.parametrize(
    ("arguments", "width"),
    [(["--pick", "first"], 8), (["--genome", "genome.json"], 16), (["--genome", "pairs.json"], 16)],
)
def test_a_candidate_of_a_space_is_picked_or_read(arguments, width, capsys):
    found = json.loads(shown(capsys, "small.arch", *arguments, "--json"))
    assert ("smalls", {"width": width}) == (found["name"], found["decisions"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "the genome `wrong.json` is no JSON: line 1, column 2"),
        ("7", "the genome `wrong.json` holds no genome; "),
        (
            '[["width", 8], ["width"]]',
            'the genome `wrong.json` holds ["width"], which is no pair of a path and an option',
        ),
        ('[["width", 8], ["width", 8]]', "the genome `wrong.json` decides `width` twice"),
        ('{"width": 8, "depth": 2}', "`smalls` has no decision `depth`"),
        ('{"width": {"a": 1}}', "the decision `width` cannot be dict"),
    ],
)
def test_a_wrong_genome_is_told(tmp_path, capsys, text, expected):
    (tmp_path / "wrong.json").write_text(text, encoding="utf-8")
    assert expected in told(capsys, 2, "small.arch:smalls", "--genome", "wrong.json")


def test_a_genome_that_cannot_be_read_is_told(capsys):
    expected = "Error: the genome `none.json` cannot be read: no such file or directory\n"
    assert expected == told(capsys, 2, "small.arch:smalls", "--genome", "none.json")


def test_a_wrong_target_is_told(capsys):
    assert "the zoo has no `van_b9`" in told(capsys, 2, "zoo:van_b9")
    assert "E0107" in told(capsys, 1, "nothing.arch")
    assert "a target is FILE.arch" in told(capsys, 2, "nothing")


def test_a_wrong_setting_is_shown_with_its_place(capsys):
    message = told(capsys, 1, "small.arch", "--set", "classes=3", "--set", "widht=8")
    assert ("<--set>:2:1" in message, "a setting with a similar name exists: `width`" in message) == (True, True)


def test_a_limit_is_raised_by_its_option(tmp_path, capsys):
    text = f"let many = [{', '.join(map(str, range(20)))}]\n"
    (tmp_path / "many.arch").write_text(SMALL.partition("space")[0] + text, encoding="utf-8")
    assert "elements" in told(capsys, 1, "many.arch", "--limit", "elements=10")
    assert "small" in shown(capsys, "many.arch", "--limit", "elements=30")
