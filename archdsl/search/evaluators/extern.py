"""An `extern function` as an evaluator. It is called with the built model, the candidate as `.arch` text, and a
function to report intermediate values with, then with its settings by name. It returns metrics by name, or one
number."""

import inspect
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from numbers import Real
from typing import Any, cast

from archdsl.assembly import model_of_text
from archdsl.diagnostics.record import UsageError
from archdsl.externs import REFERENCE
from archdsl.search.contract import Ground, Objective, Part, Place, Prepared, Report, Result, TrialFailed, Work
from archdsl.search.evaluators.reported import REPORTED, name_asked

PLACE: Place = "anywhere"
READS_ARCHITECTURE = True
ITS_OWN = ("params", "macs", "memory")
"""Metrics that are known without it."""


class _GivenUp(Exception):
    """Ends a function whose intermediate value was too low."""


def prepare(evaluator: Part, ground: Ground) -> Prepared:
    """It must be allowed, be there, and take what it is called with."""
    name = cast(str, evaluator["name"])
    if not ground.allow_extern:
        raise UsageError(
            f"`{name}` is Python's, which is run with permission only: give --allow-extern"
            " (in Python allow_extern=True) if you trust it"
        )
    function = _function(evaluator)
    try:
        inspect.signature(function).bind("model", "source", "report", **_settings(evaluator))
    except TypeError as error:
        raise UsageError(
            f"{_shown(evaluator, function)} cannot be called with a model, its source, a report"
            f" {''.join(f'and {each} ' for each in _settings(evaluator))}: {error}"
        ) from None
    except ValueError:  # functions of C say nothing of what they take
        pass
    return Prepared()


def gives(evaluator: Part, objective: Objective) -> bool:
    """What it returns is known only when it has run."""
    return objective.metric.name not in ITS_OWN


def offers(evaluator: Part) -> Sequence[str]:
    return ()


def evaluate(work: Work, report: Report) -> Result:
    part = work.evaluator
    try:
        function = _function(part)
    except UsageError as error:
        raise TrialFailed(str(error)) from None
    built = model_of_text(work.architecture, seed=work.seed, allow_extern=work.allow_extern)

    def told(step: int, value: float) -> None:
        if not report(int(step), float(value)):
            raise _GivenUp

    try:
        found = function(built.model, work.architecture, told, **_settings(part))
    except _GivenUp:
        return Result({})
    except Exception as error:
        raise TrialFailed(f"{_shown(part, function)} raised {_told(error)}") from error
    wishes = [wish for wish in work.metrics if gives(part, wish)]
    metrics = _numbers(part, function, found, wishes)
    return Result(metrics)


def _numbers(part: Part, function: object, found: object, wishes: Sequence[Objective]) -> dict[str, float]:
    """What was returned, and each objective under its name."""
    shown = _shown(part, function)
    if not isinstance(found, Mapping):
        number = _number(found)
        if number is None:
            raise TrialFailed(f"{shown} returned {_short(found)}; it must return a number, or a mapping of numbers")
        if len(wishes) > 1:
            raise TrialFailed(
                f"{shown} returned one number, and {len(wishes)} objectives are asked of it:"
                f" return a mapping with {', '.join(wish.name for wish in wishes)}"
            )
        return {wishes[0].name: number} if wishes else {cast(str, part["name"]): number}
    given: dict[str, float] = {}
    for name, value in cast("Mapping[object, object]", found).items():
        number = _number(value)
        if number is None:
            raise TrialFailed(f"{shown} returned {_short(value)} for `{name}`, which is no number")
        given[str(name)] = number
    for wish in wishes:
        asked = [name_asked(wish), *([] if wish.metric.name == REPORTED else [wish.metric.name])]
        known = next((name for name in asked if name in given), None)
        if known is None:
            raise TrialFailed(f"{shown} returned no `{asked[0]}`; it has {', '.join(given) or 'nothing'}")
        given[wish.name] = given[known]
    return given


def _number(value: object) -> float | None:
    """A number of Python, NumPy or PyTorch."""
    if isinstance(value, bool | Real):
        return float(value)
    item = getattr(value, "item", None)
    try:
        single = item() if callable(item) else None
    except (RuntimeError, TypeError, ValueError):
        return None
    return float(single) if isinstance(single, Real) else None


def _function(part: Part) -> Callable[..., Any]:
    reference = cast(str, part["reference"])
    if not REFERENCE.fullmatch(reference) or any(map(keyword.iskeyword, re.split(r"[.:]", reference))):
        raise UsageError(f'"{reference}" names nothing of Python: write "package.module:name"')
    package, _, name = reference.partition(":")
    try:
        found = getattr(import_module(package), name, None)
    except Exception as error:
        raise UsageError(
            f"`{package}` cannot be imported: {_told(error)}; install it, or name its folder in PYTHONPATH"
        ) from error
    if not callable(found):
        raise UsageError(f"`{package}` has no function `{name}`")
    return cast("Callable[..., Any]", found)


def _settings(part: Part) -> dict[str, object]:
    return dict(cast("Mapping[str, object]", part["settings"]))


def _shown(part: Part, function: object) -> str:
    """A function with its place."""
    code = getattr(inspect.unwrap(cast("Callable[..., Any]", function)), "__code__", None)
    place = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    return f"`{part['reference']}`{place}"


def _told(error: BaseException) -> str:
    """The last line of a traceback."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}".rstrip(": ")


def _short(value: object) -> str:
    text = repr(value)
    return f"{text[:60]}..." if len(text) > 60 else text
