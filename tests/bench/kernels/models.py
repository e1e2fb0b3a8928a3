"""The models that are measured, with the same weights in ours and in timm's.

They are the ten of `beside_timm`, one of each family, which were chosen for their families and before there was a
kernel: window attention, convolutions of 7 x 7 under a layer norm, global attention, pooling, gated convolutions, both
in one, many small parts, depth-wise convolutions of 3 x 3, dense ones, and attention over a smaller map. Weights are
those of the goldens: each entry by its place and a rule, so that batch norms and affines are like trained ones and no
branch is scaled to nothing."""

import sys
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor, nn

import archdsl
from tests.bench.beside_timm import FAMILIES, input_shape, timm
from tests.zoo import goldens
from tests.zoo.filling import filled

MODELS: Final = FAMILIES
ERROR_AT_MOST: Final = {"fp32": 1e-4, "bf16": 3e-2, "fp16": 3e-2}


@dataclass(frozen=True, slots=True)
class Setting:
    """Under which all contestants of a row run."""

    batch: int = 1
    threads: int = 1
    device: str = "cpu"
    dtype: str = "fp32"

    @property
    def torch_dtype(self) -> torch.dtype:
        return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[self.dtype]


@cache
def _goldens() -> dict[str, Any]:
    return goldens.read()


def state_of(name: str) -> dict[str, Tensor]:
    """The weights of a zoo model, under the names that ours and timm's share."""
    golden = _goldens()[name]
    state = archdsl.build(f"zoo:{name}").state_dict()
    for place, (entry, shape, _, rule) in enumerate(golden["entries"]):
        values = filled(place, rule, shape, golden["fingerprint"]["gain"])
        if values is not None and entry in state:
            state[entry] = torch.from_numpy(values)
    return state


def eager(name: str, state: dict[str, Tensor]) -> tuple[str, nn.Module]:
    """What is to be beaten: timm's module, and where timm is not installed, ours as it is built without tuning."""
    create = timm()
    if create is None:
        return "ours, untuned", archdsl.build(f"zoo:{name}", weights=state).eval()
    module = create(name).eval()
    module.load_state_dict(state)
    return "timm", module


def pictures(name: str, batch: int) -> Tensor:
    return torch.randn(batch, *input_shape(name)[1:], generator=torch.Generator().manual_seed(0))


def error(result: Tensor, reference: Tensor) -> float:
    """The largest difference over the largest logit; infinite where it is not a number."""
    found = float((result.double() - reference.double()).abs().max() / reference.double().abs().max())
    return found if found == found else float("inf")


def bf16_here() -> bool:
    """Whether the processor computes in bfloat16; where it does not, every kernel in it is slower than in float32."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def note(text: str) -> None:
    """For whoever waits; the table goes to the standard output."""
    print(text, file=sys.stderr, flush=True)
