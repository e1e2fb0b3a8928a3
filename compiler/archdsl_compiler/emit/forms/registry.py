"""The form of every op. A family's forms are imported when one of them is first asked for."""

from importlib import import_module

from archdsl_compiler.emit.forms.contract import Form
from archdsl_compiler.ops.contract import Op


def form_of(op: Op) -> Form:
    """How an op is written: the function with its rule's name, in the module here that is called like the rule's."""
    family = op.rule.__module__.rpartition(".")[2]
    module = import_module(f"archdsl_compiler.emit.forms.{family}")
    form: Form | None = getattr(module, op.rule.__name__, None)
    if form is None:
        raise LookupError(f"the op `{op.name}` has no form in {module.__name__}")
    return form
