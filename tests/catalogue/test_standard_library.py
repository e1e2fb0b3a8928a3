"""The shipped files parse and fit on a screen, and what the standard library offers is there and documented."""

from pathlib import Path

import pytest

from archdsl.source import Source
from archdsl.syntax import nodes
from archdsl.syntax.parse import parse

ROOT = Path(__file__).parent.parent.parent
STANDARD = sorted((ROOT / "archdsl" / "std").glob("*.arch"))
FOLDERS = ("archdsl/std", "archdsl/zoo", "searchspaces", "examples")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.arch"))
COLUMNS = 120

# What somebody who knows the field looks for first, by the file it is in.
OFFERED = {
    "layers": {
        "attend",
        "attention",
        "conv_bn",
        "conv_mlp",
        "conv_norm_act",
        "depthwise",
        "depthwise_mlp",
        "haar",
        "inverse_haar",
        "layer_scale",
        "mlp",
        "patch_embed",
        "relative_index",
        "squeeze_excite",
        "transformer_block",
        "window_attention",
        "window_partition",
        "window_reverse",
    },
    "mixers": {
        "attention",
        "depthwise_conv",
        "fourier_filter",
        "lka",
        "neighborhood",
        "pool",
        "separable_conv",
        "window_attention",
    },
    "blocks": {"inverted_residual", "metaformer_block", "residual", "separable_conv"},
    "models": {"metaformer", "metaformer_stage"},
}


def declarations(path: Path) -> list[nodes.Declaration]:
    items = parse(Source(str(path), path.read_text(encoding="utf-8"))).file.items
    return [item for item in items if isinstance(item, nodes.Declaration)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_files_parse(path: Path):
    assert () == parse(Source(str(path), path.read_text(encoding="utf-8"))).diagnostics


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_lines_fit_on_a_screen(path: Path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [] == [number for number, line in enumerate(lines, 1) if len(line) > COLUMNS]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_begin_with_what_they_are(path: Path):
    assert "# " == path.read_text(encoding="utf-8")[:2]


@pytest.mark.parametrize("path", STANDARD, ids=lambda path: path.stem)
def test_everything_in_the_standard_library_is_documented(path: Path):
    assert [] == [declaration.name.text for declaration in declarations(path) if not declaration.doc]


def test_the_standard_library_has_what_is_looked_for():
    found = {path.stem: {declaration.name.text for declaration in declarations(path)} for path in STANDARD}
    assert {} == {name: missing for name, offered in OFFERED.items() if (missing := offered - found.get(name, set()))}
