"""All ops by name. A family is a module beside this one; it is imported when the table is first asked for."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from archdsl_compiler.ops.contract import Op

FAMILIES = (
    "linear",
    "convolution",
    "attention",
    "normalization",
    "activation",
    "pooling",
    "sampling",
    "arrangement",
    "indexing",
    "operators",
    "elementwise",
    "reduction",
    "selection",
    "spectral",
    "constants",
    "initial",
    "stochastic",
    "cast",
)


@cache
def families() -> Mapping[str, tuple[Op, ...]]:
    """The ops of each family, in the order in which its module declares them."""
    found = {family: import_module(f"archdsl_compiler.ops.{family}") for family in FAMILIES}
    return MappingProxyType(
        {family: tuple(v for v in vars(module).values() if isinstance(v, Op)) for family, module in found.items()}
    )


@cache
def ops() -> Mapping[str, Op]:
    """Every op. Two of one name are a mistake of ours."""
    table: dict[str, Op] = {}
    for family, declared in families().items():
        for declaration in declared:
            if declaration.name in table:
                raise ValueError(f"the op `{declaration.name}` is declared twice, the second time in {family}")
            table[declaration.name] = declaration
    return MappingProxyType(table)


def find(name: str) -> Op | None:
    return ops().get(name)
