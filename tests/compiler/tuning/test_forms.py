"""How values lie is the same, whether the model is run or what the record knows of its regions is put together."""

from pathlib import Path

import pytest
import torch

from archdsl_compiler.kernels.contract import Mode
from archdsl_compiler.tuning import forms
from archdsl_compiler.tuning.conditions import conditions_here
from archdsl_compiler.tuning.formats import same_form
from archdsl_compiler.tuning.forms import Forms
from archdsl_compiler.tuning.program import Weights, observe
from archdsl_compiler.tuning.record import Record
from archdsl_compiler.tuning.rows import Kept
from tests.compiler.kernels.flat_models import cut_of, graph_of, inputs_of

MIXED = """
model net()(x: [b, 3, 16, 16]) {
  x = x |> conv(8, 3, padding="same") as stem |> gelu
  let y = x |> depthwise_conv(3, padding="same") as depth
  let tokens = rearrange(x + y, "b c h w -> b (h w) c") |> layer_norm() as norm |> linear(8) as wide
  x = rearrange(tokens, "b (h w) c -> b c h w", h=16) + x
  return x |> mean(axes=(2, 3)) |> linear(5) as head
}
"""
MODES = [Mode(layout, dtype) for layout in ("natural", "last") for dtype in ("float32", "bfloat16")]  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("batch", [1, 2])
def test_they_are_those_of_a_run(mode: Mode, batch: int, tmp_path: Path) -> None:
    graph = graph_of(MIXED)
    parts, state = cut_of(graph)
    weights = Weights(parts, state)
    expected = observe(parts, weights, inputs_of(graph, batch), mode)
    found = Forms(Record(tmp_path / "times.db"), conditions_here(), batch, keeps=True).seen(parts, weights, mode)
    assert found.keys() == expected.keys()
    for value, operand in expected.items():
        assert operand.shape == found[value].shape
        assert same_form(operand, found[value]), value


def test_what_was_seen_once_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts, state = cut_of(graph_of(MIXED))
    record, mode = Record(tmp_path / "times.db"), Mode("last")
    first = Forms(record, conditions_here(), 1, keeps=True).seen(parts, Weights(parts, state), mode)

    def run(*_: object) -> object:
        raise AssertionError("a region was run")

    monkeypatch.setattr(forms, "plainly", run)
    assert first == Forms(record, conditions_here(), 1, keeps=True).seen(parts, Weights(parts, {}), mode)
    with pytest.raises(AssertionError, match="was run"):
        Forms(Record(None), conditions_here(), 1, keeps=True).seen(parts, Weights(parts, state), mode)


def test_rows_that_say_nothing_are_seen_anew(tmp_path: Path) -> None:
    parts, state = cut_of(graph_of(MIXED))
    record, here = Record(tmp_path / "times.db"), conditions_here()
    first = Forms(record, here, 1, keeps=True).seen(parts, Weights(parts, state), Mode())
    broken = {key: Kept(None, name="[[1, 2]]") for _, key, _ in record.rows()}
    assert broken
    record.keep(here, broken)
    assert first == Forms(record, here, 1, keeps=True).seen(parts, Weights(parts, state), Mode())
    assert torch.is_inference_mode_enabled() is False
