"""Says why tokens do not parse: what was found, what was being written, and what would be right."""

from collections.abc import Sequence
from typing import Any, Final

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix, Label
from archdsl.diagnostics.suggest import closest
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl.syntax.build import Group
from archdsl.syntax.cutting import ALWAYS_BEGIN, BEGIN_A_STATEMENT, CONTINUE, OPENERS, is_word
from archdsl.syntax.engine import Failure
from archdsl.syntax.habits import is_comment, recognised, without_effect
from archdsl.syntax.tokens import OPERAND_ENDS, Token

PARTNERS: Final = {**OPENERS, "LBRACE": "RBRACE"}
WRITTEN: Final = {
    "LPAR": "(",
    "RPAR": ")",
    "LSQB": "[",
    "RSQB": "]",
    "LBRACE": "{",
    "RBRACE": "}",
    "EQUAL": "=",
    "COMMA": ",",
    "COLON": ":",
    "DOT": ".",
    "ARROW": "->",
    "IN": "in",
    "IMPORT": "import",
    "THEN": "then",
    "ELSE": "else",
    "BY": "by",
    "AS": "as",
    "WHEN": "when",
    "FOR": "for",
}
# Punctuation that is worth naming, in the order in which it is named; the words only where nothing else fits.
NAMED_FIRST: Final = ("EQUAL", "COMMA", "COLON", "RPAR", "RSQB", "LBRACE", "RBRACE")
NAMED_ELSE: Final = ("IN", "IMPORT", "THEN", "ELSE", "ARROW", "AS", "LPAR", "LSQB", "DOT")
BEGIN_AN_EXPRESSION: Final = frozenset(
    {"NAME", "INT", "FLOAT", "QUANTITY", "STRING", "TRUE", "FALSE", "NONE", "LPAR", "LSQB", "CHOOSE", "NOT"}
)
# Or nothing does.
FOLLOW_A_NAME: Final = frozenset(
    {"", "EQUAL", "DOT", "COMMA", "RPAR", "RSQB", "LBRACE", "ADD", "MUL", "POW", "PIPE", "COMPARE", "RANGE"}
)
WANT_AN_EXPRESSION: Final = frozenset({"NAME", "INT", "LPAR"})
STATEMENTS: Final = {
    "LET": "a `let`",
    "RETURN": "a `return`",
    "REQUIRE": "a `require`",
    "EXPOSE": "an `expose`",
    "FOR": "a `for`",
    "IF": "an `if`",
    "AT": "an `at`",
    "MAXIMIZE": "a `maximize`",
    "MINIMIZE": "a `minimize`",
    "FROM": "an import",
    "EXTERN": "an `extern`",
}


def explain(failure: Failure, tokens: Sequence[Token], start: str, place: Span | None = None) -> Diagnostic:
    """`start` is where the parse began; `place` stands for tokens where there are none."""
    at = failure.position
    found = tokens[at] if at < len(tokens) else None
    before = tokens[at - 1] if at > 0 else None
    if found is None and before is None:
        assert place is not None
        return codes.UNEXPECTED.at(place, "a value is missing", "write an expression here")
    habit = recognised(failure, tokens, start)
    if habit is not None:
        return habit
    misfit = _Misfit(failure, tokens, found, before, start)
    fault = (
        misfit.reserved()
        or misfit.misspelt()
        or without_effect(tokens, at, start)
        or misfit.brackets()
        or misfit.unbound()
        or misfit.missing()
        or misfit.anything()
    )
    return fault.with_notes("comments begin with `#`") if is_comment(tokens, at) else fault


class _Misfit:
    """One token that does not fit, or the end where there should be more."""

    def __init__(
        self, failure: Failure, tokens: Sequence[Token], found: Token | None, before: Token | None, start: str
    ) -> None:
        self.wanted = failure.wanted
        self.pending = failure.pending
        self.rest = tokens[failure.position :]
        self.found = found
        self.before = before
        self.start = start
        self.opener = next(
            (at for at in range(len(self.pending) - 1, -1, -1) if getattr(self.pending[at], "type", "") in PARTNERS),
            None,
        )

    # ---- names

    def reserved(self) -> Diagnostic | None:
        """A reserved word where only a name can stand, or with what follows names only."""
        found, before = self.found, self.before
        following = self.rest[1].type if len(self.rest) > 1 else ""
        if found is None:
            return None
        if found.type == "EQUAL" and before is not None and before.type != "NAME" and is_word(before):
            return self._reserved(before)
        if found.type == "NAME" or not is_word(found):
            return None
        if "NAME" in self.wanted and "INT" not in self.wanted and self.start != "start":
            return self._reserved(found)
        if self.start == "start" and "NAME" in self.wanted and "INT" not in self.wanted and self.pending:
            return None if found.type in ALWAYS_BEGIN and following in ("NAME", "") else self._reserved(found)
        if "NAME" not in self.wanted and "EQUAL" not in self.wanted and following != "EQUAL":
            return None
        # In an expression: `for` after an operator is a missing value, `for = 1` and `for * 2` are names.
        if following == "EQUAL" or (
            "NAME" in self.wanted and self._gap() is found and _is_used_as_a_name(found, following)
        ):
            return self._reserved(found)
        return None

    def _reserved(self, word: Token) -> Diagnostic:
        return codes.RESERVED_WORD.at(
            word.span,
            f"`{word.text}` is a reserved word and cannot be a name",
            f"choose another name, such as `{word.text}_`",
        )

    # ---- brackets

    def brackets(self) -> Diagnostic | None:
        found, before = self.found, self.before
        if found is not None and found.type in PARTNERS.values() and self.opener is None:
            return codes.UNEXPECTED.at(found.span, f"`{found.text}` closes nothing", "remove it")
        if self.opener is None:
            return None
        opener: Token = self.pending[self.opener]
        closer = PARTNERS[opener.type]
        others = (Label(opener.span, f"opens {self._inside()}"),)
        if found is not None and found.type in PARTNERS.values() and found.type != closer:
            title = f"`{found.text}` does not close `{opener.text}`"
            return codes.UNCLOSED.at(found.span, title, f"`{WRITTEN[closer]}` belongs here", others=others)
        if before is not None and (found is None or (closer in self.wanted and not self._is_closed(opener.type))):
            title = f"`{opener.text}` is never closed"
            return codes.UNCLOSED.at(before.span, title, f"`{WRITTEN[closer]}` is missing after this", others=others)
        return None

    def _is_closed(self, opener: str) -> bool:
        """The rest has the partner of the open bracket."""
        depth = 0
        for token in self.rest:
            if token.type == opener:
                depth += 1
            elif token.type == PARTNERS[opener]:
                if depth == 0:
                    return True
                depth -= 1
            elif token.type in ("LBRACE", "RBRACE"):
                return False
        return False

    def _inside(self) -> str:
        """What the innermost open bracket holds."""
        assert self.opener is not None
        opener: Token = self.pending[self.opener]
        owner: Any = self.pending[self.opener - 1] if self.opener else None
        kind = getattr(owner, "type", "")
        if opener.type == "LBRACE":
            return "a body"
        if opener.type == "LPAR":
            if isinstance(owner, nodes.Node):
                return f"the arguments of `{_short(owner.span)}`"
            if kind == "CHOOSE":
                return "the options of `choose`"
            if kind == "NAME":
                return f"the settings of `{owner.text}`"
            return "the list of tensors" if isinstance(owner, Group) else "a parenthesis"
        if isinstance(owner, nodes.Node):
            return f"the index of `{_short(owner.span)}`"
        if kind in ("ARROW", "COLON"):
            return "a shape"
        for part in reversed(self.pending[: self.opener]):
            kind = getattr(part, "type", "NAME")
            if kind not in ("NAME", "DOT", "LSQB", "RSQB"):
                return {"AS": "a label", "COLON": "a type or a shape"}.get(kind, "a list")
            if kind == "LSQB":
                break
        return "a list"

    # ---- what is missing

    def misspelt(self) -> Diagnostic | None:
        """A name that is like a word which begins statements, apart from the expression behind it."""
        before, found = self.before, self.found
        if self.start != "item" or len(self.pending) != 1 or before is None or before.type != "NAME":
            return None
        if found is None or found.type not in BEGIN_AN_EXPRESSION or found.span.start == before.span.end:
            return None
        similar = closest(before.text, (kind.lower() for kind in BEGIN_A_STATEMENT))
        if similar is None:
            return None
        title = f"no statement begins with `{before.text}`"
        return codes.UNEXPECTED.at(before.span, title, f"did you mean `{similar}`", fixes=(_replace(before, similar),))

    def unbound(self) -> Diagnostic | None:
        """`name = value` at the top of a file, without `let`."""
        before, found = self.before, self.found
        if self.start != "start" or len(self.pending) != 1 or before is None or found is None or found.type != "EQUAL":
            return None
        edit = Edit(Span(before.span.source, before.span.start, before.span.start), "let ")
        title = f"`{before.text}` is bound outside of every declaration"
        return codes.UNEXPECTED.at(before.span, title, "write `let` before it", fixes=(Fix("write `let`", (edit,)),))

    def missing(self) -> Diagnostic | None:
        if self.wanted >= WANT_AN_EXPRESSION:
            return self._missing_value()
        if "NAME" in self.wanted and self.before is not None and (self.start != "start" or self.pending):
            return self._missing("a name")
        if self.found is None:
            return self._missing(self._expected())
        if self.before is not None and (self.found.type in BEGIN_AN_EXPRESSION or self.found.type == "LBRACE"):
            return self._missing_sign()
        return None

    def _missing_value(self) -> Diagnostic | None:
        before, found = self.before, self.found
        if before is None:
            return None
        after = "" if before.type in ("COMMA", "LPAR", "LSQB") else f" after `{before.text}`"
        if before.type == "PIPE" and found is not None and found.type == "PIPE":
            return codes.UNEXPECTED.at(found.span, "a step is missing between two pipes", "remove one `|>`")
        place = self._gap()
        if place is not found or found is None:
            return codes.UNEXPECTED.at(before.span, f"a value is missing{after}", "write a value after this")
        return codes.UNEXPECTED.at(
            found.span, f"a value is missing{after}", f"an expression belongs before `{found.text}`"
        )

    def _missing_sign(self) -> Diagnostic | None:
        """Something that begins an expression stands where a sign or a word should stand first."""
        before, found = self.before, self.found
        assert before is not None
        assert found is not None
        after_expression = "COMPARE" in self.wanted
        if "EQUAL" in self.wanted and not after_expression and found.type != "LBRACE":
            return self._missing("`=`", " = ")
        if "IN" in self.wanted and not after_expression:
            return self._missing("`in`", " in ")
        if "LBRACE" in self.wanted and found.type != "LBRACE" and self.opener is None:
            return self._missing("`{`")
        for kind in ("THEN", "IMPORT"):
            if kind in self.wanted:
                return self._missing(f"`{WRITTEN[kind]}`")
        if "COMMA" in self.wanted and self.opener is not None and found.type != "LBRACE":
            return self._missing("`,`", ", ")
        return None

    def _missing(self, what: str, written: str = "") -> Diagnostic:
        before, found = self.before, self.found
        if before is None:
            assert found is not None
            return codes.UNEXPECTED.at(found.span, f"{what} is missing", "it belongs before this")
        fixes = ()
        if written:
            end = before.span.end
            space = written if found is None or found.span.start == end else written.rstrip()
            edit = Edit(Span(before.span.source, end, end), space)
            # Only where a statement has begun nothing else can be meant; a comma is always a guess.
            safe = written != ", " and any(getattr(part, "type", "") in STATEMENTS for part in self.pending)
            fixes = (Fix(f"write `{written.strip()}` between them", (edit,), safe),)
        if self._gap() is found and found is not None:
            title = f"{what} is missing before `{found.text}`"
            return codes.UNEXPECTED.at(found.span, title, f"{self._context()}{what} belongs before this", fixes=fixes)
        title = f"{what} is missing after `{before.text}`"
        return codes.UNEXPECTED.at(before.span, title, f"{self._context()}{what} belongs after this", fixes=fixes)

    # ---- the rest

    def anything(self) -> Diagnostic:
        found = self.found
        if found is None:
            return self._missing(self._expected())
        if self.start == "start" and not any(isinstance(part, Token) for part in self.pending):
            if found.type in BEGIN_A_STATEMENT:
                title = f"`{found.text}` stands outside of every declaration"
                return codes.UNEXPECTED.at(found.span, title, "it belongs into the body of one")
        if self.before is not None and self.before.type in OPERAND_ENDS and self.wanted <= {"$END"}:
            title = f"`{_short(found.span)}` does not fit after `{_short(self.before.span)}`"
            return codes.UNEXPECTED.at(found.span, title, "expected an operator or the end of the statement")
        title = f"`{_short(found.span)}` does not fit here"
        return codes.UNEXPECTED.at(found.span, title, f"{self._context()}expected {self._expected()}")

    def _context(self) -> str:
        if self.opener is not None and self.pending[self.opener].type != "LBRACE":
            return f"in {self._inside()}: "
        for part in self.pending:
            if getattr(part, "type", "") in STATEMENTS:
                return f"in {STATEMENTS[part.type]}: "
        return ""

    def _expected(self) -> str:
        wanted = self.wanted
        names: list[str] = []
        if wanted >= WANT_AN_EXPRESSION:
            names.append("an expression")
        elif "LET" in wanted:
            names.append("a statement" if "RETURN" in wanted else "a declaration")
        elif "NAME" in wanted:
            names.append("a name")
        elif "STRING" in wanted:
            names.append("a string")
        signs = [kind for kind in NAMED_FIRST if kind in wanted]
        operators = "COMPARE" in wanted
        if not operators:
            signs += [kind for kind in NAMED_ELSE if kind in wanted and not (kind in ("LPAR", "LSQB") and names)]
        names += [f"`{WRITTEN[kind]}`" for kind in signs]
        if operators:
            names.append("an operator")
        if not names:
            return "the end of the statement"
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

    def _gap(self) -> Token | None:
        """The token beside which something is missing: what was found, unless that stands on a later line."""
        before, found = self.before, self.found
        if before is None or found is None:
            return found or before
        source = found.span.source
        same = "\n" not in source.text[before.span.end : found.span.start]
        return found if same else before


def _is_used_as_a_name(word: Token, following: str) -> bool:
    """By what follows; of a word that continues an expression, a bracket behind it begins what it continues with."""
    return following in FOLLOW_A_NAME or (following in OPENERS and word.type not in CONTINUE)


def _replace(word: Token, text: str) -> Fix:
    return Fix(f"write `{text}`", (Edit(word.span, text),), safe=False)


def _short(span: Span) -> str:
    text = span.text.partition("\n")[0]
    return text if len(text) <= 30 else f"{text[:27]}..."
