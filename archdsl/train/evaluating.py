"""A model with weights, measured on data: the numbers that its training found, again."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

from archdsl.assembly import Loading, assembled
from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part, from_json
from archdsl.targets import Target
from archdsl.train.data.prepared import Prepared, prepare
from archdsl.train.fitting import check_fit, wanted_by
from archdsl.train.metrics.registry import measured_metrics
from archdsl.train.planning import metrics_of_splits
from archdsl.train.written import data_text, written_fields

USUAL_VALIDATION: Final = 0.2
MEASURED: Final = "measured"
"""Where preprocessing says which further metrics were measured, by their names."""


def evaluated(target: Target, loading: Loading, data: str | None, given: Mapping[str, str]) -> dict[str, float]:
    """Accuracy and loss on each split that was held out, `validation.accuracy` and so on; of what a search has trained,
    also its objectives by their names."""
    before = _preprocessing_beside(loading.weights)
    fields = written_fields({**given, **({} if data is None else {"data": data_text(data)})})
    source = fields.get("data") or from_json(before.get("source"))
    if not isinstance(source, Part):
        raise UsageError("nothing says on what to measure; give --data SOURCE, such as --data digits")
    validation = float(cast(float, fields.get("validation", before.get("validation", USUAL_VALIDATION))))
    found = prepare(source, wanted_by(target.graph(), target.allow_extern), validation)
    check_fit(target.name, target.graph(), found)
    built = assembled(target, loading)
    measured = from_json(before.get(MEASURED))
    wanted: Mapping[str, Part] = cast("Mapping[str, Part]", measured) if isinstance(measured, Mapping) else {}
    return measured_metrics(built.model, _as_before(found, before), {**metrics_of_splits(), **wanted})


def _preprocessing_beside(weights: object) -> Mapping[str, Any]:
    """How pictures were prepared for weights, by the summary that lies beside them."""
    if not isinstance(weights, str | Path):
        return {}
    try:
        found = json.loads((Path(weights).parent / "summary.json").read_bytes())["preprocessing"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _as_before(data: Prepared, before: Mapping[str, Any]) -> Prepared:
    mean, std = before.get("mean"), before.get("std")
    if not isinstance(mean, list) or not isinstance(std, list):
        return data
    means, spreads = cast("list[float]", mean), cast("list[float]", std)
    if len(means) != data.channels or len(spreads) != data.channels:
        return data
    return replace(data, mean=tuple(means), std=tuple(spreads))
