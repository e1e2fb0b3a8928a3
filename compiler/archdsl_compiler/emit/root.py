"""The class of the whole model: what it has beyond the classes of its parts.

`forward_features` gives what the source exposes as `features`; `reset_classifier` renews the layers that give the
classes (0 leaves them out), and `num_features` says how many numbers these read."""

from collections.abc import Sequence

from archdsl_compiler.classifier import Classifier, classifiers
from archdsl_compiler.emit.class_text import ClassText
from archdsl_compiler.emit.code import Apply, Choice, Expression, Maker, Raw, Use
from archdsl_compiler.emit.forms.contract import CallView, Layer
from archdsl_compiler.emit.forms.registry import form_of
from archdsl_compiler.emit.initial import initialised_layer
from archdsl_compiler.emit.inlining import gives_of, leading_to, reads_of
from archdsl_compiler.emit.layout import signature, statement
from archdsl_compiler.graph import Module, OpCall, leaves
from archdsl_compiler.passes.rewriting import value_types
from archdsl_compiler.types import TensorType

FEATURES = "features"
INITIALISE = "initialise"
"""The function that gives all layers of a class their first values, where they all begin alike."""


def root_class(text: ClassText, root: Module, initialised: bool) -> list[str]:
    """The lines of the model's class; `initialised` says that there is a function for the first values."""
    found = classifiers(root)
    width = num_features(root, found)
    text.extra = [f"self.num_features = {width}"] if width else []
    text.ending = [f"self.apply({INITIALISE})"] if initialised else []
    features, rest = _features(text, root)
    lines = text.lines(rest)
    if features:
        lines += ["", *features]
    if found:
        lines += ["", *_reset(text, root, found)]
    return lines


def num_features(root: Module, found: Sequence[Classifier]) -> int:
    """How many numbers the classifiers read, those of several widths together; without one, how many come out."""
    if found:
        return sum({each.features for each in found})
    last = root.output_types[-1].shape[-1] if root.output_types and root.output_types[-1].shape else 0
    return last if isinstance(last, int) else 0


def _features(text: ClassText, root: Module) -> tuple[list[str], list[str] | None]:
    """`forward_features`, and a `forward` that goes on from it where all the rest follows from the features."""
    if FEATURES not in root.exposed:
        return [], None
    features = root.exposed[FEATURES]
    items = text.code.items
    before = leading_to({features}, items)
    after = [item for item in items if item not in before]
    arguments, unpacking = text.inputs()
    first = [
        *signature(4, "forward_features", ["self", *arguments], "Tensor"),
        *unpacking,
        *text.body(before, Use(features)),
    ]
    made = {value for item in after for value in gives_of(item)} | {features}
    constants = {value for line in text.code.constants for value in leaves(line.targets)}
    clean = all(value in made or value in constants for item in after for value in reads_of(item))
    clean = clean and all(value in made for value in leaves(root.outputs))
    others = [name for name in root.exposed if name != FEATURES]
    if not clean or others or not after:
        return first, None
    given = ", ".join(argument.partition(":")[0] for argument in arguments)
    rest = [
        *text.forward_head(),
        f"        x = self.forward_features({given})",
        *text.body(after, text.returned(), {features: "x"}),
    ]
    return first, rest


def _reset(text: ClassText, root: Module, found: Sequence[Classifier]) -> list[str]:
    """`reset_classifier`: new layers of the same kind for another number of classes."""
    lines = [
        *signature(4, "reset_classifier", ["self", "classes: int"], "None"),
    ]
    for each in found:
        call, types = _call_at(root, each.path)
        layer = form_of(call.op)(CallView(call, types))
        assert isinstance(layer, Layer)
        made = initialised_layer(layer.constructor, call.parameters)
        assert isinstance(made, Apply)
        taken, _, *rest = made.arguments
        renewed = Apply(made.function, (taken, Raw("classes"), *rest), made.named)
        place = text.part_text(each.path)
        lines += statement(8, f"{place} = ", _or_nothing(renewed), text.leaf)
        if isinstance(made.function, Maker) and text.makers[made.function] == made.function.layer:
            lines.append(f"        {place}.apply({INITIALISE})")
    return lines


def _or_nothing(layer: Expression) -> Expression:
    return Choice(Raw("classes"), layer, Apply(Raw("nn.Identity")))


def _call_at(module: Module, path: str) -> tuple[OpCall, tuple[TensorType, ...]]:
    """The op whose parameters stand at a place, and the types of the values of its module."""
    for call in module.calls:
        if isinstance(call, OpCall):
            if call.label == path and call.parameters:
                return call, tuple(value_types(module))
        elif path.startswith(f"{call.label}.") and not call.again:
            return _call_at(call.module, path[len(call.label) + 1 :])
    raise LookupError(path)
