"""How layers get first values of their own in an emitted file: by one function over the whole model where all layers of
a class begin alike, else by a function that makes those which begin so."""

from collections.abc import Iterable, Iterator, Sequence

from archdsl_compiler.emit.code import Apply, Default, Expression, Maker, Number, Raw, literal, walk
from archdsl_compiler.emit.initial import NO_BIAS, rule_call
from archdsl_compiler.emit.layout import statement
from archdsl_compiler.emit.lifted import Code, Cycle
from archdsl_compiler.emit.root import INITIALISE
from archdsl_compiler.ops.contract import InitialValue


def expressions(code: Code) -> list[Expression]:
    """All code of a class."""
    found = [holding.constructor for holding in code.holdings]
    for item in code.items:
        found += [line.code for line in item.body] if isinstance(item, Cycle) else [item.code]
    return found


def makers_in(code: Iterable[Expression]) -> Iterator[Maker]:
    for expression in code:
        for part in walk(expression):
            if isinstance(part, Maker):
                yield part


def maker_name(maker: Maker) -> str:
    """A name for the function of a maker, which need not be free."""
    base = maker.layer.removeprefix("nn.")
    snake = "".join(f"_{c.lower()}" if c.isupper() and k else c.lower() for k, c in enumerate(base))
    return {"batch_norm2d": "batch_norm", "conv2d": "conv"}.get(snake, snake)


def representatives(makers: Sequence[Maker]) -> dict[Maker, Maker]:
    """The maker that serves for each: one without a bias begins as one of the same class with a bias does."""
    found: dict[Maker, Maker] = {}
    for maker in makers:
        weights = tuple(pair for pair in maker.begins if pair != NO_BIAS)
        same = (
            other
            for other in makers
            if NO_BIAS in maker.begins
            and other.layer == maker.layer
            and NO_BIAS not in other.begins
            and other.begins[: len(weights)] == weights
        )
        found[maker] = next(same, Maker(maker.layer, weights))
    return found


def uniform(code: Sequence[Expression], makers: Iterable[Maker]) -> list[Maker]:
    """The makers whose class of layers has no others, and none that begin as PyTorch's do."""
    made = list(makers)
    plain = {
        part.function.text
        for expression in code
        for part in walk(expression)
        if isinstance(part, Apply) and isinstance(part.function, Raw)
    }
    families = [_family(maker.layer) for maker in made] + [_family(layer) for layer in plain]
    return [maker for maker in made if families.count(_family(maker.layer)) == 1]


def _family(layer: str) -> str:
    """The class of PyTorch behind a class of the prelude, which counts as one of its layers."""
    name = layer.removeprefix("nn.")
    for base in ("Conv1d", "Conv2d", "Conv3d", "LayerNorm", "BatchNorm", "RMSNorm"):
        if base in name and "Transpose" not in name:
            return base
    return name


def initialise_lines(makers: Sequence[Maker], code: Sequence[Expression]) -> list[str]:
    """The function that gives every layer of these classes its first values."""
    groups: dict[tuple[tuple[str, object], ...], list[str]] = {}
    for maker in makers:
        groups.setdefault(maker.begins, []).append(maker.layer)
    lines = [f"def {INITIALISE}(module: nn.Module) -> None:"]
    for number, (begins, layers) in enumerate(groups.items()):
        classes = " | ".join(layers)
        lines.append(f"    {'elif' if number else 'if'} isinstance(module, {classes}):")
        lines += _fillings("module", begins, 8, _always_biased(layers, code))
    return lines


def maker_lines(maker: Maker, name: str) -> list[str]:
    """A function that makes a layer and gives it its first values."""
    return [
        f"def {name}(*sizes: int, **settings) -> {maker.layer}:",
        f"    layer = {maker.layer}(*sizes, **settings)",
        *_fillings("layer", maker.begins, 4),
        "    return layer",
    ]


def _always_biased(layers: Sequence[str], code: Sequence[Expression]) -> bool:
    """Whether no layer of these classes is made without a bias."""
    return not any(
        isinstance(part, Apply)
        and isinstance(part.function, Maker)
        and part.function.layer in layers
        and any(name == "bias" and not isinstance(value, Default) for name, value in part.named)
        for expression in code
        for part in walk(expression)
    )


def _fillings(layer: str, begins: Iterable[tuple[str, object]], indent: int, biased: bool = False) -> list[str]:
    pad = " " * indent
    lines: list[str] = []
    for entry, rule in begins:
        if entry == "bias" and not biased:
            lines += [f"{pad}if {layer}.bias is not None:", *_fill(indent + 4, f"{layer}.{entry}", rule)]
        else:
            lines += _fill(indent, f"{layer}.{entry}", rule)
    return lines


def _fill(indent: int, tensor: str, rule: object) -> list[str]:
    if isinstance(rule, InitialValue):
        filling = rule_call(rule, Raw(tensor))
        return statement(indent, "", filling, lambda part: literal(part.value) if isinstance(part, Number) else "")
    if rule in (0, 1):
        return [f"{' ' * indent}nn.init.{'zeros' if rule == 0 else 'ones'}_({tensor})"]
    return [f"{' ' * indent}nn.init.constant_({tensor}, {rule})"]
