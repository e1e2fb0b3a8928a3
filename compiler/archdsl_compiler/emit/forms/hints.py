"""How the source wrote the elements of a setting that was written as a list."""


def hint_of_each(hint: str, count: int, one: bool) -> tuple[str, ...]:
    """The text of each of `count` numbers. `one` says that a single number stands for all."""
    if one:
        return (hint,) * count
    if hint[:1] in ("[", "("):
        found = elements(hint)
        return found if len(found) == count else ("",) * count
    return tuple(f"{hint}[{n}]" for n in range(count)) if hint.isidentifier() else ("",) * count


def elements(hint: str) -> tuple[str, ...]:
    """What stands between the commas of `(a, b)` or `[a, b]`; nothing for any other text."""
    if not hint or hint[0] + hint[-1] not in ("()", "[]"):
        return ()
    found: list[str] = []
    depth, start = 0, 1
    for position, character in enumerate(hint):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and position < len(hint) - 1:
            return ()
        if (character == "," and depth == 1) or depth == 0:
            found.append(hint[start:position].strip())
            start = position + 1
    return tuple(found if found[-1] else found[:-1])
