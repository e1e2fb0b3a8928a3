"""Words of a source in emitted code: names of classes, and doc comments. Text from a source reaches code through here
alone."""

import textwrap

WIDTH = 88


def class_name(component: str) -> str:
    """`swin_block` is `SwinBlock`."""
    words = [word for word in component.split("_") if word]
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if name and not name[0].isdigit() else f"Model{name}"


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
    text = text if text[-1] != '"' else f"{text} "
    paragraphs = [" ".join(block.split()) if "  " not in block else block for block in text.split("\n\n")]
    if len(paragraphs) == 1 and "\n" not in paragraphs[0] and len(pad) + len(paragraphs[0]) + 6 <= WIDTH:
        return [f'{pad}"""{paragraphs[0]}"""']
    lines: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        if number:
            lines.append("")
        if "\n" in paragraph:
            lines += [f"{pad}{line}".rstrip() for line in paragraph.split("\n")]
            continue
        room = WIDTH - len(pad) - (3 if not number else 0)
        # A single line would take the closing quotes with it, which do not fit.
        room = min(room, len(paragraph) - 1) if len(paragraphs) == 1 else room
        wrapped = textwrap.wrap(paragraph, room, break_long_words=False, break_on_hyphens=False)
        lines += [pad + line for line in wrapped]
    lines[0] = f'{pad}"""{lines[0][len(pad) :]}'
    return [*lines, f'{pad}"""']
