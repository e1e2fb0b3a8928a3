"""Neighborhood attention as it is defined, place by place, by gathering what each of them asks."""

import torch


def asked(size: int, kernel: int, dilation: int) -> list[list[int]]:
    """For each place of an axis those that it asks: the `kernel` nearest of those that lie a multiple of `dilation`
    away, around it as far as the border lets them."""
    found: list[list[int]] = []
    for place in range(size):
        line = list(range(place % dilation, size, dilation))
        start = line.index(place) - kernel // 2
        start = min(max(start, 0), len(line) - kernel)
        found.append(line[start : start + kernel])
    return found


def attended(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    kernel: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
    scale: float | None = None,
) -> torch.Tensor:
    """Of [b, h, w, heads, d]."""
    height, width, channels = q.shape[1], q.shape[2], q.shape[4]
    ys, xs = (torch.tensor(asked(*each)) for each in zip((height, width), kernel, dilation, strict=True))

    def gathered(x: torch.Tensor) -> torch.Tensor:
        """[b, h, w, heads, asked, d]"""
        return x[:, ys][:, :, :, xs].permute(0, 1, 3, 5, 2, 4, 6).flatten(4, 5)

    scores = q.unsqueeze(-2) @ gathered(k).mT * (channels**-0.5 if scale is None else scale)
    if bias is not None:
        y, x = (
            (places - torch.arange(len(places))[:, None]) // step + length - 1
            for places, step, length in zip((ys, xs), dilation, kernel, strict=True)
        )
        of_pairs = bias[:, y[:, None, :, None], x[None, :, None, :]].flatten(3)
        scores = scores + of_pairs.permute(1, 2, 0, 3).unsqueeze(-2)
    return (scores.softmax(-1) @ gathered(v)).squeeze(-2)
