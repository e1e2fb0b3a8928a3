"""A tuned model as one of plain PyTorch, for files that others run: folded, with the forms of kernels that have one."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from archdsl.assembly import Assembly
from archdsl.building import emitted
from archdsl.diagnostics.record import UsageError
from archdsl.plan_text import headline
from archdsl.tuning import TunedModel

if TYPE_CHECKING:
    from torch import nn

    from archdsl_compiler.tuning.plan import Plan
    from archdsl_compiler.tuning.written import Written

WIDTH: Final = 88
"""Of the lines of emitted files."""


def in_plain_form(built: Assembly, tuned: TunedModel) -> Assembly:
    """The same with source and model in that form. Raises UsageError if it gives other results."""
    from archdsl_compiler.emit.execute import instantiate
    from archdsl_compiler.passes.weights import transform_state
    from archdsl_compiler.tuning.written import written_graph

    written = written_graph(tuned.basis, tuned.plan)
    lines = tuple(line for text in _told(tuned.plan, written) for line in wrap(text, WIDTH))
    source = emitted(built.target, written.root, lines, channels_last=written.channels_last)
    model, portable = instantiate(source), tuned.model.portable.cpu()
    model.load_state_dict(transform_state(portable.state_dict(), tuned.basis.changes))
    model.eval()
    _check(built, portable, model)
    return replace(built, source=source, model=model, deployed=True)


def _check(built: Assembly, portable: "nn.Module", model: "nn.Module") -> None:
    import torch

    from archdsl_compiler.passes.equality import TOLERANCE, difference, random_input, rounding

    generator = torch.Generator().manual_seed(0)
    inputs = [random_input(type_, generator) for type_ in built.graph.input_types]
    found = difference(portable, model, inputs)
    if not found <= TOLERANCE and not found <= 3 * rounding(deepcopy(portable), inputs):
        raise UsageError(
            f"`{built.target.name}` in the forms of its plan differs by {found:.1e} of its largest result; "
            "export it without --tune"
        )


def _told(plan: "Plan", written: "Written") -> Iterator[str]:
    """What of a plan stands in the file, and what does not."""
    if plan.refused is not None:
        yield f"Folded for inference. Its plan ({', '.join(headline(plan))}) is not used: {plan.refused}."
        return
    yield f"Folded for inference, after a plan: {', '.join(headline(plan))}."
    if not plan.regions:
        yield f"The plan runs it by {plan.engine}; this is the model itself."
        return
    if written.channels_last:
        yield "Maps lie channels last, as in the plan, for the weights do."
    if written.taken:
        yield f"Written as the plan has it: {_counted(written.taken)}."
    if written.replaced:
        yield f"Replaced by the portable form, for want of one in plain PyTorch: {_counted(written.replaced)}."
    if plan.dtype != "float32":
        yield f"What the plan runs in {plan.dtype} is float32 here."


def _counted(kernels: Mapping[str, int]) -> str:
    return ", ".join(f"{name}{f' x{count}' if count > 1 else ''}" for name, count in kernels.items())
