"""Emitted source becomes modules of Python: named by a hash of the text, so that equal sources are executed once, and
known to `linecache`, so that tracebacks show their lines."""

import copyreg
import hashlib
import linecache
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from torch import nn


def execute(source: str) -> ModuleType:
    """The Python module that a source makes."""
    name = f"archdsl_emitted_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    found = sys.modules.get(name)
    if found is not None:
        return found
    file = f"<{name}>"
    module = ModuleType(name)
    module.__file__ = file
    module.__dict__["__source__"] = source
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    sys.modules[name] = module
    try:
        exec(compile(source, file, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def instantiate(source: str) -> nn.Module:
    """A new model of a source; it can be pickled and copied, also to processes that never saw the source."""
    model = execute(source).build()
    assert isinstance(model, nn.Module)
    copyreg.pickle(type(model), _reduced)  # pyright: ignore[reportUnknownArgumentType]
    return model


def _reduced(model: nn.Module) -> tuple[Callable[[str], nn.Module], tuple[str], dict[str, Any]]:
    source = sys.modules[type(model).__module__].__dict__["__source__"]
    return _restored, (source,), model.__getstate__()


def _restored(source: str) -> nn.Module:
    kind = type(instantiate(source))
    return kind.__new__(kind)
