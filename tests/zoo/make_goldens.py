"""Makes goldens of timm's models: `python -m tests.zoo.make_goldens [NAME ...]`, all of them without a name.

Needs timm 1.0.31, which no test and nothing that is shipped does. Run with PyTorch's own attention switched off and one
thread, so that the numbers are the same everywhere. Work is counted by PyTorch's counter on tensors without memory."""

import sys
import time
from typing import Any

import numpy
import timm
import torch
from timm.layers import set_fused_attn
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tests.zoo import goldens
from tests.zoo.filling import filled, pictures, rule_of

GAINS = {"mobilenetv2": 1.3, "efficientvit": 0.8}
"""Where weights of the usual size let what is in the picture die out, or grow without end."""

NAMES = (
    *(f"vit_{size}_patch16_224" for size in ("tiny", "small", "base")),
    *(f"vit_{size}_patch32_224" for size in ("small", "base")),
    *(f"deit_{size}_patch16_224" for size in ("tiny", "small", "base")),
    *(f"swin_{size}_patch4_window7_224" for size in ("tiny", "small", "base", "large")),
    *(f"convnext_{size}" for size in ("atto", "femto", "pico", "nano", "tiny", "small", "base")),
    *(f"efficientvit_m{number}" for number in range(6)),
    *(f"efficientformer_{size}" for size in ("l1", "l3", "l7")),
    *(f"{family}_{size}" for family in ("poolformer", "poolformerv2") for size in ("s12", "s24", "s36", "m36", "m48")),
    *(f"{family}_{size}" for family in ("convformer", "caformer") for size in ("s18", "s36", "m36", "b36")),
    *(f"davit_{size}" for size in ("tiny", "small", "base")),
    *(f"maxvit_{size}_tf_224" for size in ("tiny", "small", "base")),
    *(f"gcvit_{size}" for size in ("xxtiny", "xtiny", "tiny", "small", "base")),
    *(f"volo_d{number}_224" for number in (1, 2, 3)),
    *(f"crossvit_{size}_240" for size in ("tiny", "9", "small", "15", "18")),
    *(f"convit_{size}" for size in ("tiny", "small", "base")),
    *(f"pvt_v2_b{number}" for number in range(6)),
    *(f"mobilenetv2_{size}" for size in ("050", "100", "140")),
    *(f"resnet{depth}" for depth in (18, 34, 50, 101)),
)


def golden(name: str) -> dict[str, Any]:
    model = timm.create_model(name).eval()
    size = model.default_cfg["input_size"][-1]
    parameters = {own for own, _ in model.named_parameters(remove_duplicate=False)}
    state = model.state_dict()
    entries: list[list[Any]] = []
    for entry, tensor in state.items():
        kind = "parameter" if entry in parameters else "buffer"
        rule = rule_of(entry, tensor.dim(), kind, tensor.is_floating_point())
        entries.append([entry, list(tensor.shape), kind, rule])
    gain = GAINS.get(name.partition("_")[0], 1.0)
    for place, (entry, shape, _, rule) in enumerate(entries):
        values = filled(place, rule, shape, gain)
        if values is not None:
            state[entry].copy_(torch.from_numpy(values))
    shape = (2, 3, size, size)
    inputs = torch.from_numpy(pictures(shape))
    with torch.inference_mode():
        short = model(inputs).double().numpy()
        exact = model.double()(inputs.double()).numpy()
    return {
        "target": f"zoo:{name}",
        "settings": {},
        "source": f"timm {timm.__version__}",
        "params": sum(p.numel() for p in model.parameters()),
        "macs": macs(model.float(), size),
        "input": list(shape),
        "entries": entries,
        "fingerprint": {
            "first": [[float(f"{value:.9g}") for value in row[:16]] for row in exact],
            "norm": float(f"{numpy.linalg.norm(exact):.9g}"),
            "gain": gain,
            "float32_difference": float(f"{numpy.abs(short - exact).max():.3g}"),
        },
    }


def macs(model: nn.Module, size: int) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.to("meta")(torch.empty(1, 3, size, size, device="meta"))
    return counter.get_total_flops() // 2


def main() -> None:
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    set_fused_attn(False)
    for name in sys.argv[1:] or NAMES:
        start = time.perf_counter()
        made = golden(name)
        goldens.write({**goldens.read(), name: made})
        print(f"{name}: {made['params']:,} parameters, {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
