"""Permission for the Python of `extern`s, and one run of each of their modules before a model is built of it: they must
be there, take their settings, and give what was declared."""

import keyword
import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import ArchError, Diagnostic
from archdsl.meaning.declared import Unit
from archdsl.source import Span
from archdsl.targets import Target
from archdsl_compiler.graph import Module, Scalar, Structure
from archdsl_compiler.passes.rewriting import unique_modules
from archdsl_compiler.sizes import at_batch
from archdsl_compiler.types import TensorType

REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
BATCH = 2
"""Of the run. A batch of 1 would hide that it is lost."""


class _Misfit(Exception):
    """What is wrong with an `extern`, and what to do."""


def check_externs(target: Target, graph: Module) -> None:
    """Raise ArchError with every `extern` of the graph that may not or cannot be run; a module is tried once."""
    found: dict[tuple[Span, str], Diagnostic] = {}
    cause: BaseException | None = None
    tried = target.program.modules
    for module in unique_modules(graph):
        if not module.extern or (target.allow_extern and ("tried", module) in tried):
            continue
        try:
            if not target.allow_extern:
                raise _Misfit(
                    f"`{module.name}` is Python's, which is run with permission only",
                    "give --allow-extern (in Python allow_extern=True) if you trust it",
                )
            _check(module)
            tried["tried", module] = None
        except _Misfit as misfit:
            span, (title, label) = _span(target.program.unit, module), misfit.args
            found.setdefault((span, title), codes.EXTERN_NOT_RUN.at(span, title, label))
            cause = cause or misfit.__cause__
    if found:
        raise ArchError(tuple(found.values())) from cause


def _check(module: Module) -> None:
    """Import what an `extern` refers to, make it of its settings and run it."""
    if not REFERENCE.fullmatch(module.extern) or any(map(keyword.iskeyword, re.split(r"[.:]", module.extern))):
        raise _Misfit(f'"{module.extern}" names nothing of Python', 'write "package.module:Name"')
    for name, value in module.settings:
        if keyword.iskeyword(name) or not _is_plain(value):
            raise _Misfit(
                f"`{name}` of `{module.name}` cannot be given to Python",
                "settings are numbers, strings, booleans, none or lists of these, and not named by words of Python",
            )
    package, _, title = module.extern.partition(":")
    try:
        home = import_module(package)
    except Exception as error:
        raise _Misfit(
            f"`{package}` cannot be imported: {_told(error)}", "install it, or name its folder in PYTHONPATH"
        ) from error
    made = getattr(home, title, None)
    if made is None:
        raise _Misfit(f"`{package}` has no `{title}`", "name one of its classes")
    _try(module, made, title)


def _try(module: Module, maker: Any, title: str) -> None:
    """A run in evaluation mode on random numbers, which leaves PyTorch's own generator as it was."""
    import torch

    from archdsl_compiler.passes.equality import random_input

    settings = {name: _as_list(value) for name, value in module.settings}
    written = f"{title}({', '.join(f'{name}={value!r}' for name, value in settings.items())})"
    types = [type_.reshaped(*_sizes(type_)) for type_ in module.input_types]
    with torch.random.fork_rng(devices=[]), torch.no_grad():  # pyright: ignore[reportUnknownMemberType]
        try:
            part = maker(**settings)
        except Exception as error:
            raise _Misfit(f"`{written}` cannot be made: {_told(error)}", "it gets these settings") from error
        if not isinstance(part, torch.nn.Module):
            raise _Misfit(
                f"`{written}` gives a value of type `{type(part).__name__}`", "refer to what makes an nn.Module"
            )
        inputs = [random_input(type_, torch.Generator().manual_seed(0), BATCH) for type_ in types]
        given = [_arranged(structure, inputs) for _, structure in module.inputs]
        while given and given[-1] is None:
            given.pop()
        shown = ", ".join(map(str, types))
        try:
            results = _shapes(part.eval()(*given))
        except Exception as error:
            raise _Misfit(f"`{written}` fails on {shown}: {_told(error)}", "it gets these tensors") from error
    promised = _arranged(module.outputs, [*types, *map(_sizes, module.output_types)])
    if results != promised:
        raise _Misfit(f"`{written}` gives {results} for {shown}, where {promised} is declared", "correct one of them")


def _sizes(type_: TensorType) -> list[int]:
    return [size for axis in type_.shape if isinstance(size := at_batch(axis, BATCH), int)]


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, cast("tuple[object, ...]", value)))
    return value is None or isinstance(value, bool | int | float | str)


def _as_list(value: object) -> object:
    return list(map(_as_list, cast("tuple[object, ...]", value))) if isinstance(value, tuple) else value


def _arranged(structure: Structure, values: Sequence[object]) -> object:
    """Values as a structure has them."""
    if isinstance(structure, tuple):
        return [_arranged(inner, values) for inner in structure]
    if isinstance(structure, Scalar):
        return structure.value
    return None if structure < 0 else values[structure]


def _shapes(result: object) -> object:
    """The shape of a tensor, of lists and tuples of tensors the list of those."""
    if isinstance(result, tuple | list):
        return [_shapes(inner) for inner in cast("Sequence[object]", result)]
    shape = getattr(result, "shape", None)
    return type(result).__name__ if shape is None else list(shape)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def _span(unit: Unit, module: Module) -> Span:
    """Where an `extern` is declared: in the file of the unit, or in one that it imports from."""
    waiting, seen = [unit], list[Unit]()
    while waiting:
        each = waiting.pop()
        if each.source.name == module.place.file:
            return Span(each.source, module.place.start, module.place.end)
        seen.append(each)
        waiting += [other for other, _ in each.imports.values() if other is not None and other not in seen]
    raise LookupError(module.place.file)
