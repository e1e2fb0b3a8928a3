"""Where the files that ship with the package are: the grammar, the standard library, the zoo, the search spaces, the
pages of `explain`. A wheel carries all of them inside the package; in an editable install some stand beside it."""

from pathlib import Path

PACKAGE = Path(__file__).parent
SHIPPED = PACKAGE / "_data"
# Folders at the top of the repository that the wheel puts into `_data` (see pyproject.toml).
BESIDE_THE_PACKAGE = ("grammars", "searchspaces")


def resource(name: str) -> Path:
    """The path of a shipped file or folder: `resource("grammars/arch.lark")`, `resource("std")`."""
    if name.partition("/")[0] not in BESIDE_THE_PACKAGE:
        return PACKAGE / name
    return (SHIPPED if SHIPPED.is_dir() else PACKAGE.parent) / name
