"""Finds all syntax errors of a file, each once, by parsing it in pieces: top-level items, then the statements of their
bodies, each from its own start. A piece is cut where a new one visibly begins, so that a bracket that is never closed
does not swallow what follows. No token is parsed more than a few times, whatever is wrong."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic
from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl.syntax.braces import mend_braces
from archdsl.syntax.build import identifier
from archdsl.syntax.cutting import cut_statements, cut_top_level, cut_where_braces_end
from archdsl.syntax.engine import END, Failure, reduce_tokens
from archdsl.syntax.labels import Unparsed
from archdsl.syntax.layout import Layout, lay_out
from archdsl.syntax.limits import MOST_FAULTS
from archdsl.syntax.misfits import WANT_AN_EXPRESSION, explain
from archdsl.syntax.tokens import Token, Tokens


@dataclass(slots=True)
class _Faults:
    """`uses` are reserved words where a value stands, as if each were the name of something."""

    found: list[Diagnostic]
    uses: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def count(self) -> int:
        return len(self.found) + len(self.uses)

    def told(self) -> tuple[Diagnostic, ...]:
        """In the order of the text. A word that is told where it was given as a name is not told again where it is
        used; one that nothing was named is told where it is used first."""
        words = {fault.primary.span.text for fault in self.found if fault.code == codes.RESERVED_WORD.name}
        told = list(self.found)
        for use in sorted(self.uses, key=Diagnostic.sort_key):
            if use.primary.span.text not in words:
                words.add(use.primary.span.text)
                told.append(use)
        return tuple(sorted(told, key=Diagnostic.sort_key)[:MOST_FAULTS])


def recover(source: Source, found: Tokens) -> tuple[tuple[nodes.Item, ...], tuple[Diagnostic, ...]]:
    """The items of the file, broken ones among them, and what is wrong."""
    layout = lay_out(source, found.tokens)
    items: list[nodes.Item] = []
    faults = _Faults(list(found.faults))
    known = _places(found.faults)
    for piece in cut_top_level(found.tokens, layout):
        whole = _whole(piece, known)
        if whole is not None:
            items += whole
            continue
        mended, mends = mend_braces(piece, layout)
        faults.found += mends
        inside = _places((*found.faults, *mends)) if mends else known
        for part in cut_where_braces_end(mended):
            whole = _whole(part, inside)
            if whole is None:
                if faults.count() < MOST_FAULTS:
                    _look(part, inside, layout, faults)
                whole = (nodes.Broken(part[0].span.to(part[-1].span), _declared(part)),)
            items += whole
    return tuple(items), faults.told()


def _places(faults: tuple[Diagnostic, ...]) -> list[int]:
    return sorted(fault.primary.span.start for fault in faults)


def _whole(tokens: list[Token], known: list[int]) -> tuple[nodes.Item, ...] | None:
    """The items of a piece that is sound."""
    if _spoiled(tokens, known):
        return None
    try:
        items = reduce_tokens(tokens, "start", _end(tokens))
    except Unparsed:
        return None
    return None if isinstance(items, Failure) else items


def _look(tokens: list[Token], known: list[int], layout: Layout, faults: _Faults) -> None:
    """Finds the syntax errors of one top-level item. A statement whose fault is known already is not looked at."""
    frame, bodies = _apart(tokens)
    pieces = [("start", frame)]
    for body in bodies:
        pieces += [("item", statement) for statement in cut_statements(body, layout)]
    before = faults.count()
    for start, piece in pieces:
        if not _spoiled(piece, known):
            _check(piece, start, faults)
            if faults.count() >= MOST_FAULTS:
                return
    if faults.count() == before and not _spoiled(tokens, known):
        # The whole does not parse though each of its parts does: say where the whole stops.
        _check(tokens, "start", faults)


def _check(tokens: list[Token], start: str, faults: _Faults) -> None:
    """Finds what is wrong with tokens that should be one thing."""
    in_value = True  # the holes of labels hold values alone
    try:
        result = reduce_tokens(tokens, start, _end(tokens))
        if not isinstance(result, Failure):
            return
        told = (explain(result, tokens, start),)
        in_value = result.wanted >= WANT_AN_EXPRESSION
    except Unparsed as unparsed:
        told = unparsed.diagnostics
    for fault in told:
        # What a statement begins with is the name of a field: `at = 3`.
        used = in_value and fault.code == codes.RESERVED_WORD.name and fault.primary.span != tokens[0].span
        (faults.uses if used else faults.found).append(fault)


def _apart(tokens: list[Token]) -> tuple[list[Token], list[list[Token]]]:
    """An item with an empty body, and what stands in each body, again with the bodies in it empty."""
    frame: list[Token] = []
    bodies: list[list[Token]] = []
    outer: list[list[Token]] = []
    here = frame
    for token in tokens:
        if token.type == "RBRACE" and outer:
            if here:
                bodies.append(here)
            here = outer.pop()
        here.append(token)
        if token.type == "LBRACE":
            outer.append(here)
            here = []
    if outer and here:
        bodies.append(here)
    return frame, bodies


def _spoiled(tokens: list[Token], known: list[int]) -> bool:
    """One of the known places lies in these tokens, not in a body of theirs, or behind them on their last line."""
    source, _start, end = tokens[-1].span
    line_end = source.text.find("\n", end)
    first = bisect_left(known, tokens[0].span.start)
    last = bisect_right(known, line_end if line_end >= 0 else len(source.text))
    if first == last:
        return False
    starts = [token.span.start for token in tokens]
    for place in known[first:last]:
        at = bisect_right(starts, place) - 1
        emptied = (
            tokens[at].type == "LBRACE"
            and place > starts[at]
            and at + 1 < len(tokens)
            and tokens[at + 1].type == "RBRACE"
        )
        if not emptied:
            return True
    return False


def _end(tokens: list[Token]) -> Token:
    source, _start, end = tokens[-1].span
    return Token(END, "", Span(source, end, end))


def _declared(tokens: list[Token]) -> tuple[nodes.Identifier, ...]:
    """The names that an item would have declared."""
    kinds = [token.type for token in tokens]
    if kinds[0] == "FROM":
        if "IMPORT" not in kinds:
            return ()
        begin, end = kinds.index("IMPORT") + 1, len(kinds)
        # `a as b` declares `b`.
        places = [at for at in range(begin, end) if kinds[at] == "NAME" and kinds[at + 1 : at + 3] != ["AS", "NAME"]]
    elif kinds[0] == "LET":
        end = kinds.index("EQUAL") if "EQUAL" in kinds else min(2, len(kinds))
        places = [at for at in range(1, end) if kinds[at] == "NAME"]
    elif kinds[0] == "EXTERN":
        places = [2] if kinds[1:3] == ["NAME", "NAME"] else []
    else:
        places = [1] if kinds[:2] == ["NAME", "NAME"] else []
    return tuple(identifier(tokens[at]) for at in places)
