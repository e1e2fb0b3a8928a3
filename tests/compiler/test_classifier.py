"""Which layers give a model's classes, on models of the zoo and on small ones made for the purpose."""

from pathlib import Path

import pytest

import archdsl
from archdsl.resources import resource
from archdsl_compiler.classifier import Classifier, classifiers

TEXT = """\
block features()(x: [b, 3, h, w]) {
  return x |> conv(4, 3, stride=2) as conv |> relu |> mean(axes=(2, 3))
}

block residual()(x: [b, c]) {
  return x + (x |> linear(8) as up |> gelu |> linear(c) as down)
}

## Its last layer is part of the features.
model pooled(size: int = 8)(x: [b, 3, size, size]) {
  return x |> features as features |> residual as last
}

## One classifier looks at two sets of features.
model placed(size: int = 8)(x: [b, 3, size, size]) {
  let head = linear(10) as head
  return (x |> features as a |> head) + (x |> features as b |> head)
}

model through_lists(size: int = 8)(x: [b, 3, size, size], y: [b, 3, size, size]) {
  let u, v = twins(x |> mean(axes=(2, 3)), none, [x, y])
  return linear(u, 10) as first, [linear(v[:, :, 0, 0], 5) as second]
}

block twins()(x: [b, c], y: [b, c]? = none, zs: list) {
  return x * 2, zs[0] + zs[1]
}

model by_a_map(size: int = 8)(x: [b, 3, size, size]) {
  return x |> conv(4, 3) as conv |> relu |> conv(10, 1) as head |> mean(axes=(2, 3)) |> softmax(axis=-1)
}

## The result also follows from features.
model gated(size: int = 8)(x: [b, 3, size, size]) {
  x = x |> features as features
  return x * sigmoid(x |> linear(4) as gate)
}

## A layer that is summed away gives no classes.
model summed(size: int = 8)(x: [b, 3, size, size]) {
  return x |> features as features |> linear(10) as head |> sum(axes=1)
}

## The first classifier is looked at again.
model cascade(size: int = 8)(x: [b, 3, size, size]) {
  let first = x |> features as features |> linear(10) as first
  return first, first |> gelu |> linear(5) as second
}

model echo(size: int = 8)(x: [b, 3, size, size]) {
  return x
}
"""


@pytest.mark.parametrize(
    ("file", "name", "expected"),
    [
        ("swin", "swin_tiny_patch4_window7_224", [("head.fc", 768, 1000)]),
        ("crossvit", "crossvit_tiny_240", [("head.0", 96, 1000), ("head.1", 192, 1000)]),
        ("volo", "volo_d1_224", [("aux_head", 384, 1000), ("head", 384, 1000)]),
        ("efficientformer", "efficientformer_l1", [("head", 448, 1000), ("head_dist", 448, 1000)]),
        ("gcvit", "gcvit_xxtiny", [("head.fc", 512, 1000)]),
    ],
)
def test_classifiers_of_the_zoo(file: str, name: str, expected: list[tuple[str, int, int]]):
    graph = archdsl.elaborate(archdsl.load(resource(f"zoo/{file}.arch")), name)
    assert tuple(Classifier(*known) for known in expected) == classifiers(graph)


def test_a_model_without_classes_has_no_classifier():
    graph = archdsl.elaborate(
        archdsl.load(resource("zoo/swin.arch")), "swin_tiny_patch4_window7_224", {"classes": None}
    )
    assert () == classifiers(graph)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pooled", []),
        ("placed", [("head", 4, 10)]),
        ("through_lists", [("first", 3, 10), ("second", 3, 5)]),
        ("by_a_map", [("head", 4, 10)]),
        ("gated", []),
        ("summed", []),
        ("cascade", [("second", 10, 5)]),
        ("echo", []),
    ],
)
def test_classifiers_of_small_models(name: str, expected: list[tuple[str, int, int]], tmp_path: Path):
    file = tmp_path / "small.arch"
    file.write_text(TEXT, encoding="utf-8")
    graph = archdsl.elaborate(archdsl.load(file), name)
    assert tuple(Classifier(*known) for known in expected) == classifiers(graph)
