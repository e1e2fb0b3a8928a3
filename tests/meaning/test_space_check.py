"""Checking a space whole against following each of its candidates alone."""

import re

import pytest

from archdsl.diagnostics.record import Diagnostic
from archdsl.meaning.check import check_paths, check_source
from archdsl.meaning.limits import DEFAULT_LIMITS, Limits
from archdsl.resources import resource
from tests.meaning.small_spaces import Candidate, candidates, found_in, source_of, written

SEEDS = 96
IN_ONE_TEST = 12
REACHED = re.compile(r"(?:reached|also) by (.*)")
DEAD = re.compile(r"no candidate can take the option (.*) of `(.*)`")
EMPTY = "E0501"

WIDTH_AND_HEADS = """\
mixer whole(heads: int)(x: [b, n, c]) {{
  return x |> rearrange("b n (h d) -> b n h d", h=heads) |> rearrange("b n h d -> b n (h d)")
}}
model net(width: int, heads: int)(x: [b, 4, 6]) {{
  return x |> linear(width) as stem |> whole(heads) as whole
}}
space s() {{
  let width = choose({widths})
  let heads = choose({heads}){require}
  return net(width, heads)
}}
"""


def errors(diagnostics: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    return [d for d in diagnostics if d.severity == "error"]


def faults_of(diagnostics: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    """The errors of single candidates."""
    return [d for d in errors(diagnostics) if d.code != EMPTY]


def decisions_of(diagnostic: Diagnostic) -> list[dict[str, str]]:
    """The decisions in its notes `reached by a = 1, b = 2`."""
    found = [match[1] for note in diagnostic.notes if (match := REACHED.fullmatch(note))]
    return [dict(part.split(" = ", 1) for part in text.split(", ")) for text in found]


def reaching(decisions: dict[str, str], every: list[Candidate]) -> list[Candidate]:
    """The candidates that take these decisions; one with a single open option decides nothing and agrees."""
    agreeing = [candidate for candidate in every if candidate.agrees(decisions)]
    return [candidate for candidate in agreeing if decisions.keys() <= candidate.decisions.keys()] or agreeing


def disagreements(text: str) -> list[str]:
    """Where the check of the whole and the candidates say different things."""
    every = candidates(text)
    if not every:
        return []
    whole = found_in(text)
    said = {(d.code, d.primary.span.start) for d in faults_of(whole)}
    met = {(c.fault.code, c.fault.primary.span.start) for c in every if c.fault is not None and c.faulty}
    found = [f"not said: {sorted(met - said)}"] if met - said else []
    found += [f"no candidate does it: {sorted(said - met)}"] if said - met else []
    for diagnostic in faults_of(whole):
        ways = decisions_of(diagnostic)
        if not ways and not all(candidate.faulty for candidate in every):
            found.append(f"{diagnostic.title}: not said how it is reached")
        for decisions in ways:
            reached = reaching(decisions, every)
            if not reached or not all(candidate.faulty for candidate in reached):
                found.append(f"{diagnostic.title}: {decisions} does not lead there")
    is_empty = any(d.code == EMPTY for d in whole)
    if all(candidate.rejected for candidate in every) and not is_empty:
        found.append("no candidate is left, and that is not said")
    if is_empty and any(candidate.fault is None for candidate in every):
        found.append("it is called empty and has candidates")
    for diagnostic in whole:
        dead = DEAD.fullmatch(diagnostic.title)
        if dead and any(c.fault is None and c.decisions.get(dead[2]) == dead[1] for c in every):
            found.append(f"{diagnostic.title}: one does")
    return found


@pytest.mark.parametrize("first", range(0, SEEDS, IN_ONE_TEST))
def test_a_space_checked_whole_agrees_with_its_candidates(first: int):
    found = {seed: wrong for seed in range(first, first + IN_ONE_TEST) if (wrong := disagreements(written(seed)))}
    assert {} == found


def test_the_generated_spaces_are_of_every_sort():
    """Else the test above would compare nothing."""
    texts = [written(seed) for seed in range(0, SEEDS, 4)]
    found = [[d.code for d in errors(found_in(text))] for text in texts]
    sorts = (
        sum(not codes for codes in found),
        sum(EMPTY in codes for codes in found),
        sum(bool(set(codes) - {EMPTY}) for codes in found),
    )
    assert [True, True, True] == [number >= 3 for number in sorts], sorts


def width_and_heads(widths: str = "30, 32", heads: str = "3, 4", require: str = "") -> str:
    return WIDTH_AND_HEADS.format(widths=widths, heads=heads, require=f"\n  require {require}" if require else "")


def test_a_pair_that_does_not_divide_is_named():
    found = faults_of(found_in(width_and_heads()))
    assert [("E0303", "`h=4` does not divide 30, axis 2 of [batch, 4, 30], which the pattern writes as (h d)")] == [
        (d.code, d.title) for d in found
    ]
    assert [["width = 30, heads = 4", "width = 32, heads = 3"]] == [
        [", ".join(f"{path} = {value}" for path, value in way.items()) for way in decisions_of(d)] for d in found
    ]


def test_a_requirement_before_it_puts_the_pair_outside():
    text = width_and_heads(require="width % heads == 0")
    assert [] == list(found_in(text))
    assert [("30", "3"), ("32", "4")] == [
        (c.decisions["width"], c.decisions["heads"]) for c in candidates(text) if c.fault is None
    ]


def test_a_space_without_a_candidate_is_an_error():
    assert [EMPTY] == [d.code for d in errors(found_in(width_and_heads("31, 37", require="width % heads == 0")))]


def test_one_candidate_left_is_no_error():
    assert [] == errors(found_in(width_and_heads("31, 32", require="width % heads == 0")))


def test_a_requirement_that_does_not_help_leaves_the_fault():
    found = faults_of(found_in(width_and_heads(require="width >= 30")))
    assert ["E0303"] == [d.code for d in found]


def test_only_the_pairs_that_a_requirement_leaves_are_told():
    found = faults_of(found_in(width_and_heads(require="width != 30 or heads == 3")))
    assert [[{"width": "32", "heads": "3"}]] == [decisions_of(d) for d in found]


CORRELATED = """\
mixer whole(heads: int)(x: [b, n, c]) {
  return x |> rearrange("b n (h d) -> b n h d", h=heads) |> rearrange("b n h d -> b n (h d)")
}
model net(width: int, mixes: list[mixer])(x: [b, 4, 6]) {
  x = x |> linear(width) as stem
  for i, mix in enumerate(mixes) {
    x = x |> mix as blocks[i]
  }
  return x
}
space s() {
  let wide = choose(true, false)
  let width = if wide then 32 else 30
  let mix = whole(if wide then 4 else 3)
  return net(width, [mix for i in 0..<2])
}
"""


def test_what_one_decision_ties_together_gives_no_false_alarm():
    assert [] == list(found_in(CORRELATED))


def test_a_shared_option_is_one_decision_and_an_element_has_its_own():
    shared = CORRELATED.replace("if wide then 4 else 3", "choose(3, 4)")
    apart = shared.replace("[mix for", "[whole(choose(3, 4)) for").replace("  let mix = whole(choose(3, 4))\n", "")
    assert [{"wide": "true", "mix.heads": "3"}, {"wide": "false", "mix.heads": "4"}] == [
        way for d in faults_of(found_in(shared)) for way in decisions_of(d)
    ]
    assert [4, 8] == [len(candidates(shared)), len(candidates(apart))]
    assert {"mixes.0.heads", "mixes.1.heads", "wide"} == {
        path for candidate in candidates(apart) for path in candidate.decisions
    } | {"wide"}


def test_an_option_is_named_by_its_value_where_that_follows_from_another_decision():
    text = CORRELATED.replace("if wide then 4 else 3", "choose(low, low + 1)").replace(
        "  let mix", "  let low = choose(3, 4)\n  let mix"
    )
    ways = [way for d in faults_of(found_in(text)) for way in decisions_of(d)]
    assert (True, []) == (bool(ways), [way for way in ways if way.get("mix.heads", "3") not in ("3", "4", "5")])


def test_an_option_of_the_wrong_type_is_told_with_its_decision():
    text = CORRELATED.replace("if wide then 4 else 3", "choose(2, none)")
    found = faults_of(found_in(text))
    assert [("E0206", [{"mix.heads": "none"}])] == [(d.code, decisions_of(d)) for d in found]


def covering(text: str, limits: Limits) -> tuple[list[str], tuple[str, ...]]:
    checked = check_source(source_of(text), limits)
    return [d.code for d in checked.diagnostics if d.severity == "error"], checked.covered


FEW_CONDITIONS = DEFAULT_LIMITS.changed(("conditions=2",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (width_and_heads(), ["E0303"]),
        (width_and_heads(require="width % heads == 0"), []),
        (width_and_heads("31, 37", require="width % heads == 0"), [EMPTY]),
        (CORRELATED, []),
    ],
    ids=["fault", "required", "empty", "correlated"],
)
def test_a_space_over_the_limit_is_covered_and_says_so(text: str, expected: list[str]):
    assert (expected, ("s",)) == covering(text, FEW_CONDITIONS)


def test_a_requirement_too_large_to_follow_is_left_open_and_nothing_wrong_is_still_proven():
    path = resource("searchspaces/smt_search.arch")
    whole = check_paths([path], DEFAULT_LIMITS)
    small = check_paths([path], DEFAULT_LIMITS.changed(("cases=40",)))
    assert [((), ()), ((), ("hybrids",))] == [(c.diagnostics, c.covered) for c in (whole, small)]


def test_a_fault_of_every_candidate_is_told_alike_by_both_ways():
    text = width_and_heads("31, 37")
    assert covering(text, DEFAULT_LIMITS)[0] == covering(text, FEW_CONDITIONS)[0]


def test_what_covering_finds_a_candidate_does():
    found: dict[int, list[tuple[str, int]]] = {}
    for seed in range(0, 64, 8):
        text = written(seed)
        met = {(c.fault.code, c.fault.primary.span.start) for c in candidates(text) if c.fault is not None and c.faulty}
        said = faults_of(check_source(source_of(text), FEW_CONDITIONS).diagnostics)
        found[seed] = [key for d in said if (key := (d.code, d.primary.span.start)) not in met]
    assert {seed: [] for seed in range(0, 64, 8)} == found
