"""What a model gives is flat for an engine, and gets its lists back when the model is called."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias, cast

from torch import Tensor, nn

Form: TypeAlias = "str | list[Form]"
"""`tensor`, or the kind of a sequence and the forms of its parts; JSON as it is."""


def form_of(results: object) -> Form:
    """How results are put together. Raises TypeError for what is neither a tensor nor a list or tuple of such."""
    if isinstance(results, Tensor):
        return "tensor"
    if type(results) in (list, tuple):
        return [type(results).__name__, *map(form_of, cast("Sequence[object]", results))]
    raise TypeError(f"the model gives a {type(results).__name__}, and engines give tensors and lists of them")


def flattened(results: object) -> list[Tensor]:
    """All tensors of results, in order."""
    if isinstance(results, Tensor):
        return [results]
    return [tensor for part in cast("Sequence[object]", results) for tensor in flattened(part)]


def put_together(form: Form, tensors: Iterator[Tensor]) -> object:
    """Results of that form."""
    if isinstance(form, str):
        return next(tensors)
    parts = [put_together(part, tensors) for part in form[1:]]
    return tuple(parts) if form[0] == "tuple" else parts


class Flat(nn.Module):
    """A model whose results are one tuple of tensors, which every tracer understands."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(flattened(self.model(*inputs)))


def as_written(written: object) -> Form:
    """A form that was read from JSON. Raises ValueError if it is none."""
    if written == "tensor":
        return "tensor"
    if isinstance(written, list) and written and written[0] in ("list", "tuple"):
        kind, *parts = cast("list[object]", written)
        return [str(kind), *map(as_written, parts)]
    raise ValueError(f"no form of results: {written!r}")
