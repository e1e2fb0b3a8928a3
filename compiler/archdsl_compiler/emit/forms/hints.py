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


def subscripts(hint: str, count: int) -> tuple[tuple[str, ...], ...]:
    """The texts in each of `count` places of an index that was written as `x[a, b:c, d..<e by f]`."""
    start = _last_bracket(hint)
    found = elements(hint[start:]) if start >= 0 else ()
    if len(found) != count:
        return ((),) * count
    return tuple(_ends(place) for place in found)


def _last_bracket(hint: str) -> int:
    """Where the bracket opens that the text ends with."""
    depth = 0
    for position in range(len(hint) - 1, -1, -1):
        depth += (hint[position] in ")]}") - (hint[position] in "([{")
        if depth == 0:
            return position if hint[position] == "[" else -1
    return -1


def _ends(place: str) -> tuple[str, ...]:
    """The parts of a slice or range; a single text for anything else."""
    depth = 0
    for position, character in enumerate(place):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and character == ":":
            return place[:position].strip(), place[position + 1 :].strip()
        if depth == 0 and place.startswith("..", position):
            stop, _, step = place[position + 2 :].lstrip("<").partition(" by ")
            return place[:position].strip(), stop.strip() if place.startswith("..<", position) else "", step.strip()
    return (place,)
