"""The most memory that activations need at a time: ops run in the order of the graph, for one picture, and each
result is kept until nothing reads it any more.

Not counted are parameters and constants, which are there all the time, and what an op needs only while it works. What
gives its input in another arrangement needs no memory of its own. An input of a module that its caller still needs is
kept by the caller; any other one goes when the module has read it last."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from archdsl_compiler.activations import UNCOUNTED, tensor_bytes
from archdsl_compiler.graph import Module, ModuleCall, OpCall, leaves
from archdsl_compiler.types import TensorType

Buffer = tuple[int, int]
"""A piece of memory: the position of the call that made it and its number there; of an input, -1 and its number."""
Buffers = frozenset[Buffer]
NONE: Buffers = frozenset()


@dataclass(frozen=True, slots=True)
class Need:
    """What a module needs at most, without the inputs that its caller keeps; the buffers that each result lies in, and
    the bytes of those that the module made."""

    peak: int
    results: tuple[Buffers, ...]
    made: Mapping[Buffer, int]


NeedKey = tuple[int, tuple[bool, ...], str]
"""A module by its identity, which of its inputs the caller keeps, and the dtype of reals."""
Known = dict[NeedKey, tuple[Module, Need]]


def peak_bytes(graph: Module, known: Known | None = None, real: str = "float32") -> int:
    """Of a model, with its input, whose reals are computed in the dtype `real`. `known` remembers the needs of modules,
    which many graphs share."""
    return _need(graph, tuple(False for _ in graph.input_types), real, {} if known is None else known).peak


@dataclass(slots=True)
class _Run:
    """A module at work: in which buffers each value lies, the bytes of the buffers that are held now, and the values
    that are no constants."""

    real: str
    lies: dict[int, Buffers] = field(default_factory=dict[int, Buffers])
    held: dict[Buffer, int] = field(default_factory=dict[Buffer, int])
    computed: set[int] = field(default_factory=set[int])
    peak: int = 0

    def buffers(self, values: Iterable[int]) -> Buffers:
        return NONE.union(*(self.lies.get(value, NONE) for value in values))

    def hold(self, value: int, buffer: Buffer, type_: TensorType) -> None:
        self.lies[value] = frozenset({buffer})
        self.held[buffer] = _bytes(type_, self.real)

    def see(self, more: int = 0) -> None:
        self.peak = max(self.peak, sum(self.held.values()) + more)

    def keep(self, needed: Buffers) -> None:
        for buffer in self.held.keys() - needed:
            del self.held[buffer]


def _need(module: Module, kept: tuple[bool, ...], real: str, known: Known) -> Need:
    key = id(module), kept, real
    found = known.get(key)
    if found is None:
        found = known[key] = module, _found(module, kept, real, known)
    return found[1]


def _found(module: Module, kept: tuple[bool, ...], real: str, known: Known) -> Need:
    run = _Run(real)
    run.computed.update(range(len(module.input_types)))
    for number, type_ in enumerate(module.input_types):
        run.hold(number, (-1, number), type_)
        if kept[number]:
            del run.held[-1, number]
    run.see()
    read_later = _read_later(module)
    for position, call in enumerate(module.calls):
        if isinstance(call, ModuleCall):
            _run_module(run, call, position, run.buffers(read_later[position]), known)
        else:
            _run_op(run, call, position)
        run.see()
        run.keep(run.buffers(read_later[position]))
    if module.extern:
        for number, type_ in enumerate(module.output_types):
            run.hold(len(module.input_types) + number, (0, number), type_)
        run.see()
    results = tuple(run.lies.get(value, NONE) for value in leaves(module.outputs))
    lasting = NONE.union(*results)
    made = {buffer: size for buffer, size in run.held.items() if buffer in lasting and buffer[0] >= 0}
    return Need(run.peak, results, made)


def _run_op(run: _Run, call: OpCall, position: int) -> None:
    """Results lie in the inputs or are new; what depends on neither an input nor a parameter is a constant."""
    given = list(leaves(call.inputs))
    if not call.parameters and call.op.name != "param" and run.computed.isdisjoint(given):
        return
    for number, type_ in enumerate(call.outputs):
        value = call.first_output + number
        run.computed.add(value)
        if call.op.name in UNCOUNTED:
            run.lies[value] = run.buffers(given)
        else:
            run.hold(value, (position, number), type_)


def _run_module(run: _Run, call: ModuleCall, position: int, needed: Buffers, known: Known) -> None:
    """While a module works, all that is held is there too, but for inputs that the module alone reads: those are its
    own to drop."""
    values = list(leaves(call.inputs))
    uses = Counter(buffer for value in values for buffer in run.lies.get(value, NONE))
    kept: list[bool] = []
    handed_over = 0
    for value, type_ in zip(values, call.module.input_types, strict=True):
        lies = run.lies.get(value, NONE)
        size = _bytes(type_, run.real)
        whole = len(lies) == 1 and all(run.held.get(buffer) == size and uses[buffer] == 1 for buffer in lies)
        kept.append(not whole or not lies.isdisjoint(needed))
        handed_over += 0 if kept[-1] else size
    need = _need(call.module, tuple(kept), run.real, known)
    run.see(need.peak - handed_over)
    mine = {buffer: (position, number) for number, buffer in enumerate(need.made)}
    run.held.update((mine[buffer], size) for buffer, size in need.made.items())
    run.computed.update(range(call.first_output, call.first_output + len(call.outputs)))
    for number, result in enumerate(need.results):
        lies = run.buffers(values[inner] for outer, inner in result if outer < 0)
        run.lies[call.first_output + number] = lies | {mine[buffer] for buffer in result if buffer in mine}


def _read_later(module: Module) -> list[frozenset[int]]:
    """For each call, the values that are read after it or are results."""
    alive = frozenset(leaves(module.outputs))
    found: list[frozenset[int]] = []
    for call in reversed(module.calls):
        found.append(alive)
        alive |= frozenset(leaves(call.inputs))
    return found[::-1]


def _bytes(type_: TensorType, real: str) -> int:
    return tensor_bytes(type_.cast(real) if type_.dtype == "real" else type_)
