"""All engines by name, in the order in which they are worth trying: what gains most for the least waiting comes first.
A family is a module beside this one, imported when it is asked for."""

from functools import cache
from importlib import import_module
from typing import Final, cast

from archdsl_compiler.engines.contract import Engine

FAMILIES: Final = {"openvino": "openvino", "onnxruntime": "onnxruntime", "inductor": "inductor"}
"""Each family with its module, whose `ENGINES` are its variants."""


@cache
def engines_of(family: str) -> tuple[Engine, ...]:
    """The variants of a family, the most promising first; an unknown one is a KeyError."""
    module = import_module(f"archdsl_compiler.engines.{FAMILIES[family]}")
    return cast("tuple[Engine, ...]", module.ENGINES)


def engines() -> tuple[Engine, ...]:
    """All of them, in the order in which they are worth trying."""
    return tuple(engine for family in FAMILIES for engine in engines_of(family))


def engine_of(name: str) -> Engine:
    """The engine of a name with its variant; an unknown one is a KeyError."""
    for engine in engines_of(name.partition(":")[0]):
        if engine.name == name:
            return engine
    raise KeyError(name)
