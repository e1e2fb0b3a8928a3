"""Packages that timm imports and that our measures never call, stood in for where they are not installed.

`pip install --no-deps timm` is then enough: of what it asks for, torch and numpy are ours, it imports safetensors and
huggingface_hub only where they are, and torchvision, PIL and yaml are for data and for two layers of other models
(FrozenBatchNorm2d, feature extraction). A stand-in is a package that has every name, each an empty class."""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

STOOD_IN_FOR = ("torchvision", "PIL", "yaml")


class _Anything(type):
    """A class that has every name, so that `Image.Resampling.BICUBIC` can be read when a module is imported."""

    def __getattr__(cls, name: str) -> "_Anything":
        return _empty(name)

    def __call__(cls, *_: object, **__: object) -> "_Anything":
        return cls


def _empty(name: str) -> _Anything:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Anything(name, (), {})


class _Loader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        module.__dict__["__getattr__"] = _empty
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__version__"] = "0.0"


class _Finder(MetaPathFinder):
    """Finds every module below the packages that are stood in for."""

    def __init__(self, packages: Sequence[str]):
        self.packages = packages

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self.packages:
            return None
        return ModuleSpec(fullname, _Loader(), is_package=True)


def stand_in(packages: Sequence[str] = STOOD_IN_FOR) -> tuple[str, ...]:
    """Make those of the packages importable that are not installed; says which."""
    missing = tuple(package for package in packages if find_spec(package) is None)
    if missing:
        sys.meta_path.append(_Finder(missing))
    return missing
