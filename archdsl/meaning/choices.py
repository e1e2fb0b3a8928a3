"""`choose(...)`: a decision, taken where it stands."""

from functools import lru_cache

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix, Label
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.conditions import NEVER
from archdsl.meaning.decisions import Offer, Taken
from archdsl.meaning.dispatch import evaluate, evaluates
from archdsl.meaning.expressions import decide
from archdsl.meaning.operators import equal
from archdsl.meaning.run import Abandoned, Fault, Frame, TooManyCases, show_option
from archdsl.meaning.types import describe
from archdsl.meaning.values import (
    UNKNOWN,
    Component,
    Composed,
    Configured,
    Decided,
    Placed,
    RealRange,
    Unknown,
    Value,
    Variant,
    Wrapped,
    show,
)
from archdsl.meaning.variants import merged
from archdsl.meaning.worlds import Site
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl_compiler.graph import join
from archdsl_compiler.sizes import Symbolic

REAL_SAMPLES = 3
"""A continuous range is checked at its ends and in its middle."""


@evaluates(nodes.Choose)
def choose(node: nodes.Choose, frame: Frame) -> Value:
    if frame.session.probing:
        return evaluate(node.options[0].value, frame)
    path = _path(node, frame)
    _claim_path(node, frame, path)
    if len(node.options) == 1 and node.options[0].condition is None:
        base, frame.naming = frame.naming, path
        whole = evaluate(node.options[0].value, frame)
        frame.naming = base
        if isinstance(whole, Variant):
            return merged(frame, [(c, _from_list(node, frame, path, v)) for c, v in whole.cases])
        return _from_list(node, frame, path, whole)
    return _chosen(node, frame, path) if not frame.session.checking else _followed(node, frame, path)


def _path(node: nodes.Choose, frame: Frame) -> str:
    """What the decision is called inside its body: the label or name that it is the value of."""
    if frame.naming:
        return frame.naming
    frame.body.choices += 1
    name = "choice" if frame.body.choices == 1 else f"choice_{frame.body.choices - 1}"
    frame.report(
        codes.UNNAMED_CHOICE.at(
            node.span,
            f"this decision is called `{name}`",
            "give it a name: bind it by `let`, or write `as name` behind it",
            notes=("results and constraints call decisions by name",),
        )
    )
    return name


def _claim_path(node: nodes.Choose, frame: Frame, path: str) -> None:
    """Two decisions of one candidate cannot have one name."""
    universe, now = frame.world.universe, frame.effective()
    condition, first = frame.body.chosen.get(path, (NEVER, node.span))
    if universe.both(condition, now) != NEVER:
        loop = first == node.span
        raise Fault(
            codes.DECISION_NAME_TAKEN.at(
                node.span,
                f"two decisions are called `{path}`",
                "reached again, in a loop or by a second call" if loop else "the second one",
                others=() if loop else (Label(first, "the first one"),),
                notes=("give it a name of its own, in a loop with the loop's variable: `choose(...) as width[i]`",),
            )
        )
    frame.body.chosen[path] = (universe.either(condition, now), node.span)


def recorded(value: Value) -> Value:
    """An option as results write it: a number or string as itself, a component by its name."""
    match value:
        case None:
            return "none"
        case Component() | Composed() | Wrapped() | Placed() | Decided() | Configured():
            return value.name
        case tuple():
            return tuple(recorded(item) for item in value)
        case Variant():
            return Variant(tuple((condition, recorded(inner)) for condition, inner in value.cases))
        case _:
            return value


def option_names(values: list[Value]) -> tuple[Value, ...]:
    """The options as they are recorded; `#2` when two share a name."""
    names: list[Value] = []
    seen: dict[str, int] = {}
    for value in values:
        name = recorded(value)
        if isinstance(name, str):
            count = seen[name] = seen.get(name, 0) + 1
            name = f"{name}#{count}" if count > 1 else name
        names.append(name)
    return tuple(names)


# ---- one candidate


def _take(node: nodes.Choose, frame: Frame, path: str, names: tuple[Value, ...], allowed: tuple[int, ...]) -> int:
    """Ask for the decision; one open option is none."""
    if not allowed:
        raise Fault(_none_open(node))
    if len(allowed) == 1:
        return allowed[0]
    chooser = frame.session.chooser
    if chooser is None:
        raise Fault(
            codes.NO_CHOICE_HERE.at(
                node.span,
                f"the decision `{join(frame.absolute_path(), path)}` is open",
                "nobody decides it here",
                notes=("give a genome, or take the decisions with `decide(space, [...])`",),
            )
        )
    option = chooser(join(frame.absolute_path(), path), names, allowed, node.span)
    frame.body.decisions.append(Taken(path, names[option], Offer(names, allowed, node.span)))
    return option


def _chosen(node: nodes.Choose, frame: Frame, path: str) -> Value:
    allowed = tuple(
        i
        for i, option in enumerate(node.options)
        if option.condition is None or decide(frame, option.condition, "`when`")[0] != NEVER
    )
    before, frame.session.probing = frame.session.probing, True
    base, frame.naming = frame.naming, path
    try:
        names = option_names([evaluate(option.value, frame) for option in node.options])
        frame.session.probing = before
        taken = _take(node, frame, path, names, allowed)
        return evaluate(node.options[taken].value, frame)
    finally:
        frame.session.probing, frame.naming = before, base


def _from_list(node: nodes.Choose, frame: Frame, path: str, whole: Value) -> Value:
    """A choice from one list or range."""
    if isinstance(whole, Unknown | Symbolic):
        return UNKNOWN
    if isinstance(whole, RealRange):
        return _from_reals(node, frame, path, whole)
    if not isinstance(whole, tuple | range):
        if len(node.options) == 1 and not frame.session.probing:
            frame.report(_single(node))
        return whole
    if not whole:
        at = node.options[0].value.span
        what, written = ("range", f"`{at.text}`") if isinstance(whole, range) else ("list", describe(whole))
        raise Fault(codes.NO_OPTIONS.at(at, f"a choice from an empty {what}", f"{written} has nothing to choose from"))
    if len(whole) == 1:
        frame.report(_single(node))
        return whole[0]
    if len(whole) > frame.session.limits.elements:
        raise Fault(
            codes.LIST_TOO_LONG.at(node.span, f"a choice of {len(whole):,} options", "more than the limit allows")
        )
    names = _numbers(whole) if isinstance(whole, range) else option_names(list(whole))
    if not frame.session.checking:
        return whole[_take(node, frame, path, names, _numbers(range(len(whole))))]
    decided = _decided(node, frame, path, names)
    if decided is not None:
        return whole[decided]
    if len(whole) > frame.session.limits.cases:
        raise TooManyCases
    number = _site(node, frame, path, names)
    universe = frame.world.universe
    return merged(frame, [(universe.taken(number, i), value) for i, value in enumerate(whole)])


@lru_cache(maxsize=256)
def _numbers(whole: range) -> tuple[int, ...]:
    """The numbers of a range. Candidates come by again and again, and keep what was on offer: they share it."""
    return tuple(whole)


def _from_reals(node: nodes.Choose, frame: Frame, path: str, whole: RealRange) -> Value:
    step = (whole.stop - whole.start) / (REAL_SAMPLES - 1)
    samples: tuple[Value, ...] = tuple(whole.start + step * i for i in range(REAL_SAMPLES))
    if frame.session.checking:
        frame.session.samples += 1
        number = _site(node, frame, path, samples)
        frame.world.sites[number].sampled = True
        return merged(frame, [(frame.world.universe.taken(number, i), value) for i, value in enumerate(samples)])
    chooser = frame.session.chooser
    bounds = (whole.start, whole.stop)
    offer = Offer((), (), node.span, bounds)
    known = chooser.recall(join(frame.absolute_path(), path), offer) if chooser else UNKNOWN
    if isinstance(known, int | float) and not isinstance(known, bool):
        if not whole.start <= known <= whole.stop:
            raise Fault(
                codes.UNKNOWN_OPTION.at(
                    node.span, f"{known} is outside the range of `{path}`", f"{whole.start}..{whole.stop}"
                )
            )
        frame.body.decisions.append(Taken(path, known, offer))
        return float(known)
    return samples[_take(node, frame, path, samples, tuple(range(REAL_SAMPLES)))]


def _decided(node: nodes.Choose, frame: Frame, path: str, names: tuple[Value, ...]) -> int | None:
    """The option that `decide` took, if it took this decision."""
    session = frame.session
    whole = join(frame.absolute_path(), path)
    if whole not in session.decided:
        return None
    session.reached.add(whole)
    wanted = session.decided[whole]
    for option, name in enumerate(names):
        if equal(name, wanted):
            return option
    near = closest(wanted, [n for n in names if isinstance(n, str)]) if isinstance(wanted, str) else None
    shown = ", ".join(show(name) for name in names[:12])
    notes = (f"an option with a similar name exists: `{near}`",) if near else (f"the options: {shown}",)
    at = session.decided_at[whole][1] if whole in session.decided_at else node.span
    fixes = (Fix(f"write `{near}`", (Edit(at, show(near)),)),) if near and at.text == show(wanted) else ()
    others = (Label(node.span, "the choice"),) if at != node.span else ()
    title = f"`{whole}` has no option {show(wanted)}"
    raise Fault(codes.UNKNOWN_OPTION.at(at, title, "not an option", others=others, notes=notes, fixes=fixes))


def _check_open(node: nodes.Choose, frame: Frame, path: str, option: nodes.Option) -> None:
    """Whether the option that `decide` took is one that its `when` leaves open."""
    if option.condition is None or decide(frame, option.condition, "`when`")[0] != NEVER:
        return
    session = frame.session
    whole = join(frame.absolute_path(), path)
    at = session.decided_at[whole][1] if whole in session.decided_at else option.value.span
    title = f"the option {show_option(session.decided[whole])} of `{whole}` is closed here"
    others = (Label(option.condition.span, "this does not hold"),)
    raise Fault(codes.UNKNOWN_OPTION.at(at, title, "closed by its `when`", others=others))


# ---- all candidates


def _site(node: nodes.Choose, frame: Frame, path: str, names: tuple[Value, ...]) -> int:
    world = frame.world
    key = ("site", join(frame.body.path, path), node.span, names)
    number = world.known.get(key)
    if number is None:
        number = world.known[key] = world.universe.new_site(len(names))
        whens = tuple("" if option.condition is None else option.condition.span.text for option in node.options)
        site = Site(join(frame.body.path, path), names, node.span, _written(node), whens=whens if any(whens) else ())
        world.sites.append(site)
    frame.session.choosing = True
    site = world.sites[number]
    site.met = world.universe.either(site.met, frame.effective())
    return number


def _written(node: nodes.Choose) -> tuple[Span, ...]:
    """Where the options stand; a list or range is one place."""
    return tuple(option.value.span for option in node.options) if len(node.options) > 1 else ()


def _followed(node: nodes.Choose, frame: Frame, path: str) -> Value:
    """Every open option, each for the candidates that take it. Those that would take a closed one are no candidates."""
    universe = frame.world.universe
    before_probing, frame.session.probing = frame.session.probing, True
    base, frame.naming = frame.naming, path
    outer = frame.condition
    try:
        names = option_names([_probe(option.value, frame) for option in node.options])
    finally:
        frame.session.probing, frame.naming = before_probing, base
    decided = _decided(node, frame, path, names)
    if decided is not None:
        _check_open(node, frame, path, node.options[decided])
        frame.naming = path
        try:
            return evaluate(node.options[decided].value, frame)
        finally:
            frame.naming = base
    number = _site(node, frame, path, names)
    cases: list[tuple[int, Value]] = []
    valid = NEVER
    frame.naming = path
    try:
        for i, option in enumerate(node.options):
            taken = universe.taken(number, i)
            frame.condition = universe.both(outer, taken)
            if option.condition is not None:
                open_for, _ = decide(frame, option.condition, "`when`")
                site = frame.world.sites[number]
                here = universe.both(universe.both(outer, frame.world.alive), open_for)
                site.left_open[i] = universe.either(site.left_open.get(i, NEVER), here)
                taken = universe.both(taken, open_for)
                frame.condition = universe.both(outer, taken)
            valid = universe.either(valid, taken)
            if frame.effective() == NEVER:
                continue
            try:
                cases.append((taken, evaluate(option.value, frame)))
            except Fault as fault:
                frame.report(fault.diagnostic)
                cases.append((taken, UNKNOWN))
    finally:
        frame.naming, frame.condition = base, outer
    closed = universe.without(frame.effective(), valid)
    if closed != NEVER:
        frame.world.open = universe.without(frame.world.open, closed)
        frame.world.alive = universe.without(frame.world.alive, closed)
        if frame.effective() == NEVER:
            frame.world.rejection = _none_open(node)
            raise Abandoned
    return merged(frame, cases)


def _probe(node: nodes.Expression, frame: Frame) -> Value:
    try:
        return evaluate(node, frame)
    except (Fault, Abandoned):
        return UNKNOWN


def _none_open(node: nodes.Choose) -> Diagnostic:
    conditions = tuple(
        Label(option.condition.span, "does not hold") for option in node.options if option.condition is not None
    )
    return codes.NO_OPTIONS.at(node.span, "no option of this choice is open", "every `when` fails", others=conditions)


def _single(node: nodes.Choose) -> Diagnostic:
    return codes.SINGLE_OPTION.at(node.span, "a choice with one option is no decision", "write the value itself")
