"""Input that is no program, or one without end: each gets a message with its code and line, and soon."""

import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from archdsl.cli.main import run

SECONDS = 15
"""Of work; a busy machine may take longer by the clock, and the machine of CI is slower than ours."""
LONGEST_WAIT = 40.0
MEMORY = 3 << 30
Objects = list[dict[str, object]]
Check = Callable[..., list[tuple[str, int]]]


@pytest.fixture(scope="module", autouse=True)
def _loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What every child needs is loaded before it is born."""
    path = tmp_path_factory.mktemp("loaded") / "case.arch"
    path.write_text(model("x = x |> conv(3, 1) as conv"), encoding="utf-8")
    assert 0 == run(["check", str(path)])


def printed(*arguments: str) -> tuple[int, str]:
    """The status and output of a command, run in a child, which a hang, a crash or a want of memory cannot leave."""
    with TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w", encoding="utf-8"), os.fdopen(2, "w", encoding="utf-8")
            try:
                status = run(arguments)
            except BaseException:  # shown by the parent
                traceback.print_exc()
                status = 99
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        code = _status(child)
        output.seek(0)
        return code, output.read().decode()


def _status(child: int) -> int:
    """The exit status of the child, which is ended if it waits for something."""
    until = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGKILL


def objects(path: Path, *options: str) -> Objects:
    """What `archdsl check --json` finds in a file."""
    status, output = printed("check", "--json", *options, str(path))
    assert status in (0, 1), f"status {status}: {output[-1500:]}"
    found: Objects = json.loads(output)
    assert status == int(any(o["severity"] == "error" for o in found))
    return found


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """The codes and lines of the errors of a text."""

    def errors(text: str | bytes, *options: str):
        path = tmp_path / "case.arch"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [(o["code"], o["line"]) for o in objects(path, *options) if o["severity"] == "error"]

    return errors


def model(*lines: str) -> str:
    """A model on small pictures; the lines begin at line 2."""
    body = "".join(f"  {line}\n" for line in lines)
    return f"model m()(x: [b, 3, 32, 32]) {{\n{body}  return x\n}}\n"


def doubled(first: str, turn: str, turns: int = 64) -> str:
    return model(f"let l = {first}", f"for i in 0..<{turns} {{", f"  l = {turn}", "}", "require len([l]) == 1")


CHARACTERS = {
    "NUL": ("let a = 1\nlet b = \0 2\n", [("E0002", 2)]),
    "bell": ("let a = 1 \a\n", [("E0002", 1)]),
    "CRLF": ("let a = 1\r\nlet b = c\r\n", [("E0101", 2)]),
    "a mark at the start": (b"\xef\xbb\xbflet a = b\n", [("E0101", 1)]),
    "nothing": ("", []),
    "a comment": ("# only this", []),
    "noise": ("}{)(" * 2_000, [("E0001", 1), ("E0001", 1), ("E0006", 1)]),
    "noise below the limit": ("}{)(" * 50_000, [("E0001", 1), ("E0001", 1), ("E0006", 1)]),
    "a string of 1 MB": ('let a = "' + "x" * 1_000_000 + '" + 1\n', [("E0007", 1)]),
    "a string of 1 MB without an end": ('let a = "' + "x" * 1_000_000 + "\nlet b = c\n", [("E0007", 1)]),
    "a name of 1 MB": ("let " + "x" * 1_000_000 + " = b\n", [("E0007", 1)]),
    "100,000 brackets": (
        "let a = " + "(" * 100_000 + "1" + ")" * 100_000 + "\nlet b = c\n",
        [("E0003", 1), ("E0101", 2)],
    ),
    "100,000 open brackets": ("let a = " + "[" * 100_000 + "\nlet b = c\n", [("E0003", 1), ("E0101", 2)]),
    "100,000 signs": ("let a = " + "-" * 100_000 + "1\n", [("E0003", 1)]),
    "100,000 additions": ("let a = 1" + " + 1" * 100_000 + "\n", [("E0003", 1)]),
    "50,000 powers": ("let a = " + "2 ** " * 50_000 + "1\n", [("E0003", 1)]),
    "20,000 conditions": ("let a = " + "if true then " * 20_000 + "1" + " else 2" * 20_000 + "\n", [("E0003", 1)]),
    "10,000 digits": ("let a = " + "9" * 10_000 + "\n", [("E0007", 1)]),
    "10,000 digits behind the point": ("let a = 1." + "9" * 10_000 + "\n", [("E0007", 1)]),
    "a large exponent": ("let a = 1e999999\n", [("E0007", 1)]),
}

NUMBERS = {
    "a tower": ("2 ** 10 ** 10", "E0406"),
    "a tower of reals": ("2.0 ** 10 ** 10", "E0406"),
    "a product": ("10 ** 300 * 10 ** 300", "E0406"),
    "an infinite int": ("int(1e308 * 10)", "E0406"),
    "no inverse": ("0 ** -1", "E0314"),
    "an imaginary number": ("(-1) ** 0.5", "E0314"),
    "division by zero": ("1 / 0", "E0314"),
    "whole division by zero": ("1 // 0", "E0314"),
    "rest by zero": ("1 % 0", "E0314"),
    "real division by zero": ("1.0 / 0.0", "E0314"),
    "logarithm": ("log(0)", "E0314"),
    "root": ("sqrt(-1)", "E0314"),
    "exponential": ("exp(1000)", "E0314"),
    "a step of zero": ("[i for i in 0..10 by 0]", "E0314"),
    "a place behind the end": ("[1][5]", "E0313"),
    "a list of 10 ** 12": ("[i for i in 0..<10 ** 12]", "E0402"),
    "a sum of 10 ** 12": ("sum(i for i in 0..<10 ** 12)", "E0402"),
    "a bare sum": ("sum(0..<10 ** 12)", "E0402"),
    "a long range and a list": ("(0..<10 ** 12) + [1]", "E0407"),
    "a long range turned": ("reversed(0..<10 ** 12)", "E0407"),
    "a long range sorted": ("sorted(0..<10 ** 12)", "E0407"),
    "long ranges zipped": ("zip(0..<10 ** 12, 0..<10 ** 12)", "E0407"),
    "many points": ("linspace(0.0, 1.0, 10 ** 12)", "E0407"),
    "a bomb of one list": ("[i * j * k for i in 0..<1000 for j in 0..<1000 for k in 0..<1000]", "E0407"),
    "a bomb of lists": ("[[[0 for i in 0..<1000] for j in 0..<1000] for k in 0..<1000]", "E0402"),
}

MODELS = {
    "a long loop": (["for i in 0..<10 ** 12 {", "  x = x", "}"], [("E0402", 2)]),
    "loops in loops": (
        [f"{'  ' * d}for i{d} in 0..<10000 {{" for d in range(3)] + ["  x = x"] + ["}"] * 3,
        [("E0402", 5)],
    ),
    "a large constant": (["x = x + zeros([10 ** 5, 10 ** 5, 10 ** 5])"], [("E0405", 2)]),
    "a large parameter": (["x = x + param([10 ** 5, 10 ** 5, 10 ** 5]) as p"], [("E0405", 2)]),
    "a large layer": (["x = x |> linear(10 ** 15) as fc"], [("E0405", 2)]),
    "a large repetition": (['x = repeat(x, "b c h w -> b c h w n", n=10 ** 15)'], [("E0405", 2)]),
    "no channels": (["x = x |> conv(0, 1) as conv"], [("E0320", 2)]),
    "channels below zero": (["x = x |> conv(-3, 1) as conv"], [("E0320", 2)]),
    "no kernel": (["x = x |> conv(3, 0) as conv"], [("E0320", 2)]),
    "no stride": (["x = x |> conv(3, 1, stride=0) as conv"], [("E0320", 2)]),
    "no groups": (["x = x |> conv(3, 1, groups=0) as conv"], [("E0320", 2)]),
    "a negative axis": (["x = reshape(x, [-3, 5])"], [("E0305", 2)]),
    "negative padding": (["x = x |> pad(before=-20, axes=2)"], [("E0320", 2)]),
    "no heads": (['x = rearrange(x, "b (h d) y z -> b h d y z", h=0)'], [("E0320", 2)]),
    "nothing left": (["x = x |> conv(3, 40, padding=0) as conv"], [("E0305", 2)]),
    "two things in one place": (["x = x |> conv(3, 1) as a", "x = x |> conv(3, 1) as a"], [("E0316", 3)]),
    "a place below a weight": (["x = x |> conv(3, 1) as a.weight", "x = x |> conv(3, 1) as a"], [("E0316", 3)]),
    "a keyword as an argument": (["x = x |> conv(3, 1, for=2) as conv"], [("E0005", 2)]),
}

PROGRAMS = {
    "an input of 10 ** 15": ("model m()(x: [b, 100000, 100000, 100000]) {\n  return x\n}\n", [("E0405", 1)]),
    "an empty input": ("model m(size: int = 0)(x: [b, 3, size, size]) {\n  return x\n}\n", [("E0305", 1)]),
    "a component in itself": ("block f()(x: [b, c]) {\n  return x |> f()\n}\n", [("E0403", 2)]),
    "a model in itself": ("model m()(x: [b, 3]) {\n  return x |> m()\n}\n", [("E0403", 2)]),
    "a space of itself": ("space s() {\n  return s()\n}\n", [("E0403", 2)]),
    "spaces in a circle": (
        "space s() {\n  return t()\n}\nspace t() {\n  return s()\n}\n",
        [("E0403", 2), ("E0403", 5)],
    ),
    "a function of itself": ("function f(n: int) {\n  return f(n + 1)\n}\nlet a = f(0)\n", [("E0403", 2)]),
    "functions in a circle": (
        "function f(n: int) {\n  return g(n + 1)\n}\nfunction g(n: int) {\n  return f(n)\n}\nlet a = f(0)\n",
        [("E0403", 5)],
    ),
    "a function that calls itself twice": (
        "function f(n: int, k: int) {\n  return if n == 0 then k else f(n - 1, 2 * k) + f(n - 1, 2 * k + 1)\n}\n"
        "let a = f(40, 0)\n",
        [("E0402", 2)],
    ),
    "names in a circle": ("let a = b\nlet b = a\n", [("E0403", 1)]),
    "a tree of 2 ** 60 modules": (
        "mixer f(n: int = 60)(x: [b, c]) {\n  return if n > 0 then x |> f(n - 1) as a |> f(n - 1) as z else x\n}\n",
        [("E0404", 2)],
    ),
    "a list that doubles": (doubled("[1]", "l + l"), [("E0407", 4)]),
    "lists in lists": (doubled("[1]", "[l, l]"), [("E0407", 4)]),
    "lists in lists that are shown": (
        doubled("[1]", "[l, l]").replace("require len([l]) == 1", "require l == 1"),
        [("E0407", 4)],
    ),
    "lists in lists that are compared": (
        doubled("[1]", "[l, l]").replace("len([l]) == 1", "l == [l[0], l[1], 3]"),
        [("E0407", 4)],
    ),
    "equal lists in lists": (
        "function f(l: list, n: int) {\n  return if n == 0 then l else f([l, l], n - 1)\n}\n"
        "let same = f([1], 50) == f([1], 50)\n",
        [("E0407", 2)],
    ),
    "a number that squares": (doubled("2", "l * l"), [("E0406", 4)]),
    "pipes that double": (
        "function f(l: mixer, n: int) {\n  return if n == 0 then l else f(l |> l, n - 1)\n}\nlet a = f(relu, n=50)\n",
        [("E0404", 2)],
    ),
    "too many axes": (model("x = zeros([1 for i in 0..<90000])"), [("E0405", 2)]),
    "a choice of 10 ** 12": (
        "model m(w: int)(x: [b, 3]) {\n  return x |> linear(w) as fc\n}\n"
        "space s() {\n  let w = choose(1..10 ** 12)\n  return m(w)\n}\n",
        [("E0407", 5)],
    ),
    "a choice of 4,000, applied": (
        "model m(w: int)(x: [b, 3]) {\n  return x |> linear(w) as fc\n}\n"
        "space s() {\n  let w = choose(1..4000)\n  return m(w)\n}\n",
        [],
    ),
    "a choice of 100,000 with another": (
        "model m(w: int, v: int)(x: [b, 3]) {\n  return x |> linear(w) as fc |> linear(v) as gc\n}\n"
        "space s() {\n  let w = choose(1..100000)\n  let v = choose(1..100000)\n  return m(w, v)\n}\n",
        [],
    ),
    "an unknown kind": ("modle m()(x: [b, 3]) {\n  return x\n}\n", [("E0201", 1)]),
    "a keyword as a name": ("let for = 1\n", [("E0005", 1)]),
    "a keyword as a declaration": ("model if()(x: [b, 3]) {\n  return x\n}\n", [("E0005", 1)]),
    "a keyword as a setting": ("model m(return: int = 1)(x: [b, 3]) {\n  return x\n}\n", [("E0005", 1)]),
    "a missing file": ("from .nowhere import a\nlet b = a\n", [("E0104", 1)]),
    "a missing library": ("from nowhere import a\nlet b = a\n", [("E0104", 1)]),
    "itself": ("from .case import a\nlet b = a\n", [("E0105", 1)]),
}


@pytest.mark.parametrize("name", CHARACTERS)
def test_characters(name: str, check: Check):
    text, expected = CHARACTERS[name]
    assert expected == check(text)


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_and_lists(name: str, check: Check):
    text, code = NUMBERS[name]
    assert [(code, 2)] == check(f"let before = 1\nlet a = {text}\nlet after = before\n")


@pytest.mark.parametrize("name", MODELS)
def test_models(name: str, check: Check):
    lines, expected = MODELS[name]
    assert expected == check(model(*lines))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, check: Check):
    text, expected = PROGRAMS[name]
    assert expected == check(text)


# ---- files


def test_bytes_that_are_no_text_have_their_line(check: Check):
    assert 2 == check(b"let a = 1\nlet b = \xff\xfe 2\n")[0][1]


def test_ten_megabytes_are_refused_at_once(check: Check):
    before = time.perf_counter()
    assert [("E0107", 1)] == check(b"let a = 1\n" * 1_000_000)
    assert time.perf_counter() - before < 1.0


def test_many_faults_are_said_soon(check: Check):
    found = check("let a = 1\n" * 5_000)
    assert [("E0102", line) for line in range(2, 5_001)] == found


@pytest.mark.parametrize("name", ["none", "below_none", "folder", "pipe", "circle", "long"])
def test_a_file_that_cannot_be_read_is_a_fault(name: str, tmp_path: Path):
    path = tmp_path / {"below_none": "none/none.arch", "long": "long" * 100 + ".arch"}.get(name, f"{name}.arch")
    if name == "folder":
        (path / "inner.arch").mkdir(parents=True)
        path /= "inner.arch"
    elif name == "pipe":
        os.mkfifo(path)
    elif name == "circle":
        path.symlink_to(path)
    assert ["E0107"] == [o["code"] for o in objects(path)]


def test_a_device_is_no_file():
    assert ["E0107"] == [o["code"] for o in objects(Path("/dev/zero"))]


def test_a_file_without_permission_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """For root no file is closed, so reading is refused here by hand."""
    path = tmp_path / "closed.arch"
    path.write_text("let a = 1\n", encoding="utf-8")

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    found = objects(path)
    assert [("E0107", f"`{path}` cannot be read: permission denied")] == [(o["code"], o["message"]) for o in found]


def test_imports_in_a_circle_are_drawn(tmp_path: Path):
    for name, other in [("one", "two"), ("two", "three"), ("three", "one")]:
        text = f"# {name}\nfrom .{other} import a_{other}\nlet a_{name} = a_{other}\n"
        (tmp_path / f"{name}.arch").write_text(text, encoding="utf-8")
    (fault,) = objects(tmp_path / "one.arch")
    one, two, three = (str(tmp_path / f"{name}.arch") for name in ("one", "two", "three"))
    assert ("E0105", three, 2) == (fault["code"], fault["file"], fault["line"])
    assert f"{one} -> {two} -> {three} -> {one}" in fault["notes"]


def test_an_imported_folder_is_a_fault(tmp_path: Path, check: Check):
    (tmp_path / "parts.arch").mkdir()
    assert [("E0104", 2)] == check("\nfrom .parts import a\nlet b = a\n")


def test_an_import_of_no_text_is_a_fault(tmp_path: Path, check: Check):
    (tmp_path / "parts.arch").write_bytes(b"\xff")
    assert [("E0104", 2)] == check("\nfrom .parts import a\nlet b = a\n")


def test_an_import_does_not_leave_the_folder(tmp_path: Path):
    inside, outside = tmp_path / "inside", tmp_path / "outside.arch"
    (inside / "deep").mkdir(parents=True)
    outside.write_text("let secret = 1\n", encoding="utf-8")
    (inside / "link.arch").symlink_to(outside)
    (inside / "deep" / "fine.arch").write_text("let b = 2\n", encoding="utf-8")
    (inside / "near.arch").symlink_to(inside / "deep" / "fine.arch")
    case = inside / "case.arch"
    case.write_text("from .near import b\nfrom .link import secret\nlet c = [b, secret]\n", encoding="utf-8")
    assert [("E0109", 2)] == [(o["code"], o["line"]) for o in objects(case)]


# ---- carets


@pytest.mark.parametrize(
    ("line", "shown", "carets"),
    [
        ("let a = [\t1,\tb]", "let a = [   1,  b]", "                ^"),
        ('let a = ["日本", b]', 'let a = ["日本", b]', "                 ^"),
        ('let a = ["e\u0301", b]', 'let a = ["e\u0301", b]', "              ^"),
    ],
    ids=["tabs", "wide", "combining"],
)
def test_carets_stand_under_the_text(line: str, shown: str, carets: str, tmp_path: Path):
    path = tmp_path / "case.arch"
    path.write_text(f"{line}\n", encoding="utf-8")
    lines = printed("check", str(path))[1].splitlines()
    at = next(number for number, text in enumerate(lines) if text.startswith("1 | "))
    assert (shown, carets) == (lines[at][4:], lines[at + 1][4:].partition(" not")[0])


def test_a_long_line_is_cut_where_the_fault_is(tmp_path: Path):
    path = tmp_path / "case.arch"
    path.write_text('let a = ["' + "x" * 100_000 + '", missing, "' + "y" * 100_000 + '"]\n', encoding="utf-8")
    status, output = printed("check", str(path))
    assert (1, True, True) == (status, "missing" in output, len(output) < 1000)


def test_a_long_name_is_cut(tmp_path: Path):
    path = tmp_path / "case.arch"
    path.write_text("let a = " + "b" * 100_000 + "\n", encoding="utf-8")
    status, output = printed("check", str(path))
    assert (1, True) == (status, len(output) < 1000)


# ---- limits

TREE = "mixer f(n: int)(x: [b, c]) {\n  return if n > 0 then x |> f(n - 1) as a |> f(n - 1) as z else x\n}\n"
OVER_A_LIMIT = {
    "characters": ("# " + "x" * 2_100_000, 3_000_000),
    "nesting": ("let a = " + "[" * 250 + "1" + "]" * 250, 300),
    "chain": ("let a = 0" + " + 1" * 1_200, 2_000),
    "digits": ("let a = 0." + "3" * 500, 600),
    "steps": (model("for i in 0..<700 {", "  for j in 0..<700 {", "    x = x", "  }", "}"), 3_000_000),
    "elements": ("let a = [i for i in 0..<110000]", 200_000),
    "recursion": ("function f(n: int) {\n  return if n == 0 then 0 else f(n - 1)\n}\nlet a = f(100)\n", 200),
    "modules": (TREE + "model m()(x: [b, 3]) {\n  return x |> f(17) as f\n}\n", 1_000_000),
    "parameters": ("model m()(x: [b, 3]) {\n  return x |> linear(10 ** 6) as a |> linear(10 ** 6) as z\n}\n", 10**13),
    "tensor": ("model m()(x: [b, 3]) {\n  return x + mean(zeros([10 ** 7, 10 ** 6]), axes=(0, 1))\n}\n", 10**14),
}


@pytest.mark.parametrize("name", OVER_A_LIMIT)
def test_a_limit_is_named_and_can_be_raised(name: str, tmp_path: Path):
    text, enough = OVER_A_LIMIT[name]
    path = tmp_path / "case.arch"
    path.write_text(text, encoding="utf-8")
    (stopped,) = objects(path)
    assert f"--limit {name}=" in json.dumps(stopped), stopped
    assert [] == objects(path, "--limit", f"{name}={enough}", "--limit", "characters=3_000_000")


@pytest.mark.parametrize("assignment", ["steps=x", "steps=-1", "steps", "depth=3", "steps=", "steps=²", "=3"])
def test_a_limit_that_is_none_is_a_usage_error(assignment: str, tmp_path: Path):
    path = tmp_path / "case.arch"
    path.write_text("let a = 1\n", encoding="utf-8")
    status, output = printed("check", "--limit", assignment, str(path))
    assert (2, True) == (status, f"not {assignment!r}" in output)
