"""Graphs that nobody thought of: whatever is chained, added and normed, the passes leave its numbers alone."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl_compiler.graph import state_entries
from archdsl_compiler.passes.contract import BUILDING, pipeline
from archdsl_compiler.passes.deploy import deploy
from tests.compiler.passes.test_numbers import check_same, elaborated

# What makes a map of 4 channels and 6 by 6 places from one, and from two.
UNARY = (
    "{a} |> conv(4, 3) as l{i}",
    "{a} |> conv(4, 3, groups=2, bias=false) as l{i}",
    "{a} |> conv(4, 1) as l{i}",
    "{a} |> conv(4, (1, 3)) as l{i}",
    "{a} |> conv(4, 3, dilation=2) as l{i}",
    "{a} |> batch_norm(eps=0.1) as l{i}",
    "{a} |> batch_norm(affine=false) as l{i}",
    "{a} |> unit as l{i}",
    "{a} |> unit as _",
    "{a} |> only as l{i}",
    "{a} |> shared",
    "{a} |> relu",
    "{a} |> zero",
    "{a} |> drop_path(0.5)",
    "{a} * 1",
    "{a} |> roll(0, axes=2)",
    "{a} |> roll(1, axes=2)",
)
BINARY = ("{a} + {b}", "{a} - {b}", "{a} * {b}", "sum([{a}, {b}, {a}])")

Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(UNARY + BINARY * 3), st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=14
)


def written(steps: list[Step]) -> str:
    """A model whose values are v0, v1, ...; it returns the last two."""
    lines: list[str] = []
    inlined = False
    for i, (form, a, b) in enumerate(steps, 1):
        # Values near the end are taken more often, so that chains become long.
        a, b = max(0, i - 1 - a % 3), b % i
        if form.endswith("as _"):
            form = form.replace("as _", f"as l{i}") if inlined else form
            inlined = True
        lines.append(f"  let v{i} = ({form.format(a=f'v{a}', b=f'v{b}', i=i)})")
    body = "\n".join(lines)
    return f"""
block unit()(x: [b, c, h, w]) {{
  return x |> conv(c, 3, bias=false) as conv |> batch_norm() as bn
}}

block only()(x: [b, c, h, w]) {{
  return x |> conv(c, 1, groups=c) as _
}}

model m(size: int = 6)(v0: [b, 4, size, size]) {{
  let shared = unit() as shared
{body}
  return v{len(steps)}, v{len(steps) - 1}
}}
"""


@given(STEPS)
@settings(max_examples=60)
def test_passes_leave_numbers_alone(steps: list[Step]):
    with tempfile.TemporaryDirectory() as folder:
        before = elaborated(written(steps), Path(folder))
    built = pipeline(BUILDING).apply(before)
    assert dict(state_entries(before)) == dict(state_entries(built))
    check_same(before, built, ())
    deployed = deploy(before)
    check_same(before, deployed.root, deployed.changes)
