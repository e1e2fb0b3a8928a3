"""Names, before anything is evaluated: every use is bound, nothing is bound twice or hidden, nothing is bound in vain.

The names of a file are exports and never in vain. A comprehension's variables are its own and may hide others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from archdsl.diagnostics import codes
from archdsl.diagnostics.record import Diagnostic, Edit, Fix, Label
from archdsl.diagnostics.suggest import closest
from archdsl.meaning.binding import unknown_setting
from archdsl.meaning.catalogue import registry as catalogue
from archdsl.meaning.catalogue.contract import innermost
from archdsl.meaning.declared import Unit
from archdsl.meaning.file_names import (
    axes,
    declared_twice,
    read_outside,
    settings_of,
    top_level_names,
    unknown_entry,
    unknown_field,
    unused_imports,
)
from archdsl.meaning.kinds import KINDS, Kind
from archdsl.meaning.scope import LANGUAGE
from archdsl.meaning.structure import may_stand
from archdsl.meaning.types import listed
from archdsl.source import Span
from archdsl.syntax import nodes
from archdsl.syntax.descent import below, children
from archdsl_compiler.ops.registry import find, ops


@dataclass(slots=True)
class Binding:
    """A local name: where it was bound, what it is, and whether it was used."""

    span: Span
    what: str
    used: bool = False


@dataclass(slots=True)
class NameCheck:
    """The walk over one file."""

    unit: Unit
    found: list[Diagnostic] = field(default_factory=list[Diagnostic])
    scopes: list[dict[str, Binding]] = field(default_factory=list[dict[str, Binding]])
    used: set[str] = field(default_factory=set[str])
    kind: Kind | None = None
    owner: str = ""
    families: tuple[str, ...] = ()
    ended: dict[str, Binding] = field(default_factory=dict[str, Binding])
    inside: str = ""

    def run(self) -> list[Diagnostic]:
        self.found += declared_twice(self.unit.tree)
        for item in self.unit.tree.items:
            match item:
                case nodes.Declaration() | nodes.Extern():
                    self._declaration(item)
                case nodes.Let():
                    self._expression(item.value)
                case _:
                    pass
        self.found += unused_imports(self.unit.tree, self.used)
        return self.found

    def of_expression(self, node: nodes.Expression) -> list[Diagnostic]:
        """What is wrong with the names of an expression at the top level of the file."""
        self._expression(node)
        return self.found

    def _declaration(self, item: nodes.Declaration | nodes.Extern) -> None:
        self.kind = KINDS.get(item.kind.text)
        self.owner = item.name.text
        self.ended.clear()
        names: dict[str, Binding] = {}
        self.scopes.append(names)
        body = isinstance(item, nodes.Declaration) and self.kind is not None and not self.kind.fields
        for setting in item.settings or ():
            self._hides_top_level(setting.name, "setting")
            what = "setting" if body and not read_outside(setting) else "axis"
            names.setdefault(setting.name.text, Binding(setting.name.span, what))
        tensors = item.tensors
        if tensors is None and self.kind is not None and self.kind.tensors:
            names.setdefault("x", Binding(item.name.span, "axis"))
        for tensor in tensors or ():
            names.setdefault(tensor.name.text, Binding(tensor.name.span, "axis"))
        for axis in axes(tensors or ()):
            names.setdefault(axis.text, Binding(axis.span, "axis"))
        for tensor in tensors or ():
            if tensor.form is not None and tensor.form.shape is not None:
                self._shape(tensor.form.shape)
            if tensor.default is not None:
                self._expression(tensor.default)
        for setting in item.settings or ():
            self._all(part for part in (setting.domain, setting.default) if part is not None)
        for shape in item.result or ():
            self._shape(shape)
        if isinstance(item, nodes.Declaration):
            self._items(item.body.items)
        self._close()
        self.kind = None

    def _shape(self, shape: nodes.Shape) -> None:
        for axis in shape.axes:
            if isinstance(axis, nodes.Name):
                if axis.text != "_":
                    self._use(axis)
            elif not isinstance(axis, nodes.Rest):
                self._expression(axis)

    # ---- statements

    def _body(self, body: nodes.Body, targets: Sequence[nodes.Identifier] = ()) -> None:
        self.scopes.append({})
        for target in targets:
            self._bind(target, "loop variable")
        self._items(body.items)
        self._close()

    def _items(self, items: Iterable[nodes.Statement]) -> None:
        for item in items:
            self._statement(item)

    def _statement(self, item: nodes.Statement) -> None:
        if self.kind is not None and not may_stand(item, self.kind, self.inside):
            # It was reported where the form is checked; what it says means nothing here.
            self._mark_used(item)
            return
        match item:
            case nodes.Let():
                self._expression(item.value)
                for target in item.targets:
                    self._bind(target, "let")
            case nodes.Assign():
                is_field = self.kind is not None and self.kind.fields
                wanted = catalogue.fields(self.kind.name).get(item.name.text) if is_field and self.kind else None
                self._asking(wanted.families if wanted else (), item.value)
                self._assign(item)
            case nodes.Return():
                self._all(item.values)
            case nodes.Require():
                self._asking(
                    ("metric",) if self.kind is not None and self.kind.name == "search" else (), item.condition
                )
                if not any(isinstance(part, nodes.Name | nodes.Choose) for part in below(item.condition)):
                    self.found.append(
                        codes.CONSTANT_REQUIREMENT.at(
                            item.condition.span,
                            "this requirement is always the same",
                            "nothing in it can differ",
                        )
                    )
            case nodes.Expose():
                self._expression(item.value)
            case nodes.For():
                self._expression(item.iterable)
                self._body(item.body, item.targets)
            case nodes.If():
                self._if(item)
            case nodes.At():
                self._all(item.targets)
                before, self.inside = self.inside, "at"
                self._body(item.body)
                self.inside = before
            case nodes.Objective():
                self._objective(item)

    def _mark_used(self, item: nodes.Statement) -> None:
        for part in below(item):
            if isinstance(part, nodes.Name):
                self.used.add(part.text)
                local = self._local(part.text)
                if local is not None:
                    local.used = True

    def _if(self, item: nodes.If) -> None:
        self._expression(item.condition)
        self._body(item.then)
        if isinstance(item.otherwise, nodes.If):
            self._if(item.otherwise)
        elif item.otherwise is not None:
            self._body(item.otherwise)

    def _assign(self, item: nodes.Assign) -> None:
        name = item.name
        if self.kind is not None and self.kind.fields:
            known = catalogue.fields(self.kind.name)
            if name.text not in known and self._local(name.text) is None:
                self.found.append(unknown_field(self.kind.name, name, known))
            return
        bound = self._local(name.text)
        if bound is None:
            near = closest(name.text, self._locals())
            similar = f"a name bound here is similar: `{near}`"
            notes = (similar,) if near else ("a new name is bound by `let`",)
            fixes = () if near else (Fix("bind it by `let`", (Edit(Span(*name.span), f"let {name.text}"),)),)
            self.found.append(
                codes.UNBOUND_ASSIGNMENT.at(
                    name.span, f"`{name.text}` is not bound here", "nothing to rebind", notes=notes, fixes=fixes
                )
            )
            self.scopes[-1][name.text] = Binding(name.span, "axis")

    def _objective(self, item: nodes.Objective) -> None:
        """An objective is a metric's name, in a namespace of its own."""
        if item.metric is not None:
            self._asking(("metric",), item.metric)
        elif item.name.text not in catalogue.metrics():
            near = closest(item.name.text, catalogue.metrics())
            notes = (
                (f"a metric with a similar name exists: `{near}`",)
                if near
                else (f"the metrics: {listed(catalogue.metrics())}",)
            )
            self.found.append(
                codes.UNKNOWN_METRIC.at(
                    item.name.span, f"there is no metric `{item.name.text}`", "not a metric", notes=notes
                )
            )
        self.scopes[0].setdefault(item.name.text, Binding(item.name.span, "objective", used=True))

    # ---- expressions

    def _all(self, items: Iterable[nodes.Node]) -> None:
        for item in items:
            self._expression(item)

    def _asking(self, families: tuple[str, ...], node: nodes.Expression) -> None:
        """Walk an expression whose names may be entries of these families."""
        before, self.families = self.families, families
        self._expression(node)
        self.families = before

    def _expression(self, node: nodes.Node) -> None:
        match node:
            case nodes.Name():
                self._use(node)
            case nodes.Listing():
                self._listing(node)
            case nodes.Call():
                self._call(node)
            case nodes.Choose():
                self._choose(node)
            case _:
                self._all(children(node))

    def _choose(self, node: nodes.Choose) -> None:
        if self.kind is None or not self.kind.choices:
            where = f"a `{self.kind.name}`" if self.kind else "a `let` of the file"
            self.found.append(
                codes.NO_CHOICE_HERE.at(
                    node.span,
                    f"a choice cannot stand in {where}",
                    "belongs to no candidate",
                    notes=("put it into a `space`, or into the body or the settings of a component",),
                )
            )
        self._all(node.options)

    def _listing(self, node: nodes.Listing) -> None:
        scope: dict[str, Binding] = {}
        for position, clause in enumerate(node.clauses):
            self._expression(clause.iterable)
            if position == 0:
                self.scopes.append(scope)
            scope.update((t.text, Binding(t.span, "loop variable", used=True)) for t in clause.targets)
            if clause.condition is not None:
                self._expression(clause.condition)
        self._expression(node.element)
        self.scopes.pop()

    def _call(self, node: nodes.Call) -> None:
        self._expression(node.callee)
        seen: dict[str, nodes.Identifier] = {}
        callee = node.callee
        is_global = isinstance(callee, nodes.Name) and self._local(callee.text) is None
        known = settings_of(self.unit, callee.text) if is_global and isinstance(callee, nodes.Name) else None
        for argument in node.arguments:
            if argument.name is not None:
                first = seen.setdefault(argument.name.text, argument.name)
                if first is not argument.name:
                    self.found.append(
                        codes.DUPLICATE_ARGUMENT.at(
                            argument.name.span,
                            f"`{argument.name.text}` is given twice in one call",
                            "given again",
                            others=(Label(first.span, "given first"),),
                        )
                    )
                elif known is not None and argument.name.text not in known[1]:
                    self.found.append(unknown_setting(known[0], argument.name.text, known[1], argument.name.span))
            if self.families and isinstance(node.callee, nodes.Name):
                entry = catalogue.find(node.callee.text, self.families)
                types = {s.name: s.type for s in entry.settings} if entry else {}
                self._asking(
                    innermost(types.get(argument.name.text if argument.name else "", "")) or self.families,
                    argument.value,
                )
            else:
                self._expression(argument.value)

    # ---- scopes

    def _use(self, node: nodes.Name) -> None:
        name = node.text
        local = self._local(name)
        if local is not None:
            local.used = True
            return
        self.used.add(name)
        if self.unit.knows(name) or name in LANGUAGE or find(name) or catalogue.find(name):
            return
        if self.kind is not None and self.kind.fields and self.families:
            others = [*self._locals(), *self.unit.names(), *catalogue.entries()]
            self.found.append(unknown_entry(node, self.families, others))
            return
        ended = self.ended.get(name)
        if ended is not None:
            self.found.append(
                codes.UNKNOWN_NAME.at(
                    node.span,
                    f"`{name}` is not known here",
                    "outside the braces that bind it",
                    others=(Label(ended.span, "bound here, until its braces end"),),
                    notes=(f"bind `{name}` before these braces, and rebind it inside by `{name} = ...`",),
                )
            )
            return
        near = closest(name, [*self._locals(), *self.unit.names(), *LANGUAGE, *ops()])
        meant = self._local(near) if near else None
        if meant is not None:
            meant.used = True
        notes = (f"a name like it exists: `{near}`",) if near else ()
        fixes = (Fix(f"write `{near}`", (Edit(node.span, near),), safe=False),) if near else ()
        self.found.append(
            codes.UNKNOWN_NAME.at(
                node.span, f"`{name}` is not known here", "not a known name", notes=notes, fixes=fixes
            )
        )

    def _bind(self, name: nodes.Identifier, what: str) -> None:
        if name.text == "_":
            return
        bound = self._local(name.text)
        if bound is not None:
            same = name.text in self.scopes[-1]
            help_ = f"to rebind it, write `{name.text} = ...` without `let`" if what == "let" else "choose another name"
            title = f"`{name.text}` is bound {'twice' if same else 'already, outside these braces'}"
            self.found.append(
                codes.SHADOWED.at(
                    name.span, title, "bound again", others=(Label(bound.span, "bound first"),), notes=(help_,)
                )
            )
        else:
            self._hides_top_level(name, what)
        self.scopes[-1][name.text] = Binding(name.span, what)

    def _hides_top_level(self, name: nodes.Identifier, what: str) -> None:
        if self.unit.knows(name.text):
            self.found.append(
                codes.SHADOWED.at(
                    name.span,
                    f"`{name.text}` is declared in this file already",
                    "choose another name",
                    others=(Label(self._declared_at(name.text), "declared here"),),
                    notes=(f"the {what} would hide it",),
                )
            )

    def _declared_at(self, name: str) -> Span:
        return next(found.span for found in top_level_names(self.unit.tree.items) if found.text == name)

    def _local(self, name: str) -> Binding | None:
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)

    def _locals(self) -> list[str]:
        return [name for scope in self.scopes for name in scope]

    def _close(self) -> None:
        closed = self.scopes.pop()
        self.ended.update(closed)
        for name, binding in closed.items():
            if not binding.used and binding.what in ("let", "setting") and not name.startswith("_"):
                self.found.append(
                    codes.UNUSED_NAME.at(
                        binding.span,
                        f"`{name}` is bound and not used"
                        if binding.what == "let"
                        else f"the setting `{name}` is not used",
                        "remove it, or begin its name with `_`",
                    )
                )
