"""Neighborhood attention in Triton: one program for a tile of places and a head."""

# Triton's language has no types that a checker knows.
# pyright: basic, reportMissingImports=false, reportOptionalOperand=false

import triton
import triton.language as tl


@triton.jit
def attended(
    q, k, v, bias, out, scale, heads, height, width,
    qb, qy, qx, qh, qd, kb, ky, kx, kh, kd, vb, vy, vx, vh, vd, ob, oy, ox, oh, od,
    TILE_Y: tl.constexpr, TILE_X: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr,
    DOWN: tl.constexpr, ACROSS: tl.constexpr, REACH_Y: tl.constexpr, REACH_X: tl.constexpr,
    WIDTH: tl.constexpr, OUT: tl.constexpr, PADDED: tl.constexpr, PADDED_OUT: tl.constexpr,
    BIASED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Places that lie `DOWN` and `ACROSS` apart are a map of their own: `first` is where it begins. A place that lies
    outside does again what the last one inside does, and is not written."""
    tiles_x = tl.cdiv(tl.cdiv(width, ACROSS), TILE_X)
    first_y, first_x = tl.program_id(1) // ACROSS, tl.program_id(1) % ACROSS
    picture, head = (tl.program_id(2) // heads).to(tl.int64), tl.program_id(2) % heads
    rows, columns = tl.cdiv(height - first_y, DOWN), tl.cdiv(width - first_x, ACROSS)
    top, left = tl.program_id(0) // tiles_x * TILE_Y, tl.program_id(0) % tiles_x * TILE_X

    place = tl.arange(0, TILE_Y * TILE_X)
    y, x = top + place // TILE_X, left + place % TILE_X
    written = (y < rows) & (x < columns)
    y, x = tl.minimum(y, rows - 1), tl.minimum(x, columns - 1)
    window_y = tl.minimum(tl.maximum(y - TALL // 2, 0), rows - TALL)
    window_x = tl.minimum(tl.maximum(x - WIDE // 2, 0), columns - WIDE)
    begin_y = tl.maximum(tl.minimum(tl.minimum(top, rows - 1) - TALL // 2, rows - TALL), 0)
    begin_x = tl.maximum(tl.minimum(tl.minimum(left, columns - 1) - WIDE // 2, columns - WIDE), 0)

    wide, wide_out = tl.arange(0, PADDED), tl.arange(0, PADDED_OUT)
    here = q + picture * qb + head * qh + (first_y + y * DOWN)[:, None] * qy + (first_x + x * ACROSS)[:, None] * qx
    asked = tl.load(here + wide[None, :] * qd, (wide < WIDTH)[None, :], 0.0)
    largest = tl.full([TILE_Y * TILE_X], -1e30, tl.float32)
    total = tl.zeros([TILE_Y * TILE_X], tl.float32)
    summed = tl.zeros([TILE_Y * TILE_X, PADDED_OUT], tl.float32)
    for start in range(0, REACH_Y * REACH_X, BLOCK):
        other = start + tl.arange(0, BLOCK)
        other_y, other_x = begin_y + other // REACH_X, begin_x + other % REACH_X
        there = (other < REACH_Y * REACH_X) & (other_y < rows) & (other_x < columns)
        row, column = first_y + other_y * DOWN, first_x + other_x * ACROSS
        key = k + picture * kb + head * kh + row[None, :] * ky + column[None, :] * kx
        keys = tl.load(key + wide[:, None] * kd, there[None, :] & (wide < WIDTH)[:, None], 0.0)
        scores = tl.dot(asked, keys, input_precision="ieee") * scale
        from_y, from_x = other_y[None, :] - window_y[:, None], other_x[None, :] - window_x[:, None]
        seen = there[None, :] & (from_y >= 0) & (from_y < TALL) & (from_x >= 0) & (from_x < WIDE)
        if BIASED:
            apart_y = other_y[None, :] - y[:, None] + TALL - 1
            apart_x = other_x[None, :] - x[:, None] + WIDE - 1
            near = bias + (head * (2 * TALL - 1) + apart_y) * (2 * WIDE - 1) + apart_x
            scores += tl.load(near, seen, 0.0).to(tl.float32)
        scores = tl.where(seen, scores, -1e30)
        now = tl.maximum(largest, tl.max(scores, 1))
        weights = tl.where(seen, tl.exp(scores - now[:, None]), 0.0)
        kept = tl.exp(largest - now)
        total = total * kept + tl.sum(weights, 1)
        value = v + picture * vb + head * vh + row[:, None] * vy + column[:, None] * vx
        values = tl.load(value + wide_out[None, :] * vd, there[:, None] & (wide_out < OUT)[None, :], 0.0)
        summed = summed * kept[:, None] + tl.dot(weights.to(values.dtype), values, input_precision="ieee")
        largest = now
    found = summed / total[:, None]
    goal = out + picture * ob + head * oh + (first_y + y * DOWN)[:, None] * oy + (first_x + x * ACROSS)[:, None] * ox
    tl.store(goal + wide_out[None, :] * od, found, written[:, None] & (wide_out < OUT)[None, :])
