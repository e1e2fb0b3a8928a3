"""Whether kernels written in Triton can run, and what they have in common."""

from functools import cache
from importlib.util import find_spec
from typing import Final

from archdsl_compiler.kernels.contract import Case

FLOATING: Final = frozenset({"float32", "bfloat16", "float16"})


def runs(case: Case) -> bool:
    """Whether there is a GPU and Triton for it, and one dtype that both know."""
    dtypes = {operand.dtype for operand in case.inputs}
    return case.place.device == "cuda" and len(dtypes) == 1 and dtypes <= FLOATING and _is_there()


@cache
def _is_there() -> bool:
    """PyTorch brings it along where it knows a GPU."""
    return find_spec("triton") is not None
