"""Results that were measured before: the row of a table whose columns equal the decisions of a candidate."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, cast

from archdsl.diagnostics.record import UsageError
from archdsl.diagnostics.suggest import closest
from archdsl.search.contract import Ground, Objective, Option, Part, Place, Prepared, Report, Result, TrialFailed, Work
from archdsl.search.evaluators.reported import REPORTED, name_asked
from archdsl.search.evaluators.tabled import Table, cell, table_at

PLACE: Place = "here"
READS_ARCHITECTURE = False
Reading: TypeAlias = Literal["options", "positions"]
READINGS = "readings"
"""The setting in which a prepared part says how each column of decisions is read."""


def prepare(evaluator: Part, ground: Ground) -> Prepared:
    """Find the file, hold its columns against the decisions of some candidates, and see how options are written."""
    path = _found(cast(str, evaluator["path"]), ground.folder)
    table = table_at(path)
    mapped = _pairs(evaluator, "columns", "the path of a decision and its column")
    for what, pairs in (("columns", mapped), ("metrics", _pairs(evaluator, "metrics", "a metric and its column"))):
        for name, column in pairs.items():
            if column not in table.columns:
                raise UsageError(f"`{what}` says that `{name}` is in `{column}`: {_no_column(table, column)}")
            if what == "metrics" and not table.is_numeric(column):
                raise UsageError(f"`{what}` says that `{name}` is in `{column}`, which does not hold numbers alone")
    options: dict[str, list[Option]] = {}
    for candidate in ground.samples:
        for decision in candidate.decisions:
            options.setdefault(decision.path, list(decision.options) or [decision.taken])
    _check_covered(table, options, mapped)
    readings: dict[str, Reading] = {}
    by_position: list[str] = []
    wish = cast(str, evaluator["values"])
    for place, known in options.items():
        column = mapped.get(place, place)
        readings[place] = cast(Reading, wish) if wish != "auto" else _reading(table, column, place, known)
        if readings[place] == "positions":
            by_position.append(f"`{column}`")
    _check_keys(table, mapped, readings)
    notes = (f"in `{path}`, options stand by their positions from 0: {', '.join(by_position)}",) if by_position else ()
    return Prepared({"path": path, READINGS: readings}, notes)


def gives(evaluator: Part, objective: Objective) -> bool:
    if objective.metric.name == REPORTED:
        return name_asked(objective) in offers(evaluator)
    return objective.metric.name in _pairs(evaluator, "metrics", "")


def offers(evaluator: Part) -> Sequence[str]:
    """The columns of numbers that are no decisions."""
    return _offered(evaluator, table_at(cast(str, evaluator["path"])))


def _offered(evaluator: Part, table: Table) -> Sequence[str]:
    keys = _key_columns(evaluator)
    return [name for name in table.columns if name not in keys and table.is_numeric(name)]


def evaluate(work: Work, report: Report) -> Result:
    part = work.evaluator
    table = table_at(cast(str, part["path"]))
    row = _row(table, part, work.genome, work.positions)
    offered = _offered(part, table)
    metrics = {name: value for name in offered if (value := table.number(name, row)) is not None}
    columns = _pairs(part, "metrics", "")
    for wish in work.metrics:
        reported = wish.metric.name == REPORTED
        column = name_asked(wish) if reported else columns.get(wish.metric.name)
        if column is not None and (not reported or column in offered):
            value = table.number(column, row)
            if value is None:
                raise TrialFailed(f"row {row + 2} of `{table.path}` has no number in `{column}`")
            metrics[wish.name] = value
    return Result(metrics)


def cells_of(
    genome: Mapping[str, Option], positions: Mapping[str, int], readings: Mapping[str, Reading]
) -> dict[str, str]:
    """The decisions of a candidate that have a column, as their columns write them."""
    return {
        place: str(positions[place]) if readings[place] == "positions" and place in positions else cell(option)
        for place, option in genome.items()
        if place in readings
    }


def _row(table: Table, part: Part, genome: Mapping[str, Option], positions: Mapping[str, int]) -> int:
    """The row of a candidate, or why there is none."""
    mapped = _pairs(part, "columns", "")
    readings = cast("Mapping[str, Reading]", part[READINGS])
    key = dict.fromkeys((mapped.get(place, place) for place in readings), "")
    for place, option in genome.items():
        column = mapped.get(place, place)
        if column not in table.columns:
            raise TrialFailed(f"the table `{table.path}` has no column for the decision `{place}`")
        written = cell(option)
        reading = readings.get(place) or _reading(table, column, place, [option])
        if reading == "positions" and place in positions:
            written = str(positions[place])
        key[column] = written
    try:
        row = table.index(tuple(key)).get(tuple(key.values()))
    except UsageError as error:
        raise TrialFailed(str(error)) from None
    if row is None:
        shown = ", ".join(f"{column} = {text or '(empty)'}" for column, text in key.items())
        raise TrialFailed(f"the table `{table.path}` has no row with {shown}")
    return row


def _reading(table: Table, column: str, place: str, options: Sequence[Option]) -> Reading:
    """Whether a column holds options or their positions. Options as they print come first: a column that could be both
    is read as options, unless all of them are there in both readings and mean different things."""
    seen = {text for text in table.cells(column) if text}
    printed = [cell(option) for option in options]
    numbers = [str(number) for number in range(len(printed))]
    if seen <= set(printed):
        if printed != numbers and seen == set(numbers) and len(printed) > 1:
            raise UsageError(
                f"the column `{column}` of `{table.path}` holds {_some(sorted(seen))}, which are options of `{place}`"
                ' and also positions of its options: say which by values="options" or values="positions"'
            )
        return "options"
    if seen <= set(numbers):
        return "positions"
    strange = sorted(seen - set(printed))
    if len(options) > 1 and len(strange) == len(seen):
        raise UsageError(
            f"the column `{column}` of `{table.path}` holds {_some(strange)}, but the options of `{place}` are"
            f" {_some(printed)}, at the positions 0 to {len(printed) - 1}"
        )
    return "options"


def _check_keys(table: Table, mapped: Mapping[str, str], readings: dict[str, Reading]) -> None:
    """Raise UsageError where two rows are for the same decisions. Where they seem to be, columns with empty cells may
    be decisions that none of the candidates reached."""
    keys = [mapped.get(place, place) for place in readings]
    try:
        table.index(tuple(keys))
    except UsageError:
        unseen = [name for name, texts in table.columns.items() if name not in keys and "" in texts]
        table.index((*keys, *unseen))
        readings.update(dict.fromkeys(unseen, "options"))


def _check_covered(table: Table, options: Mapping[str, object], mapped: Mapping[str, str]) -> None:
    """Raise UsageError for decisions without a column, and for mapped paths that no candidate has."""
    missing = [place for place in options if mapped.get(place, place) not in table.columns]
    if missing:
        near = closest(missing[0], table.columns)
        hint = f'; a similar column is `{near}`, which columns=[("{missing[0]}", "{near}")] names' if near else ""
        have = "" if near else f"; it has {_some(list(table.columns))}"
        what = "the decision" if len(missing) == 1 else f"{len(missing)} decisions, as"
        raise UsageError(f"the table `{table.path}` has no column for {what} `{missing[0]}`{hint}{have}")
    strange = [place for place in mapped if options and place not in options and closest(place, options)]
    if strange:
        raise UsageError(
            f"`columns` names the decision `{strange[0]}`, which no candidate has;"
            f" a similar one is `{closest(strange[0], options)}`"
        )


def _key_columns(part: Part) -> set[str]:
    mapped = _pairs(part, "columns", "")
    places = {*cast("Mapping[str, Reading]", part.settings.get(READINGS, {})), *mapped}
    return {mapped.get(place, place) for place in places}


def _pairs(part: Part, setting: str, meaning: str) -> dict[str, str]:
    """A setting that is a list of pairs of strings."""
    pairs = cast("Sequence[object]", part.settings.get(setting, ()))
    found: dict[str, str] = {}
    for pair in pairs:
        if not isinstance(pair, tuple | list) or [type(item) for item in cast("Sequence[object]", pair)] != [str, str]:
            raise UsageError(f"`{setting}` of `table` is a list of pairs, {meaning}, not {pair!r}")
        name, column = cast("Sequence[str]", pair)
        found[name] = column
    return found


def _found(path: str, folder: Path) -> str:
    """A path as it is written, from the folder of the file that names it, or from where the command runs."""
    tried = [Path(folder, path).expanduser(), Path.cwd() / path]
    for each in tried:
        if each.is_file():
            return str(each.resolve())
    if any(each.is_dir() for each in tried):
        raise UsageError(f"the table `{path}` is a directory")
    places = " and ".join(dict.fromkeys(f"`{each.parent}`" for each in tried))
    near = closest(
        Path(path).name, (other.name for other in tried[0].parent.glob("*")) if tried[0].parent.is_dir() else ()
    )
    raise UsageError(
        f"there is no table `{path}`; looked in {places}" + (f"; a similar name is `{near}`" if near else "")
    )


def _no_column(table: Table, column: str) -> str:
    near = closest(column, table.columns)
    hint = f"; a similar one is `{near}`" if near else f"; it has {_some(list(table.columns))}"
    return f"the table `{table.path}` has no column `{column}`{hint}"


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:12]) + (f" and {len(words) - 12} more" if len(words) > 12 else "")
