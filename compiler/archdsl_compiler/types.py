"""What is known of a tensor before anything runs: its shape and its dtype."""

from typing import NamedTuple

from archdsl_compiler.sizes import Size

DTYPES = ("real", "float32", "float16", "bfloat16", "int64", "bool", "complex")


class TensorType(NamedTuple):
    """`real` is the dtype that the model runs in, whatever that is."""

    shape: tuple[Size, ...]
    dtype: str = "real"

    def reshaped(self, *shape: Size) -> "TensorType":
        return TensorType(shape, self.dtype)

    def cast(self, dtype: str) -> "TensorType":
        return TensorType(self.shape, dtype)

    def __str__(self) -> str:
        shape = f"[{', '.join(map(str, self.shape))}]"
        return shape if self.dtype == "real" else f"{self.dtype}{shape}"
