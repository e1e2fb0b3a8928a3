"""Picking and placing along one axis."""

from archdsl_compiler.emit.code import Expression, Index, Member, Prefix, Raw, Slice, call, method
from archdsl_compiler.emit.forms.contract import CallView


def top_k(view: CallView) -> Expression:
    return method(view.input("x"), "topk", view.number("k"), **view.dim("axis", -1))


def sort(view: CallView) -> Expression:
    descending = {"descending": Raw("True")} if view.value("descending") else {}
    return method(view.input("x"), "sort", **view.dim("axis", -1), **descending)


def scatter(view: CallView) -> Expression:
    values, indices = view.input("values"), view.input("indices")
    place, rank = view.value("axis"), len(view.type("values").shape)
    assert isinstance(place, int)
    shape = Member(values, "shape")
    before = (Prefix("*", Index(shape, (Slice(None, Raw(str(place - rank))),))),) if place else ()
    after = (Prefix("*", Index(shape, (Slice(Raw(str(place + 1)), None),))),) if place < rank - 1 else ()
    empty = method(values, "new_zeros", *before, view.number("size"), *after)
    return method(empty, "scatter", view.axis("axis"), indices, values)


def gather(view: CallView) -> Expression:
    return method(view.input("x"), "gather", view.axis("axis"), view.input("indices"))


def one_hot(view: CallView) -> Expression:
    return call("F.one_hot", view.input("x"), view.number("classes"))


def cumulative_sum(view: CallView) -> Expression:
    return method(view.input("x"), "cumsum", view.axis("axis"))
