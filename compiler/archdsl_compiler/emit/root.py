"""The class of the whole model: what it has beyond the classes of its parts."""

from archdsl_compiler.emit.class_text import ClassText
from archdsl_compiler.graph import Module


def root_class(text: ClassText, root: Module) -> list[str]:
    """The lines of the model's class."""
    return text.lines()
