"""Settings as the command line writes them: expressions over the names of the file, faults with their place."""

import pytest

import archdsl
from archdsl.meaning.values import show
from archdsl.written_settings import settings_of

TEXT = """\
from std.mixers import lka

let near = 5

mixer mix(heads: int = 2)(x: [b, c, h, w]) {
  return x
}

model net(
  width: int = 8,
  rate: real = 0.5,
  name: str = "a",
  flag: bool = true,
  classes: int? = 10,
  depths: list[int] = [1],
  mixer: mixer = lka,
)(x: [b, 3, 8, 8]) {
  require len(depths) > 0 and rate >= 0.0 and (flag or name == "a"): "sound"
  return x |> conv(width, 1) as stem |> mixer() as mixer
}
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "net.arch"
    path.write_text(
        TEXT.replace(
            "mixer() as mixer\n", "mixer() as mixer |> (if classes == none then none else mean(axes=(2, 3)))\n"
        )
    )
    return archdsl.load(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("width=10", "10"),
        (" width = 2 ** 5 - 1 ", "31"),
        ("rate=1e-3", "0.001"),
        ('name="b c"', '"b c"'),
        ("flag=false", "false"),
        ("classes=none", "none"),
        ("depths=[2,2,4,2]", "[2, 2, 4, 2]"),
        ("depths=[2 * i for i in 1..3]", "[2, 4, 6]"),
        ("mixer=lka(near=7)", "lka(near=7)"),
        ("mixer=mix(heads=near)", "mix(heads=5)"),
        ("mixer=none", "none"),
        ("flag=1 == 1", "true"),
    ],
)
def test_a_value_is_an_expression_over_the_names_of_the_file(program, text, expected):
    ((name, given),) = settings_of(program, [text]).items()
    assert (text.partition("=")[0].strip(), expected) == (name, show(given.value))


def test_they_are_what_python_would_give(program):
    written = settings_of(program, ["width=4", "depths=[1, 2]", "classes=none"])
    given = {"width": 4, "depths": [1, 2], "classes": None}
    assert archdsl.elaborate(program, "net", written) is archdsl.elaborate(program, "net", given)


def test_a_later_program_is_not_misled_by_an_earlier_expression(program):
    found = [settings_of(program, [f"width={n} + near"])["width"].value for n in range(50)]
    assert list(range(5, 55)) == found


@pytest.mark.parametrize("text", ["width", "", "=3", "3=width", "width==3", "width=", "a.b=3"])
def test_what_is_no_setting_is_told_its_form(program, text):
    with pytest.raises(archdsl.UsageError) as raised:
        settings_of(program, [text])
    assert f"--set takes NAME=VALUE, as in --set classes=10, not {text!r}" == str(raised.value)


def test_a_setting_is_given_once(program):
    with pytest.raises(archdsl.UsageError, match="--set gives `width` twice"):
        settings_of(program, ["width=1", "width=2"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("width=choose(1, 2)", "--set width: a choice belongs into a space, not into a setting"),
        ("width=[1 for i in 0..2 if choose(true, false)]", "--set width: a choice belongs into a space"),
    ],
)
def test_a_choice_is_refused(program, text, message):
    with pytest.raises(archdsl.UsageError) as raised:
        settings_of(program, [text])
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["rate=0.1", "width=4 +"], ("E0001", 2, 9)),
        (["width=[1"], ("E0006", 1, 8)),
        (["rate=0.1", "width=wide"], ("E0101", 2, 7)),
        (["mixer=lka(neer=3)"], ("E0203", 1, 11)),
        (["width=1 / 0"], ("E0314", 1, 7)),
    ],
)
def test_a_fault_has_its_place(program, texts, expected):
    with pytest.raises(archdsl.ArchError) as raised:
        settings_of(program, texts)
    (diagnostic,) = raised.value.diagnostics
    span = diagnostic.primary.span
    assert ("<--set>", *expected) == (span.source.name, diagnostic.code, *span.source.position(span.start))


def test_a_bare_word_is_told_of_quotes(program):
    with pytest.raises(archdsl.ArchError) as raised:
        settings_of(program, ["name=bicubic"])
    assert 'a string takes quotes: `name="bicubic"`' in raised.value.diagnostics[0].notes


def test_no_fix_is_offered_for_what_stands_in_no_file(program):
    with pytest.raises(archdsl.ArchError) as raised:
        settings_of(program, ["mixer=lka(neer=3)"])
    (diagnostic,) = raised.value.diagnostics
    assert ((), ("a setting with a similar name exists: `near`",)) == (diagnostic.fixes, diagnostic.notes)
