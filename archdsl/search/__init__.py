"""Search: from a space to the models worth having. The package is what `archdsl.search(...)` calls, too."""

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package of this name hides a function of this name, so it stands for it."""

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        from archdsl.search.calling import search

        return search(*arguments, **settings)


sys.modules[__name__].__class__ = _Callable
