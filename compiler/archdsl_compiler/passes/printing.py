"""A graph as text, one line a call: for `--print-after`, for tests, and for messages about graphs that are broken.

    @mlp(%0: x [batch, 49, 96]) block, 74208 parameters, 3612672 macs
      %1 = linear(%0, out=384) as fc1 : [batch, 49, 384]
      %2 = gelu(%1) : [batch, 49, 384]
      %3 = linear(%2, out=96) as fc2 : [batch, 49, 96]
      return %3

Each module is printed once, those that it calls before it; of several with one name the later ones are numbered."""

from collections.abc import Iterable, Mapping
from typing import cast

from archdsl_compiler.graph import Call, Module, OpCall, Scalar, Structure, leaves
from archdsl_compiler.ops.contract import InitialValue
from archdsl_compiler.passes.rewriting import unique_modules


def graph_text(root: Module) -> str:
    """All modules of a graph as text."""
    names: dict[int, str] = {}
    modules = unique_modules(root)
    counts: dict[str, int] = {}
    for module in modules:
        number = counts[module.name] = counts.get(module.name, -1) + 1
        names[id(module)] = f"@{module.name}.{number}" if number else f"@{module.name}"
    return "\n".join(module_text(module, names) for module in modules)


def module_text(module: Module, names: Mapping[int, str]) -> str:
    """One module; `names` are those of all modules of the graph."""
    types = module.input_types
    inputs = [
        f"{_structure(structure)}: {name} {', '.join(str(types[value]) for value in leaves(structure))}".rstrip()
        for name, structure in module.inputs
    ]
    lines = [f"{names[id(module)]}({'; '.join(inputs)}) {module.kind}, {module.params} parameters, {module.macs} macs"]
    lines += [f"  {_call(call, names)}" for call in module.calls]
    lines += [f"  expose {name} = %{value}" for name, value in module.exposed.items()]
    lines += [f"  stage %{value}" for value in module.stages]
    lines.append(f"  return {_structure(module.outputs)}")
    return "".join(f"{line}\n" for line in lines)


def _call(call: Call, names: Mapping[int, str]) -> str:
    results = ", ".join(f"%{call.first_output + number}" for number in range(len(call.outputs)))
    arguments = [_structure(given) for given in call.inputs]
    if isinstance(call, OpCall):
        what, place = call.op.name, call.label
        arguments += [f"{name}={_setting(value)}" for name, value in call.settings.items()]
        if call.parameters == () and call.label and call.op.state and call.op.name != "buffer":
            place += " again"
    else:
        what, place = names.get(id(call.module), f"@{call.module.name}"), call.label
        place += " again" if call.again else ""
    for wrapper in reversed(call.wrappers):
        what = f"{wrapper}({what})"
    label = f" as {place}" if place else ""
    return f"{results} = {what}({', '.join(arguments)}){label} : {', '.join(map(str, call.outputs))}"


def _structure(structure: Structure) -> str:
    if isinstance(structure, int):
        return f"%{structure}" if structure >= 0 else "none"
    if isinstance(structure, Scalar):
        return str(structure.value)
    return f"[{', '.join(_structure(inner) for inner in structure)}]"


def _setting(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, InitialValue):
        return str(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(_setting(inner) for inner in cast('Iterable[object]', value))}]"
    return str(value)
