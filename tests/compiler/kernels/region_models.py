"""Small models for each kind of region: what its kernels are tried on. A model may have several regions of its kind;
the contract suite takes them all."""

from collections.abc import Mapping

PRODUCTS: Mapping[str, str] = {
    "linear": "model net()(x: [b, 9, 20]) { return x |> linear(36) as fc }",
    "linear_of_vectors": "model net()(x: [b, 20]) { return x |> linear(7, bias=false) as fc }",
    "linear_of_maps": "model net()(x: [b, 5, 3, 20]) { return x |> linear(36) as fc |> hard_swish }",
    "linear_gelu": "model net()(x: [b, 9, 20]) { return x |> linear(36) as fc |> gelu }",
    "linear_tanh_gelu": """
model net()(x: [b, 9, 20]) { return x |> linear(36, bias=false) as fc |> gelu(approximate="tanh") }
""",
    "linear_others": """
model net()(x: [b, 9, 20]) {
  let a = x |> linear(12) as fc[0] |> silu
  let c = a |> linear(12) as fc[1] |> leaky_relu(slope=0.2)
  let d = c |> linear(12) as fc[2] |> hard_sigmoid
  let e = d |> linear(12) as fc[3] |> tanh
  return e |> linear(12) as fc[4] |> sigmoid |> linear(12) as fc[5] |> relu6
}
""",
    "linear_residual": """
model net()(x: [b, 9, 20]) {
  let y = x + (x |> linear(20) as fc[0])
  let z = (x |> linear(20, bias=false) as fc[1] |> gelu) + y
  return z |> linear(20) as fc[2] |> relu |> linear(20) as fc[3]
}
""",
    "linear_residual_relu": """
model net()(x: [b, 9, 20]) { return relu((x |> linear(30) as fc[0] |> linear(20) as fc[1]) + x) }
""",
    "linear_in_windows": """
model net()(x: [b, 6, 8, 12]) {
  let windows = x |> rearrange("b (u h) (v w) c -> (b u v) h w c", u=2, v=2)
  let y = windows |> linear(12, bias=false) as fc[0] |> relu |> linear(12) as fc[1]
  return y |> rearrange("b h w c -> b c h w") |> conv(12, 3) as mix |> conv(12, 1) as end |> gelu
}
""",
    "linear_back_to_maps": """
model net()(x: [b, 8, 5, 7]) {
  let y = x |> rearrange("b c h w -> b h w c") |> linear(24) as fc[0] |> gelu
  let z = (y |> linear(8) as fc[1] |> rearrange("b h w c -> b c h w")) + x
  return relu(z + (z |> rearrange("b c h w -> b h w c") |> linear(8) as fc[2] |> rearrange("b h w c -> b c h w")))
}
""",
    "moved_and_activated": """
model net()(x: [b, 6, 8, 12]) {
  let w = x |> rearrange("b h w c -> b c h w") |> conv(12, 3, groups=12) as mix
  let y = w |> rearrange("b c h w -> b h w c") |> gelu
  return (y |> linear(12) as fc |> rearrange("b h w c -> b w c h") |> silu) + (x |> rearrange("b h w c -> b w c h"))
}
""",
    "squared": """
model net()(x: [b, 9, 20]) {
  let y = (x |> linear(24) as fc[0] |> relu) ** 2
  let z = (y |> linear(20, bias=false) as fc[1] |> relu) ** 2 + x
  return ((z |> rearrange("b (h w) c -> b c h w", h=3) |> conv(8, 1) as mix |> relu) ** 2) |> conv(8, 3) as end
}
""",
    "pointwise": """
model net()(x: [b, 6, 7, 5]) {
  let y = x |> conv(24, 1) as expand |> gelu
  return (y |> conv(6, 1, bias=false) as project) + x
}
""",
    "dense": """
model net()(x: [b, 5, 11, 9]) {
  let y = x |> conv(8, 3, stride=2) as down |> hard_swish
  let z = (y |> conv(8, (3, 5), bias=false) as mix |> relu) + y
  return z |> conv(12, 3, padding=0, groups=4) as grouped |> relu6
}
""",
    "residual_relu": """
model net()(x: [b, 8, 9, 7]) {
  let y = relu((x |> conv(8, 3) as one |> relu |> conv(8, 3) as two) + x)
  let w = y |> conv(6, 3) as three |> relu |> conv(12, 3, stride=2) as four
  let z = relu((y |> conv(12, 1, stride=2) as around) + w)
  return (z |> conv(6, 1) as five |> silu |> conv(12, 1) as six) + z |> hard_swish
}
""",
    "patches": """
model net()(x: [b, 3, 16, 24]) { return x |> conv(12, 4, stride=4) as stem |> conv(7, 2, stride=2, bias=false) as down }
""",
    "same_padding": """
model net()(x: [b, 4, 10, 7]) {
  let y = x |> conv(8, 3, stride=2, padding="same") as down |> silu
  return (y |> conv(8, 4, padding="same", groups=8) as each) + y
}
""",
    "depthwise": """
model net()(x: [b, 16, 13, 9]) {
  let y = x |> conv(16, 3, groups=16) as small |> relu6
  let z = (y |> conv(16, 7, groups=16, bias=false) as large) + y
  return z |> conv(32, 5, stride=2, groups=16) as doubled |> conv(32, (3, 7), groups=32) as oblong |> gelu
}
""",
    "depthwise_of_small_maps": """
model net()(x: [b, 8, 4, 5]) {
  let y = x |> conv(8, 5, groups=8) as large |> relu
  return (y |> conv(8, 3, stride=2, groups=8, bias=false) as down) |> conv(8, 3, groups=8) as tiny
}
""",
    "depthwise_of_large_kernels": """
model net()(x: [b, 8, 19, 23]) {
  let y = (x |> conv(8, 21, groups=8) as large |> silu) + x
  return y |> conv(8, (31, 15), groups=8, bias=false) as larger |> conv(8, 16, groups=8, padding=3) as even
}
""",
    "kernels_beyond_the_map": """
model net()(x: [b, 8, 3, 3]) {
  let y = x |> conv(8, 9, groups=8) as large |> relu
  return (y |> conv(8, 7) as dense) |> conv(6, 3, stride=3, padding=1) as single |> conv(6, 3) as centre
}
""",
    "dilated": """
model net()(x: [b, 8, 13, 10]) {
  let y = x |> conv(8, 7, dilation=3, groups=8) as spread |> gelu
  let z = (y |> conv(8, 3, dilation=2, bias=false) as dense) + y
  return z |> conv(8, 3, dilation=2, padding=1, groups=8) as smaller |> conv(4, 5, dilation=(2, 1)) as oblong
}
""",
    "sequences": """
model net()(x: [b, 6, 15]) { return x |> conv(6, 5, groups=6) as mix |> conv(9, 1) as expand |> gelu }
""",
    "videos": """
model net()(x: [b, 4, 3, 8, 6]) {
  let y = (x |> conv(4, (3, 5, 5), groups=4) as mix) + x
  return y |> conv(8, 1) as expand |> relu
}
""",
}

ATTENTIONS: Mapping[str, str] = {
    "tokens": """
from std.layers import attention
model net()(x: [b, 11, 24]) { return x |> attention(3) as attn }
""",
    "windows": """
from std.layers import window_attention
model net()(x: [b, 8, 12, 24]) { return x |> window_attention(3, 4) as attn }
""",
    "windows_that_differ": """
model net()(x: [b, 6, 10, 24]) {
  let mask = param([6, 3, 10, 10], init=0.5) as mask
  let q, k, v = x
    |> linear(72) as qkv
    |> rearrange("b n t (three heads d) -> three b n heads t d", three=3, heads=3)
  return softmax(q @ k.T * 0.3 + mask, axis=-1) @ v |> rearrange("b n heads t d -> b n t (heads d)")
}
""",
    "two_biases": """
model net()(x: [b, 7, 24]) {
  let pairs = param([2, 7, 7], init=0.5) as pairs
  let keys = param([7], init=0.5) as keys
  let q, k, v = x |> linear(72) as qkv |> rearrange("b n (three h d) -> three b h n d", three=3, h=2)
  return softmax(q @ k.T / 3 + pairs + keys, axis=-1) @ v |> rearrange("b h n d -> b n (h d)")
}
""",
    "bias_of_the_input": """
model net()(x: [b, 7, 24]) {
  let near = x |> linear(7) as near |> rearrange("b n m -> b 1 n m")
  let q, k, v = x |> linear(72) as qkv |> rearrange("b n (three h d) -> three b h n d", three=3, h=2)
  return softmax(q @ k.T * 0.4 + near, axis=-1) @ v |> rearrange("b h n d -> b n (h d)")
}
""",
    "cosine": """
function unit(x) { return x / (sum(x * x, axes=-1, keep=true) + 1e-6) ** 0.5 }
model net()(x: [b, 9, 24]) {
  let sharpness = param([3, 1, 1], init=2.0) as sharpness
  let q, k, v = x |> linear(72) as qkv |> rearrange("b n (three h d) -> three b h n d", three=3, h=3)
  return softmax(unit(q) @ unit(k).T * sharpness, axis=-1) @ v |> rearrange("b h n d -> b n (h d)")
}
""",
    "few_keys": """
model net()(x: [b, 6, 6, 16]) {
  let q = x |> linear(16) as q |> rearrange("b h w (heads d) -> b heads (h w) d", heads=2)
  let k, v = x[:, 0..<6 by 3, 0..<6 by 3]
    |> linear(32) as kv
    |> rearrange("b h w (two heads d) -> two b heads (h w) d", two=2, heads=2)
  return softmax(q @ k.T * 0.3, axis=-1) @ v |> rearrange("b heads (h w) d -> b h w (heads d)", h=6)
}
""",
    "shared_queries": """
model net()(x: [b, 4, 9, 16], asks: [b, 1, 2, 9, 8]) {
  let k, v = x |> linear(32) as kv |> rearrange("b n t (two heads d) -> two b n heads t d", two=2, heads=2)
  return softmax(asks @ k.T, axis=-1) @ v |> rearrange("b n heads t d -> b n t (heads d)")
}
""",
    "channels": """
model net()(x: [b, 30, 12]) {
  let q, k, v = x |> linear(36) as qkv |> rearrange("b n (three h d) -> three b h n d", three=3, h=2)
  return softmax(q.T @ k * 0.2, axis=-1) @ v.T |> rearrange("b h d n -> b n (h d)")
}
""",
    "maps": """
model net()(x: [b, 8, 4, 3]) {
  let table = param([12, 12], init=0.5) as table
  let q, k, v = x |> conv(20, 1) as qkv |> split(parts=[4, 4, 12], axis=1)
  let asked = q |> conv(4, 3, groups=4) as near |> rearrange("b d h w -> b (h w) d")
  let scores = asked @ rearrange(k, "b d h w -> b d (h w)") * 0.5 + table
  return softmax(scores, axis=-1) @ rearrange(v, "b d h w -> b (h w) d") |> rearrange("b (h w) d -> b d h w", h=4)
}
""",
    "windows_of_maps": """
model net()(x: [b, 8, 6, 6]) {
  let table = param([9, 9], init=0.5) as table
  let q, k, v = x |> rearrange("b c (y p) (x q) -> (b y x) c p q", p=3, q=3) |> split([2, 2, 4], axis=1)
  let scores = rearrange(q, "b d h w -> b (h w) d") @ rearrange(k, "b d h w -> b d (h w)") + table
  return softmax(scores, axis=-1) @ rearrange(v, "b d h w -> b (h w) d")
    |> rearrange("b (h w) d -> b d h w", h=3)
    |> rearrange("(b y x) c p q -> b c (y p) (x q)", y=2, x=2)
}
""",
    "one_head": """
model net()(q: [b, 5, 8], k: [b, 6, 8], v: [b, 6, 8]) {
  return softmax(q @ k.T * 0.3 + param([5, 6], init=0.5) as bias, axis=-1) @ v
}
""",
}

POOL_MIXERS: Mapping[str, str] = {
    "alone": """
model net()(x: [b, 6, 7, 9]) { return avg_pool(x, 3, stride=1, padding=1, count_padding=false) - x }
""",
    "scaled_residual": """
from std.mixers import pool
model net()(x: [b, 6, 7, 9]) {
  let scale = param([6, 1, 1], init=0.1) as scale
  let y = x + (x |> pool(5)) * scale
  return y + 0.3 * (y |> pool)
}
""",
    "of_a_norm": """
from std.mixers import pool
model net()(x: [b, 6, 7, 9]) {
  let scale = param([6, 1, 1], init=0.1) as scale
  let y = x + (x |> group_norm(2) as norm[0] |> pool) * scale
  let z = y + (y |> group_norm(1) as norm[1] |> pool)
  return z + 2 * (z |> group_norm(3) as norm[2] |> pool)
}
""",
    "unscaled_residual": """
from std.mixers import pool
model net()(x: [b, 6, 7, 9]) {
  let y = x + (x |> pool)
  let scale = param([6, 1, 1], init=0.1) as scale
  return [(y |> pool) * scale, (y |> pool) * 0.5]
}
""",
    "gated": """
from std.mixers import pool
model net()(x: [b, 6, 7, 9]) {
  let gate = mean(x, axes=(2, 3), keep=true) |> sigmoid
  return x + (x |> pool) * gate
}
""",
    "sequences": """
model net()(x: [b, 6, 9]) { return x + (avg_pool(x, 3, stride=1, padding=1) - x) }
""",
}

NEIGHBORHOODS: Mapping[str, str] = {
    "map": """
model net()(x: [b, 17, 21, 24]) {
  let q, k, v = rearrange(x, "b h w (three heads d) -> three b h w heads d", three=3, heads=2)
  let y = neighborhood_attention(q, k, v, kernel=5)
  return neighborhood_attention(y, k, y, kernel=(3, 7), dilation=2, scale=0.3)
}
""",
    "biases": """
model net()(x: [b, 18, 19, 2, 4], by_input: [2, 5, 9]) {
  let bias = param([2, 13, 13], init=normal(0.5)) as rpb
  let y = neighborhood_attention(x, x, x, bias, kernel=7)
  return neighborhood_attention(y, x, y, by_input, kernel=(3, 5), dilation=(5, 2))
}
""",
    "small_maps": """
model net()(x: [b, 9, 8, 2, 4]) {
  let bias = param([2, 5, 9], init=normal(0.5)) as rpb
  let y = neighborhood_attention(x, x, x, bias, kernel=(3, 5))
  return neighborhood_attention(y, x, y, kernel=3, dilation=2)
}
""",
}

CHAINS: Mapping[str, str] = {
    "star_relu": """
model net()(x: [b, 6, 7, 9]) {
  let scale, bias = [param([1], init=0.9) as scale, param([1], init=0.1) as bias]
  let y = relu(x) ** 2 * scale + bias
  return softmax(y, axis=1) ** 2 * 0.7 + 0.2
}
""",
    "scaled_sums": """
model net()(x: [b, 9, 20], y: [b, 9, 20]) {
  let scale = param([20], init=0.5) as scale
  let z = x * scale + y
  return softmax(z, axis=1) * 0.3 + y
}
""",
    "in_place": """
model net()(x: [b, 6, 7, 9], y: [b, 6, 7, 9]) {
  return ((x + y |> silu |> hard_swish) * y - 0.5 |> relu6 |> tanh) / 3 |> hard_sigmoid |> sigmoid |> exp |> sqrt
}
""",
    "views_between": """
model net()(x: [b, 6, 8, 4], y: [b, 32, 6]) {
  let z = relu(x) |> rearrange("b c h w -> b (h w) c")
  return abs(z - y) |> rearrange("b (h w) c -> b c h w", h=8) |> negate
}
""",
    "views": """
model net()(x: [b, 6, 8, 4]) {
  return x
    |> rearrange("b c (h p) w -> b c h (p w)", p=2)
    |> pad(after=1, axes=3)
    |> roll(1, axes=2)
    |> split(2, axis=1)
}
""",
    "an_expanded_row": """
model net()(x: [b, 9, 20]) {
  let first = param([1, 1, 20], init=0.5) as first
  return concat([expand(first, b, axis=0), x], axis=1) + param([10, 20], init=0.5) as places
}
""",
    "gathered": """
model net()(x: [b, 9, 4], y: [b, 9, 4]) { return x[:, flip(arange(9), axes=0)] + y |> relu }
""",
    "joined": """
model net()(x: [b, 4, 5, 3], y: [b, 8, 5, 3]) { return concat([x, y], axis=1) |> relu |> exp }
""",
    "not_its_own": """
model net()(x: [b, 4, 5, 3]) { return transpose(x) |> relu |> expand(4, axis=1) |> negate }
""".replace("[b, 4, 5, 3]", "[b, 1, 5, 3]"),
    "numbers_on_the_left": """
model net()(x: [b, 4, 5], y: [b, 4, 5]) { return 2 / (1 - (y - abs(x))) }
""",
}

SPECTRALS: Mapping[str, str] = {
    "maps": """
from std.mixers import fourier_filter
model net()(x: [b, 6, 7, 8]) { return x |> fourier_filter as one |> fourier_filter as two }
""",
    "tokens": """
model net()(x: [b, 5, 7, 3]) {
  let weight = param([5, 4, 3, 2], init=normal(0.5)) as weight
  return rfft2(x, axes=(1, 2)) * as_complex(weight) |> irfft2(size=(5, 7), axes=(1, 2))
}
""",
    "one_weight_for_all_channels": """
model net()(x: [b, 3, 6, 4]) {
  let weight = param([6, 3, 2], init=normal(0.5)) as weight
  return as_complex(weight) * rfft2(x, axes=(2, 3)) |> irfft2(size=(6, 4), axes=(2, 3))
}
""",
    "weights_of_the_input": """
model net()(x: [b, 3, 6, 4]) {
  let weight = x |> mean(axes=1, keep=true) |> relu |> rfft2(axes=(2, 3))
  return weight * rfft2(x, axes=(2, 3)) |> irfft2(size=(6, 4), axes=(2, 3))
}
""",
}

NORMS: Mapping[str, str] = {
    "tokens": "model net()(x: [b, 9, 20]) { return x |> rms_norm as one |> rms_norm(affine=false) }",
    "maps": """
model net()(x: [b, 6, 7, 5]) { return x |> rms_norm(axis=1, eps=0.001) as one |> rms_norm(axis=2) as two }
""",
    "vectors": "model net()(x: [b, 20]) { return x |> rms_norm as one }",
}

MODELS: Mapping[str, Mapping[str, str]] = {
    "product": PRODUCTS,
    "attention": ATTENTIONS,
    "pool_mixer": POOL_MIXERS,
    "neighborhood": NEIGHBORHOODS,
    "spectral": SPECTRALS,
    "norm": NORMS,
    "chain": CHAINS,
}
"""By kind of region. Whoever adds a kind adds its models here."""
