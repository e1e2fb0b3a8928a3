"""Moves rearrangements behind sums, so that products stand beside the sums that their results go into.

    y = rearrange(linear(x), "b h w c -> b c h w")      y = linear(x)
    z = add(s, y)                                       t = add(y, rearrange(s, "b c h w -> b h w c"))
                                                        z = rearrange(t, "b h w c -> b c h w")

Two rearrangements behind each other are one, and one that undoes the other is none: along a row of blocks the sums
then run in the order of the products, and each product with the sum behind it is one kernel. Always exact."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from archdsl_compiler.graph import Call, Module, OpCall
from archdsl_compiler.passes.arrangements import Arrangement, arranged, arrangement_of, composed, inverse
from archdsl_compiler.passes.rewriting import fresh_value, mapped, rebuilt, rewrite_each, uses, value_types
from archdsl_compiler.types import TensorType

PRODUCTS = ("conv", "linear")


@dataclass(frozen=True)
class MovePermutations:
    """Has no options."""

    name: ClassVar[str] = "move-permutations"

    def apply(self, root: Module) -> Module:
        return rewrite_each(root, lambda module: _Moving(module).moved())


@dataclass(frozen=True, slots=True)
class _Moved:
    """A value that is another one rearranged; `call` does it."""

    source: int
    arrangement: Arrangement
    call: OpCall


@dataclass(slots=True)
class _Moving:
    """One walk over the calls of a module."""

    module: Module
    calls: list[Call] = field(default_factory=list[Call])
    types: dict[int, TensorType] = field(default_factory=dict[int, TensorType])
    readers: dict[int, int] = field(default_factory=dict[int, int])
    replaced: dict[int, int] = field(default_factory=dict[int, int])
    rearranged: dict[int, _Moved] = field(default_factory=dict[int, _Moved])
    # Results of products that one call reads.
    products: set[int] = field(default_factory=set[int])
    following: int = 0
    changed: bool = False

    def moved(self) -> Module:
        module = self.module
        if not any(_is_rearrangement(call) for call in module.calls):
            return module
        self.types.update(enumerate(value_types(module)))
        self.readers.update(uses(module))
        self.following = fresh_value(module)
        for call in module.calls:
            self._take(replace(call, inputs=tuple(mapped(given, self._standing) for given in call.inputs)), call)
        if not self.changed:
            return module
        return _without_unread(rebuilt(module, self.calls, self.replaced))

    def _standing(self, value: int) -> int:
        return self.replaced.get(value, value)

    def _take(self, call: Call, original: Call) -> None:
        value = call.first_output
        if not isinstance(call, OpCall) or call.wrappers or len(call.outputs) != 1:
            self.calls.append(original if call.inputs == original.inputs else call)
        elif _is_rearrangement(call):
            self._rearrange(call)
        elif not self._sum(call):
            self.calls.append(call if call.inputs != original.inputs else original)
            if call.op.name in PRODUCTS and self._alone(value):
                self.products.add(value)

    def _alone(self, value: int) -> bool:
        return self.readers.get(value, 0) == 1

    def _rearrange(self, call: OpCall) -> None:
        (value,) = call.inputs
        assert isinstance(value, int)
        found = _Moved(value, arrangement_of(call, self.types[value]), call)
        before = self.rearranged.get(value)
        if before is not None:
            both = composed(before.arrangement, found.arrangement)
            if both is not None and both.changes_nothing and self.types[before.source] == call.outputs[0]:
                if self._alone(value):
                    self.readers[before.source] -= 1
                self._stand(call.first_output, before.source)
                return
            if both is not None and self._alone(value):
                found = _Moved(before.source, both, call)
                call = arranged(call, both, before.source, self.types[before.source], call.first_output)
                self.changed = True
        self.rearranged[call.first_output] = found
        self.calls.append(call)

    def _stand(self, value: int, other: int) -> None:
        """The other value in the place of this one."""
        self.changed = True
        self.replaced[value] = other
        self.readers[other] = self.readers.get(other, 0) + self.readers.get(value, 0)
        if not self._alone(other):
            self.products.discard(other)

    def _sum(self, call: OpCall) -> bool:
        """A sum with a product that is rearranged: the product's order is that of the sum."""
        if call.op.name != "add" or not all(isinstance(given, int) for given in call.inputs):
            return False
        left, right = (given for given in call.inputs if isinstance(given, int))
        for value, other in ((right, left), (left, right)):
            found = self._of_product(value)
            if found is None or value == other or not self.types[value] == self.types[other] == call.outputs[0]:
                continue
            source = self._back(other, found)
            if source is None:
                continue
            type_ = self.types[found.source]
            inner = replace(call, inputs=(found.source, source), first_output=self._new(type_), outputs=(type_,))
            self.calls.append(inner)
            self.readers[source] = self.readers.get(source, 0) + 1
            self._put_behind(found, inner.first_output, call)
            return True
        return False

    def _of_product(self, value: int) -> _Moved | None:
        """How a value that is read once is a product's result rearranged."""
        found = self.rearranged.get(value)
        return found if found is not None and found.source in self.products and self._alone(value) else None

    def _back(self, other: int, moved: _Moved) -> int | None:
        """The other term in the order of the product: there is one, or it is only looked at otherwise."""
        back = inverse(moved.arrangement)
        before = self.rearranged.get(other)
        if before is not None and before.arrangement == moved.arrangement:
            return before.source
        if not back.keeps_axes:
            return None
        call = arranged(moved.call, back, other, self.types[other], self._new(self.types[moved.source]))
        self.rearranged[call.first_output] = _Moved(other, back, call)
        self.calls.append(call)
        return call.first_output

    def _put_behind(self, moved: _Moved, source: int, instead: OpCall) -> None:
        """The rearrangement behind `source`, in the place of what a call gave."""
        value = self._new(instead.outputs[0])
        call = arranged(moved.call, moved.arrangement, source, self.types[source], value)
        self.rearranged[value] = _Moved(source, moved.arrangement, call)
        self.calls.append(call)
        self.readers[source] = 1
        self._stand(instead.first_output, value)

    def _new(self, type_: TensorType) -> int:
        value = self.following
        self.following += 1
        self.types[value] = type_
        return value


def _is_rearrangement(call: Call) -> bool:
    return isinstance(call, OpCall) and call.op.name == "rearrange" and not call.wrappers


def _without_unread(module: Module) -> Module:
    """The module without rearrangements that nothing reads any more."""
    while True:
        read = uses(module)
        kept = [call for call in module.calls if not _is_rearrangement(call) or call.first_output in read]
        if len(kept) == len(module.calls):
            return module
        module = rebuilt(module, kept)
