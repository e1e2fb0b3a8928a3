"""Writes `docs/reference/` from the code: `make docs`. A test compares the pages with what this writes."""

import re
from pathlib import Path

import click

from archdsl.cli.main import COMMANDS, commands
from archdsl.diagnostics.registry import all_codes
from archdsl.meaning.builtins import BUILTINS
from archdsl_compiler.ops.reference import describe
from archdsl_compiler.ops.registry import families

REFERENCE = Path(__file__).parent / "reference"
WIDTH = 100
# Those of a page, not the comments in its samples: on the common page they stand one level lower.
HEADING = re.compile(r"^#+ (?:[EW]\d|What happened|Why|Wrong|Right)", re.MULTILINE)


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    return {"cli.md": commands_page(), "codes.md": codes_page(), "ops.md": ops_page()}


def commands_page() -> str:
    """Every command with its help."""
    parts = ["# Commands\n"]
    shape = {**commands.context_settings, "max_content_width": WIDTH, "terminal_width": WIDTH}
    with click.Context(commands, info_name="archdsl", **shape) as outer:
        parts.append(f"```\n{commands.get_help(outer)}\n```\n")
        for name in COMMANDS:
            command = commands.get_command(outer, name)
            assert command is not None
            with click.Context(command, outer, name) as inner:
                parts.append(f"## {name}\n\n```\n{command.get_help(inner)}\n```\n")
                for part, below in command.commands.items() if isinstance(command, click.Group) else ():
                    with click.Context(below, inner, part) as innermost:
                        parts.append(f"### {name} {part}\n\n```\n{below.get_help(innermost)}\n```\n")
    return "\n".join(parts)


def codes_page() -> str:
    """Every code: a table, then the pages that `archdsl explain` prints."""
    found = list(all_codes())
    parts = ["# Codes\n", "| code | |\n|---|---|"]
    parts[-1] += "".join(f"\n| [{code.name}](#{code.name.lower()}) | {code.title} |" for code in found) + "\n"
    for code in found:
        page = HEADING.sub(r"#\g<0>", code.page.strip())
        parts.append(f'<a id="{code.name.lower()}"></a>\n\n{page}\n')
    return "\n".join(parts)


def ops_page() -> str:
    """Every op of every family as `archdsl ops NAME` shows it, then the functions of numbers and lists."""
    parts = ["# Ops\n\nTensors come first, then settings: `conv(x, 64, 3)` and `x |> conv(64, 3)` are the same.\n"]
    for family, found in families().items():
        parts.append(f"## {family.capitalize()}\n")
        parts += [f"### {op.name}\n\n```\n{describe(op).rstrip()}\n```\n" for op in found]
    parts.append("## Numbers and lists\n")
    functions = "".join(f"| `{function.signature}` | {function.doc} |\n" for function in BUILTINS.values())
    parts.append(f"| function | |\n|---|---|\n{functions}")
    return "\n".join(parts)


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
        print(f"wrote docs/reference/{name}")
