"""What is known of the published models: `tests/data/zoo_goldens.json.gz`.

For each variant: its target, in the zoo or in a search space, and its settings; its `source`; `params` and `macs`; its
`entries` in the order of the reference, each with name, shape, kind and rule of filling; and the `fingerprint` of its
results when it is filled by these rules and sees `input` pictures. `first` are the first 16 numbers of each row in
float64, `norm` is that of all of them, `float32_difference` how far the reference is from itself in float32.
`make_goldens.py` made those of timm's models; the others came from the repositories that `source` names."""

import gzip
import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data" / "zoo_goldens.json.gz"


def read() -> dict[str, Any]:
    return json.loads(gzip.decompress(DATA.read_bytes()))


def write(goldens: dict[str, Any]) -> None:
    text = json.dumps(dict(sorted(goldens.items())), separators=(",", ":"))
    DATA.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
