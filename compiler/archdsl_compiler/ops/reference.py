"""The reference of the ops as text: one page for an op, and an overview of all. Both are read from the declarations."""

import textwrap
from typing import get_args

from archdsl_compiler.ops.contract import REQUIRED, DType, InitialValue, Op, OpSetting
from archdsl_compiler.ops.registry import FAMILIES, families

WIDTH = 100
_TYPES = {
    "int": "a whole number",
    "real": "a number",
    "bool": "true or false",
    "str": "a text",
    "sizes": "a number, or a list with one for each axis",
    "axes": "an axis, or a list of axes; negative ones count from the end",
    "shape": "a list of sizes",
    "padding": 'a number, a list with one for each axis, or "same"',
    "dtype": "a dtype, such as float32",
    "init": "a number, or what one of the ops for initial values gives, such as trunc_normal",
    "any": "any value",
}


def signature(op: Op) -> str:
    """As a declaration of the language would say it."""
    settings = [_setting(setting) for setting in op.settings]
    if op.open_settings:
        settings.append("name=size ...")
    tensors = [f"{slot.name}{': list' if slot.many else ''}{'?' if slot.optional else ''}" for slot in op.tensors]
    return f"{op.name}({', '.join(settings)})" + (f"({', '.join(tensors)})" if tensors else "")


def describe(op: Op) -> str:
    """The page of one op."""
    lines = textwrap.wrap(signature(op), WIDTH, subsequent_indent="    ", break_long_words=False)
    lines += ["", f"  {op.shapes}", "", *textwrap.wrap(" ".join(op.documentation.split()), WIDTH)]
    rows = [(setting.name, _explain(setting)) for setting in op.settings]
    if op.open_settings:
        rows.append(("name=size", "the size of an axis of the pattern"))
    if rows:
        lines += ["", "Settings", *_table(rows)]
    numbers = [slot.name for slot in op.tensors if slot.number]
    notes = [
        ("State dict", op.state),
        ("Costs", f"multiply-accumulates: {op.cost}" if op.cost else ""),
        ("Takes numbers", f"{' and '.join(numbers)} may be a number" if numbers else ""),
        ("Also", "works on plain numbers" if op.category == "number" else ""),
    ]
    present = [(title, text) for title, text in notes if text]
    if present:
        lines += ["", *_table(present, indent="")]
    return "\n".join(lines) + "\n"


def overview() -> str:
    """Every op in one line, family by family."""
    lines: list[str] = []
    for family in FAMILIES:
        lines += [family.capitalize()]
        lines += _table([(op.name, _first_sentence(op.documentation)) for op in families()[family]], wrap=False)
        lines += [""]
    return "\n".join(lines).rstrip() + "\n"


def written(value: object) -> str:
    """A default as the language writes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if value in get_args(DType) else f'"{value}"'
    if isinstance(value, InitialValue):
        return str(value)
    return repr(value).replace("e-0", "e-")


def _setting(setting: OpSetting) -> str:
    return setting.name if setting.default is REQUIRED else f"{setting.name}={written(setting.default)}"


def _explain(setting: OpSetting) -> str:
    text = _TYPES[setting.type.rstrip("?")]
    if setting.name in ("init", "init_bias") and setting.default is None:
        return f"how the {'weight' if setting.name == 'init' else 'bias'} begins; PyTorch's rule unless given"
    if setting.default is REQUIRED:
        return f"{text}; required"
    return (
        f"{text}; {written(setting.default)} unless given"
        if setting.default is not None
        else f"{text}; may be left out"
    )


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).split(". ")[0].rstrip(".").split("; ")[0]


def _table(rows: list[tuple[str, str]], *, indent: str = "  ", wrap: bool = True) -> list[str]:
    width = max(len(name) for name, _ in rows)
    lines: list[str] = []
    for name, text in rows:
        start = f"{indent}{name:<{width}}  "
        pieces = textwrap.wrap(text, WIDTH - len(start)) if wrap else [text]
        lines += [start + pieces[0], *(" " * len(start) + piece for piece in pieces[1:])]
    return lines
