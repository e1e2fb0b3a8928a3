"""`archdsl space`: what may vary in a space, how many genomes that makes, and what they cost at least and at most."""

import json
from collections.abc import Iterator

import click

from archdsl.cli.target_options import takes_target
from archdsl.cli.waiting import waiting
from archdsl.diagnostics.json import as_objects
from archdsl.diagnostics.record import UsageError
from archdsl.diagnostics.text import render
from archdsl.meaning.run import show_option
from archdsl.meaning.values import Value
from archdsl.space.estimates import Number
from archdsl.space.report import Bounds, SpaceReport, report_on
from archdsl.space.sites import ShownSite
from archdsl.tables import clipped, short, table
from archdsl.targets import Target

WIDEST_OPTIONS = 60
WIDEST_PATH = 40
DIGITS = 24
"""Numbers of more digits are told as powers of ten."""


@click.command(name="space")
@takes_target(wants=("space", "model"))
@click.option("--json", "as_json", is_flag=True, help="Print one object instead of text.")
def command(target: Target, as_json: bool) -> None:
    """Tell what may vary in TARGET, how many genomes that makes with and without its requirements, and between which
    bounds they cost. TARGET is FILE.arch or FILE.arch:NAME."""
    if target.genome is not None:
        raise UsageError("a space is asked about as a whole: leave --genome and --pick out")
    with waiting("following every candidate"):
        found = report_on(target)
    click.echo(json.dumps(as_object(found), indent=2) if as_json else as_text(found))


def as_object(found: SpaceReport) -> dict[str, object]:
    """For JSON. Numbers of genomes have all their digits."""
    return {
        "target": found.target,
        "name": found.name,
        "genomes": _number_object(found.genomes),
        "valid": _number_object(found.valid),
        "continuous": found.continuous,
        "satisfiable": found.satisfiable,
        "params": _bounds_object(found.params),
        "macs": _bounds_object(found.macs),
        "followed": found.followed,
        "sites": [site for shown in found.sites for site in _site_objects(shown, found.all_sites)],
        "findings": as_objects(found.findings),
    }


def _number_object(number: Number) -> dict[str, object]:
    known: dict[str, object] = {"number": number.value, "exact": number.exact}
    return known if number.exact else {**known, "interval": [number.low, number.high]}


def _bounds_object(bounds: Bounds | None) -> dict[str, object] | None:
    return None if bounds is None else {"lower": bounds.lower, "upper": bounds.upper, "exact": bounds.exact}


def _site_objects(site: ShownSite, every: bool) -> Iterator[dict[str, object]]:
    """One for each decision; where they are too many, one for all, by the pattern of their paths."""
    for path, reached in zip(site.paths, site.reached_at, strict=True) if every else [(site.pattern, site.reached)]:
        yield {
            "path": path,
            "options": [_plain(value) for value in site.options],
            "when": list(site.whens) or None,
            "bounds": site.bounds,
            "reached": reached or None,
            "line": site.at.source.position(site.at.start)[0],
            "file": site.at.source.name,
        }


def _plain(value: Value) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else show_option(value)


def as_text(found: SpaceReport) -> str:
    """Numbers first, then a line for each choice."""
    lines = [f"{found.name}: {_size(found)}"]
    for name, bounds in (("params", found.params), ("MACs", found.macs)):
        if bounds is not None:
            lines.append(f"{name}: {short(bounds.lower)} to {short(bounds.upper)}{_how(bounds)}")
    if found.sites:
        rows = [["decision", "options", "when"]]
        for site in found.sites:
            name = clipped(site.pattern, WIDEST_PATH)
            count = f" x {len(site.paths)}{'' if site.all_paths else '+'}" if len(site.paths) > 1 else ""
            rows.append([name + count, clipped(_options(site), WIDEST_OPTIONS), site.reached])
        lines += ["", *table(rows, [False, False, False])]
    if not found.followed:
        lines.append("The space is too large to be followed whole, so its choices are not listed.")
    if found.findings:
        lines += ["", render(found.findings)]
    return "\n".join(lines)


def _size(found: SpaceReport) -> str:
    every, valid = _shown(found.genomes), _shown(found.valid)
    what = "infinitely many genomes, as a range is continuous; not counting it, " if found.continuous else ""
    if found.satisfiable is False:
        return f"{what}{every} genomes, none of which meets the requirements"
    if found.satisfiable is None:
        return f"{what}{every} genomes; none that meets the requirements was found"
    if found.genomes == found.valid:
        return f"{what}{every} genomes, all valid" if found.genomes.exact else f"{what}{every} genomes"
    return f"{what}{every} genomes, {valid} of which meet the requirements"


def _shown(number: Number) -> str:
    if number.exact:
        return _digits(number.value)
    return f"about {_digits(number.value)} ({_digits(number.low)} to {_digits(number.high)}, 95 %)"


def _digits(number: int) -> str:
    text = str(number)
    if len(text) <= DIGITS:
        return f"{number:,}"
    return f"{text[0]}.{text[1:3]}e{len(text) - 1}"


def _how(bounds: Bounds) -> str:
    return "" if bounds.exact else " (seen among drawn ones)"


def _options(site: ShownSite) -> str:
    """The options, each with its condition."""
    if site.bounds is not None:
        return f"{site.bounds[0]}..{site.bounds[1]}"
    values = site.options
    numbers = [value for value in values if type(value) is int]
    if len(values) > 4 and len(numbers) == len(values) and not any(site.whens):
        step = numbers[1] - numbers[0]
        if numbers == list(range(numbers[0], numbers[-1] + step, step)):
            return f"{numbers[0]}..{numbers[-1]}" + (f" by {step}" if step != 1 else "")
    if len(site.whens) != len(values):
        return ", ".join(map(show_option, values))
    pairs = zip(values, site.whens, strict=True)
    return ", ".join(show_option(value) + (f" when {when}" if when else "") for value, when in pairs)
