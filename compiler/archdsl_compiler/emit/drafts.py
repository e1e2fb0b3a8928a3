"""One module as code, before it is laid over the other modules of its component: what it computes when it is built,
what it holds, and what it computes when it runs."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    """A module's code. What neither runs nor holds anything is left out."""
    steps = steps_of(module, classes)
    wanted = frozenset(leaves(module.outputs)) | frozenset(module.exposed.values())
    made = [each for step in steps for each in step.made]
    constants = [step for step in steps if step.constant]
    running, chains = chained([step for step in steps if not step.constant], made, wanted)
    read = wanted | {value for step in running for value in step.uses}
    read |= {value for each in made for value in _read_by(each)}
    kept: list[Step] = []
    for step in reversed(constants):
        if read.intersection(step.outputs):
            kept.append(step)
            read = read | frozenset(step.uses)
    return Draft(module, tuple(reversed(kept)), members_of(made, chains), tuple(rolled(running, wanted)))


def _read_by(made: object) -> frozenset[int]:
    from archdsl_compiler.emit.code import Use, walk
    from archdsl_compiler.emit.steps import Made

    assert isinstance(made, Made)
    return frozenset(part.value for part in walk(made.constructor) if isinstance(part, Use))
