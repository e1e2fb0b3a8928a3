"""Words of a source in emitted code: names of classes, variables and parts, and doc comments. Text from a source
reaches code through here alone.

What means something else there, to Python, to PyTorch or to the rest of a file, is written in another way."""

import keyword
import re
import textwrap
from collections.abc import Sequence

from torch import nn

from archdsl_compiler.emit import prelude

WIDTH = 88
BROUGHT_ALONG = frozenset(n for n, v in vars(prelude).items() if getattr(v, "__module__", "") == prelude.__name__)
"""The names of the prelude."""
CLASSES = frozenset({"Any", "F", "None", "Tensor", "True", "False"})
"""Names of classes that a file has other uses for."""
VARIABLES = (
    frozenset({"self", "nn", "torch", "math", "F", "Any", "Tensor", "build", "batch", "_"})
    | frozenset({"super", "range", "zip", "enumerate", "print", "isinstance", "setattr"})
    | frozenset({"bool", "dict", "float", "int", "len", "list", "max", "min", "str", "sum", "tuple"})
    | BROUGHT_ALONG
)
"""Names that are no variables, because code reads what else they mean."""
_MAKERS = re.compile(r"(same_)?(conv|conv_transpose|linear|batch_norm|layer_norm|group_norm|instance_norm)\w*")
_WRITTEN = {"forward_features", "forward_head", "reset_classifier", "num_features", "to", "feature_info", "data_config"}
_PARTS = frozenset(dir(nn.Module)) | frozenset(vars(nn.Module())) | frozenset(_WRITTEN | {"weights_report"})


def class_name(component: str) -> str:
    """`swin_block` is `SwinBlock`."""
    words = [word for word in component.split("_") if word]
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if name and not name[0].isdigit() and name not in CLASSES else f"Model{name}"


def variable(name: str, constructing: bool = False) -> str:
    """A name of the source as a variable. Where layers are made, the functions that make them keep their names."""
    taken = name in VARIABLES or keyword.iskeyword(name) or (constructing and _MAKERS.fullmatch(name) is not None)
    return f"{name}_" if taken else name


def plain_part(name: str) -> bool:
    """Whether a part of this name can be written as an attribute: PyTorch's modules use some names themselves."""
    return name.isidentifier() and not keyword.iskeyword(name) and name not in _PARTS


def part_of(owner: str, name: str, sort: str) -> str:
    """A part by its name: an attribute, or what PyTorch keeps it in."""
    if plain_part(name):
        return f"{owner}.{name}"
    kept = {"parameter": "_parameters", "buffer": "_buffers"}.get(sort, "_modules")
    return f'{owner}.{kept}["{name}"]'


def reached(owner: str, steps: Sequence[str], sort: str = "layer") -> str:
    """A part below others. Numbers stand in lists."""
    for number, step in enumerate(steps):
        last = sort if number == len(steps) - 1 else "layer"
        owner = f"{owner}[{step}]" if step.isdigit() else part_of(owner, step, last)
    return owner


def first_sentence(doc: str) -> str:
    """A doc comment up to its first full stop."""
    paragraph = " ".join(doc.strip().split("\n\n")[0].split())
    end = paragraph.find(". ")
    return paragraph if end < 0 else paragraph[: end + 1]


def docstring(doc: str, indent: int) -> list[str]:
    """A doc comment as a docstring; nothing where there is none."""
    pad = " " * indent
    text = doc.strip().replace("\\", "\\\\").replace('"""', "'''")
    if not text:
        return []
    first = " " if text[0] == '"' else ""
    paragraphs = [" ".join(block.split()) if "  " not in block else block for block in text.split("\n\n")]
    if len(paragraphs) == 1 and "\n" not in paragraphs[0] and len(pad) + len(paragraphs[0]) + 8 <= WIDTH:
        last = " " if text[-1] == '"' else ""
        return [f'{pad}"""{first}{paragraphs[0]}{last}"""']
    lines: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        if number:
            lines.append("")
        if "\n" in paragraph:
            lines += [f"{pad}{line}".rstrip() for line in paragraph.split("\n")]
            continue
        room = WIDTH - len(pad) - (3 + len(first) if not number else 0)
        # A single line would take the closing quotes with it, which do not fit.
        room = min(room, len(paragraph) - 1) if len(paragraphs) == 1 else room
        wrapped = textwrap.wrap(paragraph, room, break_long_words=False, break_on_hyphens=False)
        lines += [pad + line for line in wrapped]
    lines[0] = f'{pad}"""{first}{lines[0][len(pad) :]}'
    return [*lines, f'{pad}"""']
