"""Matrix products."""

from archdsl_compiler.emit.code import Apply, Expression, Infix, Raw, call
from archdsl_compiler.emit.forms.contract import CallView, Layer, with_bias


def linear(view: CallView) -> Layer:
    x = view.input("x")
    inside = view.size(view.type("x").shape[-1], name="in_features")
    constructor = call("nn.Linear", inside, view.number("out"), bias=view.option("bias", True))
    return Layer(constructor, (x,), lambda held: with_bias("F.linear", x, held))


def matmul(view: CallView) -> Expression:
    return Infix("@", view.input("left"), view.input("right"))


def expert_linear(view: CallView) -> Layer:
    x, chosen = view.input("x"), view.input("chosen")
    inside = view.size(view.type("x").shape[-1], name="in_features")
    numbers = (view.number("experts"), inside, view.number("out"))
    constructor = call("ExpertLinear", *numbers, bias=view.option("bias", True))

    def functional(held: dict[str, Expression]) -> Apply:
        return call("expert_linear", x, chosen, *(held[name] for name in ("weight", "bias") if name in held))

    return Layer(constructor, (x, chosen), lambda held: functional(dict(held)))


def einsum(view: CallView) -> Expression:
    """Names of axes become letters, their first one where that is free."""
    inputs: tuple[tuple[str, ...], ...] = view.call.resolved["inputs"]  # pyright: ignore[reportAssignmentType]
    output: tuple[str, ...] = view.call.resolved["output"]  # pyright: ignore[reportAssignmentType]
    letters: dict[str, str] = {}
    for name in (name for names in inputs for name in names):
        if name not in letters:
            free = (letter for letter in f"{name[0]}{_LETTERS}" if letter.isalpha() and letter not in letters.values())
            letters[name] = next(free)
    sides = ",".join("".join(map(letters.__getitem__, names)) for names in inputs)
    pattern = f"{sides}->{''.join(map(letters.__getitem__, output))}"
    return call("torch.einsum", Raw(f'"{pattern}"'), *view.items("tensors"))


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
