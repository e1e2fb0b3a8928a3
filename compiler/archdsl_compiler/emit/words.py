"""Words of a source in emitted code: names of classes, and doc comments. Text from a source reaches code through here
alone."""

import textwrap

WIDTH = 88


def class_name(component: str) -> str:
    """`swin_block` is `SwinBlock`."""
    words = [word for word in component.split("_") if word]
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if name and not name[0].isdigit() else f"Model{name}"


def docstring(doc: str, indent: int) -> list[str]:
    """A doc comment as a docstring; nothing where there is none."""
    pad = " " * indent
    text = doc.strip().replace("\\", "\\\\").replace('"""', "'''")
    if not text:
        return []
    text = text if text[-1] != '"' else f"{text} "
    paragraphs = [" ".join(block.split()) if "  " not in block else block for block in text.split("\n\n")]
    lines: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        if number:
            lines.append("")
        if "\n" in paragraph:
            lines += [f"{pad}{line}".rstrip() for line in paragraph.split("\n")]
        else:
            first = len(pad) + (3 if not number else 0)
            wrapped = textwrap.wrap(paragraph, WIDTH - first, break_long_words=False, break_on_hyphens=False)
            lines += [pad + line for line in wrapped]
    if len(lines) == 1 and len(lines[0]) + 6 <= WIDTH:
        return [f'{pad}"""{lines[0][len(pad) :]}"""']
    lines[0] = f'{pad}"""{lines[0][len(pad) :]}'
    return [*lines, f'{pad}"""']
