"""Machines of which the record has times, and how they are named: by words that `archdsl tune show` tells of each."""

import re

from archdsl.diagnostics.record import UsageError
from archdsl.kept_times import user_record
from archdsl_compiler.tuning.conditions import Conditions


def machine_line(conditions: Conditions) -> str:
    """One machine, as it is told."""
    features = f" ({' '.join(conditions.features)})" if conditions.features else ""
    threads = f"{conditions.threads} thread{'' if conditions.threads == 1 else 's'}"
    return f"{conditions.machine}{features}, {conditions.device}, {threads}"


def conditions_named(text: str, device: str = "cpu") -> Conditions:
    """The conditions of the record that all parts of a text are of, which commas separate. Raises UsageError if there
    are none, or several."""
    kind = device.partition(":")[0]
    all_ = sorted({at for at, _, _ in user_record().rows()}, key=lambda each: each.key)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    found = [each for each in all_ if each.device == kind and all(_has(each, part) for part in parts)]
    if len(found) == 1:
        return found[0]
    if not found:
        known = "; ".join(_told(each) for each in all_) or "none"
        raise UsageError(
            f"there are no times of a machine like `{text}` with the device {kind}; `archdsl tune import FILE` takes"
            f" those of another machine, and there are: {known}"
        )
    told = "; ".join(map(_told, found))
    raise UsageError(f"there are times of several machines like `{text}`, so name more of it, after a comma: {told}")


def _told(conditions: Conditions) -> str:
    return f"{machine_line(conditions)}, PyTorch {conditions.torch}, allocator {conditions.allocator}"


def _has(conditions: Conditions, part: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(part)}(?!\w)", _told(conditions), re.IGNORECASE) is not None
