"""One module as code, before it is laid over the other modules of its component: what it computes when it is built,
what it holds, and what it computes when it runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl_compiler.emit.code import values_in
from archdsl_compiler.emit.loops import Item, rolled
from archdsl_compiler.emit.parts import Member, chained, members_of
from archdsl_compiler.emit.steps import ClassUse, Step, steps_of
from archdsl_compiler.graph import Module, leaves


@dataclass(frozen=True, slots=True)
class Draft:
    module: Module
    constants: tuple[Step, ...]
    members: Mapping[str, Member]
    items: tuple[Item, ...]


def draft(module: Module, classes: Mapping[int, ClassUse]) -> Draft:
    """A module's code. What nothing follows from does not run; its parts stay, for the state dict has them."""
    steps = steps_of(module, classes)
    wanted = frozenset(leaves(module.outputs)) | frozenset(module.exposed.values())
    made = [each for step in steps for each in step.made]
    held = frozenset(value for each in made for value in values_in(each.constructor))
    read, kept = wanted | held, list[Step]()
    for step in reversed(steps):
        if read.intersection(step.outputs):
            kept.append(step)
            read |= frozenset(step.uses)
    kept.reverse()
    running, chains = chained([step for step in kept if not step.constant], made, wanted)
    constants = tuple(step for step in kept if step.constant)
    return Draft(module, constants, members_of(made, chains), tuple(rolled(running, wanted)))
