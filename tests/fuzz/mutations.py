"""Turns one source into one that is wrong somewhere: most mutations move, drop or replace tokens, so that the text gets
past the parser and the fault is one of meaning; the others spoil its characters."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

TOKEN: Final = re.compile(
    r'\s+|#[^\n]*|"(?:[^"\\\n]|\\.)*"|\d[\w.]*|[A-Za-z_]\w*|\|>|->|\.\.\.|\.\.<|\.\.|\*\*|//|[=!<>]=|.', re.DOTALL
)
NUMBERS: Final = (
    *"0 1 2 3 7 -1 (-3) 0.0 0.5 1e308 1e-400 1e400 63 255 65536 1000003 2147483648 9223372036854775808".split(),
    *("10 ** 30", "2 ** 10 ** 10", "1" + "0" * 300, "9" * 5_000, "1K", "8h", "4MiB"),
)
WORDS: Final = tuple(
    """
    from import as extern let for in if then else return require expose at when by and or not true false none minimize
    maximize function mixer block stage model space quant train search choose decide int real list x _ ... float32
    in_training param buffer conv linear rearrange concat split shape dtype name sum
    """.split()
)
SIGNS: Final = (
    *"( ) [ ] { } , : . = |> -> .. ..< ... ? @ % // ** - + * / == != < >= # ## ! $ ' ` ;".split(),
    *('"', "\n", "\\"),
)
EXPRESSIONS: Final = tuple(
    part.strip()
    for part in """
    none; true; []; (); ""; (1, 2); [1, 2, 3]; 0..<4; 0..<10 ** 12; 1..6 by 0; 5..1; x.shape; x.T; x @ x; x[0];
    x[..., 0]; x == x; -x; not x; len(x); sum(x); max([]); sqrt(-1); log(0); 1 / 0; 4MiB; int8(); range(0); choose();
    choose(1, 2); choose(0..<10 ** 9); choose(none, pool()); choose(0.0..1.0); [i for i in 0..<1000000]; conv(8, 3);
    [[j for j in 0..<1000] for i in 0..<1000]; conv(c, 3, groups=0); linear(-1); relu |> gelu;
    zeros([10 ** 9, 10 ** 9]); (x |> relu) as a; float32(relu); if true then 1 else x; 1 <= n <= 8; none in [none];
    conv(0, 3); linear(10 ** 15);
    "{i}"; "{1 / 0}"; repeat(x, "a -> a b", b=0)
    """.strip().split(";")
)
# White space, directions and joiners, and letters and digits that are none in the language.
CHARACTERS: Final = tuple(
    chr(code)
    for code in (
        *(0x00, 0x09, 0x0B, 0x0C, 0x0D, 0x1B, 0x7F, 0x85, 0xA0, 0xE9, 0x301, 0xDF, 0x4E2D, 0x1F642, 0x200B, 0x200D),
        *(0x200E, 0x202E, 0x2028, 0xFEFF, 0xFFFD, 0x10FFFF, 0xB2, 0x663, 0x131, 0xAA, 0x2167, 0x1D7D8, 0xFB01),
    )
)
OPERATORS: Final = "+ - * / // % ** == < and or in @ |> ..".split()
BRACES: Final = (("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("f(", ")"), ("if a then ", " else b"))

Tokens = list[str]
Mutation = Callable[[Random, Tokens, Sequence[str]], None]


def mutated(random: Random, text: str, others: Sequence[str]) -> str:
    """The text after a few mutations; `others` lend pieces."""
    tokens = TOKEN.findall(text)
    gentle = random.random() < 0.7
    chosen = [entry for entry in WEIGHTED if entry[0] in GENTLE or not gentle]
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4, 8))):
        mutation = random.choices([m for m, _ in chosen], [weight for _, weight in chosen])[0]
        mutation(random, tokens, others)
    result = "".join(tokens)
    if not gentle and random.random() < 0.25:
        result = _spoiled(random, result)
    if not gentle and random.random() < 0.1:
        result = result[: random.randrange(len(result) + 1)]
    return result


def _place(random: Random, tokens: Tokens, wanted: str = r"\S") -> int | None:
    """The number of a random token that begins as wanted."""
    for _ in range(30):
        if tokens and re.match(wanted, tokens[at := random.randrange(len(tokens))]):
            return at
    return None


def _delete(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    at = _place(random, tokens)
    if at is not None:
        del tokens[at : at + random.choice((1, 1, 1, 2, 3, 8))]


def _duplicate(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    at = _place(random, tokens)
    if at is not None:
        tokens[at:at] = tokens[at : at + random.choice((1, 1, 2, 3, 8, 20))]


def _swap(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    a, b = _place(random, tokens), _place(random, tokens)
    if a is not None and b is not None:
        tokens[a], tokens[b] = tokens[b], tokens[a]


def _number(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    at = _place(random, tokens, r"\d")
    if at is not None:
        tokens[at] = random.choice(NUMBERS)


def _name(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    """Another name of the same text in place of one: what is found there is often of another kind."""
    at, other = _place(random, tokens, "[A-Za-z_]"), _place(random, tokens, "[A-Za-z_]")
    if at is not None and other is not None:
        tokens[at] = tokens[other] if random.random() < 0.8 else random.choice(WORDS)


def _misspelled(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    at = _place(random, tokens, "[A-Za-z_]")
    if at is not None:
        tokens[at] = tokens[at][:-1] or "q"


def _expression(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    at = _place(random, tokens, r"[\w(\[\"]")
    if at is not None:
        tokens[at] = random.choice(EXPRESSIONS)


def _insert(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    at = _place(random, tokens)
    if at is not None:
        tokens.insert(at, f" {random.choice(random.choice((WORDS, SIGNS, NUMBERS, EXPRESSIONS)))} ")


def _sign(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    at = _place(random, tokens, r"[^\w\s\"#]")
    if at is not None:
        tokens[at] = random.choice(SIGNS)


def _operator(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    """An operator by another: the text still parses."""
    at = _place(random, tokens, r"[-+*/%<>=!@|.]|and$|or$|in$")
    if at is not None:
        tokens[at] = f" {random.choice(OPERATORS)} "


def _nest(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    at = _place(random, tokens, r"\w")
    if at is not None:
        depth = random.choice((3, 30, 150, 300, 3000))
        before, after = random.choice(BRACES)
        tokens[at] = before * depth + tokens[at] + after * depth


def _splice(random: Random, tokens: Tokens, others: Sequence[str]) -> None:
    """A piece of another source, between lines or in the middle of one."""
    other = TOKEN.findall(random.choice(others))
    if not other:
        return
    start = random.randrange(len(other))
    at = random.randrange(len(tokens) + 1)
    tokens[at : at + random.choice((0, 0, 0, 5, 50))] = other[start : start + random.choice((2, 10, 40, 150))]


def _declaration(random: Random, tokens: Tokens, others: Sequence[str]) -> None:
    """A whole declaration or line of another source, which still parses."""
    pieces = re.split(r"\n\n+|(?<=\n)(?=  \S)", random.choice(others))
    tokens.insert(random.choice((0, len(tokens), random.randrange(len(tokens) + 1))), f"\n{random.choice(pieces)}\n")


def _move_line(random: Random, tokens: Tokens, _others: Sequence[str]) -> None:
    lines = "".join(tokens).split("\n")
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randrange(len(lines) + 1), line)
    if random.random() < 0.5:
        lines.insert(random.randrange(len(lines) + 1), line)
    tokens[:] = TOKEN.findall("\n".join(lines))


def _spoiled(random: Random, text: str) -> str:
    """Random bytes, read again as far as they can be, or odd characters."""
    if random.random() < 0.5:
        data = bytearray(text.encode("utf-8", "replace"))
        for _ in range(random.choice((1, 2, 8))):
            if data:
                data[random.randrange(len(data))] = random.randrange(256)
        return data.decode("utf-8", "replace")
    for _ in range(random.choice((1, 2, 5))):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(CHARACTERS) * random.choice((1, 1, 3)) + text[at:]
    return text


WEIGHTED: Final[tuple[tuple[Mutation, int], ...]] = (
    (_delete, 8),
    (_duplicate, 6),
    (_swap, 6),
    (_number, 14),
    (_name, 18),
    (_misspelled, 3),
    (_expression, 14),
    (_insert, 8),
    (_sign, 4),
    (_operator, 6),
    (_nest, 2),
    (_splice, 4),
    (_declaration, 6),
    (_move_line, 5),
)
GENTLE: Final = (_number, _name, _misspelled, _expression, _operator, _declaration, _move_line)
"""After these the text often still parses."""
