"""The pooling mixer in Triton: each number reads its window once and is written once."""

# Triton's language has no types that a checker knows.
# pyright: basic, reportMissingImports=false, reportOptionalOperand=false

import triton
import triton.language as tl


@triton.jit
def mixed(
    x, other, scale, out, count, channels, height, width,
    xb, xc, xh, xw, ob, oc, oh, ow, yb, yc, yh, yw,
    number,
    TALL: tl.constexpr, WIDE: tl.constexpr, UP: tl.constexpr, LEFT: tl.constexpr, COUNTED: tl.constexpr,
    LAST: tl.constexpr, ADDED: tl.constexpr, SCALED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """`x` less the mean around it, times the scale, on `other`. Strides are of batch, channel, row and column."""
    place = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = place < count
    if LAST:  # neighbours in memory are done by neighbouring threads
        channel, rest = place % channels, place // channels
        column, rest = rest % width, rest // width
        row, picture = rest % height, rest // height
    else:
        column, rest = place % width, place // width
        row, rest = rest % height, rest // height
        channel, picture = rest % channels, rest // channels
    start = x + picture * xb + channel * xc
    total = tl.zeros([BLOCK], tl.float32)
    for down in tl.static_range(TALL):
        for across in tl.static_range(WIDE):
            at_row, at_column = row + down - UP, column + across - LEFT
            there = inside & (at_row >= 0) & (at_row < height) & (at_column >= 0) & (at_column < width)
            total += tl.load(start + at_row * xh + at_column * xw, there, 0.0).to(tl.float32)
    if COUNTED:
        mean = total / (TALL * WIDE)
    else:
        rows = tl.minimum(row + TALL - UP, height) - tl.maximum(row - UP, 0)
        columns = tl.minimum(column + WIDE - LEFT, width) - tl.maximum(column - LEFT, 0)
        mean = total / (rows * columns).to(tl.float32)
    own = tl.load(start + row * xh + column * xw, inside, 0.0).to(tl.float32)
    found = (mean - own) * number
    if SCALED:
        found *= tl.load(scale + channel, inside, 0.0).to(tl.float32)
    if ADDED:
        found += tl.load(other + picture * ob + channel * oc + row * oh + column * ow, inside, 0.0).to(tl.float32)
    tl.store(out + picture * yb + channel * yc + row * yh + column * yw, found, inside)
