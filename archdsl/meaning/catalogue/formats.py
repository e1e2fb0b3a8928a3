"""Number formats: what `weights`, `activations` and `bias` of a `quant` can be."""

from archdsl.meaning.catalogue.contract import Among, Between, Entry, entry, setting

_PER = setting(
    "per",
    "str",
    "What shares a scale: the whole tensor, one output channel or one token.",
    "tensor",
    Among(("tensor", "channel", "token")),
)

ENTRIES: tuple[Entry, ...] = (
    *(entry(f"int{bits}", "format", f"Signed integers of {bits} bits.", _PER) for bits in (2, 3, 4, 5, 6, 7, 8, 16)),
    entry("fp8_e4m3", "format", "8-bit floats with 4 bits of exponent and 3 of mantissa: the finer one.", _PER),
    entry("fp8_e5m2", "format", "8-bit floats with 5 bits of exponent and 2 of mantissa: the wider one.", _PER),
    entry(
        "minifloat",
        "format",
        "Floats of a sign and any few bits, scaled like integers.",
        setting("exponent", "int", "Bits of the exponent.", domain=Between(1, 8)),
        setting("mantissa", "int", "Bits of the mantissa.", domain=Between(0, 10)),
        _PER,
    ),
    entry("bfloat16", "format", "16-bit floats with the range of float32."),
    entry("float16", "format", "16-bit floats with more precision and less range than bfloat16."),
    entry("float32", "format", "32-bit floats, as models are written."),
)
