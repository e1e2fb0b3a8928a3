"""A model that is built in a moment, for the tests of building and exporting."""

from pathlib import Path

TEXT = """\
block part(wide: int)(x: [b, c, h, w]) {
  return x |> conv(wide, 3, bias=false) as conv |> batch_norm() as norm |> relu
}

## Two convolutions and a classifier.
model net(width: int = 4, classes: int = 10, size: int = 8)(x: [b, 3, size, size]) {
  x = x |> part(width) as parts[0] |> part(width) as parts[1]
  return x |> mean(axes=(2, 3)) |> linear(classes) as head
}

space nets() {
  return net(width=choose(4, 6))
}
"""


def write_net(folder: Path) -> str:
    """The file, as a target."""
    path = folder / "net.arch"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)
