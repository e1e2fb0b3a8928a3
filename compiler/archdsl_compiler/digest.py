"""What tells graphs apart: a digest of what a graph computes, whatever its parts are called and wherever they are
written. Equal digests are one architecture."""

from collections.abc import Mapping
from hashlib import sha256

from archdsl_compiler.graph import Module, ModuleCall, OpCall

Known = dict[int, tuple[Module, str]]


def digest(module: Module, known: Known | None = None) -> str:
    """The digest of a graph. `known` remembers those of its modules, which many graphs share."""
    known = {} if known is None else known
    found = known.get(id(module))
    if found is None:
        parts = [_types(module), repr(module.inputs and tuple(inner for _, inner in module.inputs)), module.extern]
        if module.extern:
            parts += [repr(module.settings), module.name]
        first: dict[str, int] = {}
        for position, call in enumerate(module.calls):
            place = first.setdefault(call.label, position) if isinstance(call, ModuleCall) and call.again else position
            if isinstance(call, ModuleCall):
                first.setdefault(call.label, position)
                parts.append(f"{digest(call.module, known)} {place - position} {call.inputs} {call.wrappers}")
            else:
                parts.append(_op(call))
        parts.append(repr(module.outputs))
        parts.append(repr(sorted(module.exposed.items())))
        found = known[id(module)] = module, sha256("\n".join(parts).encode()).hexdigest()[:16]
    return found[1]


def _op(call: OpCall) -> str:
    settings = _sorted(call.settings), _sorted(call.resolved)
    return f"{call.op.name} {call.inputs} {settings} {call.parameters} {call.outputs} {call.wrappers}"


def _sorted(settings: Mapping[str, object]) -> str:
    return repr(sorted(settings.items()))


def _types(module: Module) -> str:
    return f"{module.input_types} {module.output_types}"
