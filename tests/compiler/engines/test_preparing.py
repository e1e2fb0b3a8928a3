"""How a program is made in a process of its own, kept, and found again."""

import json
import os
import shutil
import threading
from pathlib import Path

import pytest
import torch
from torch import nn

from archdsl_compiler.engines.child import made, telling_line
from archdsl_compiler.engines.contract import EngineFailure, Work
from archdsl_compiler.engines.kept import PAGE, Page, folder_name, keep, kept, make_room, source_of, weights_digest
from archdsl_compiler.engines.preparing import EngineProgram, prepare
from archdsl_compiler.engines.results import as_written, flattened, form_of, put_together
from tests.compiler.engines.nets import NETS
from tests.compiler.engines.odd_engines import Plain

NET = NETS["attention"]
INPUTS = NET.inputs(2)
WORK = Work.of(INPUTS)
PAGE_OF_NET = Page("tensor", True, 0.0, 1.0)


def prepared(root: Path, *ways: str, seconds: float | None = None) -> EngineProgram:
    return prepare(Plain(ways), NET.emitted(), INPUTS, "float32", 1, root, seconds)


def test_a_program_is_made_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    first, second = prepared(tmp_path, "chatty"), prepared(tmp_path, "chatty")
    assert (True, False) == (first.made, second.made)
    assert first.page == second.page
    assert torch.equal(NET.emitted()(*INPUTS), second(*INPUTS))
    assert 1 == len(list(tmp_path.iterdir()))
    assert ("", "") == capfd.readouterr()


@pytest.mark.parametrize(
    ("way", "stage", "reason"),
    [
        ("refuse", "compile", "RuntimeError: no conversion for aten::sin"),
        ("unreadable", "load", "OSError: no such program"),
        ("fails", "run", "RuntimeError: the request is busy"),
        ("nan", "compare", "its results differ from the model's by inf of the largest number, allowed 1e-04"),
        ("other shape", "compare", "its results differ from the model's by inf of the largest number, allowed 1e-04"),
    ],
)
def test_what_goes_wrong_is_told(way: str, stage: str, reason: str, tmp_path: Path):
    with pytest.raises(EngineFailure) as failure:
        made(Plain((way,)), NET.emitted(), INPUTS, WORK, tmp_path)
    assert ("plain", stage, reason) == (failure.value.engine, failure.value.stage, failure.value.reason)


@pytest.mark.parametrize("way", ["wrong", "traced"])
def test_wrong_results_are_refused(way: str, tmp_path: Path):
    """Also where they are wrong for other numbers alone, as those of a trace may be."""
    with pytest.raises(EngineFailure, match=r"plain failed \(compare\): its results differ"):
        made(Plain((way,)), NET.emitted(), INPUTS, WORK, tmp_path)


@pytest.mark.parametrize(("ways", "any_batch"), [((), True), (("one batch",), False)])
def test_other_batches_are_tried(ways: tuple[str, ...], any_batch: bool, tmp_path: Path):
    page = made(Plain(ways), NET.emitted(), INPUTS, WORK, tmp_path)
    program = EngineProgram("plain", WORK, page, "", True, lambda inputs: inputs)
    assert (True, any_batch) == (program.takes(INPUTS), program.takes(NET.inputs(5)))
    assert not program.takes([INPUTS[0], NET.inputs(5)[1]])
    assert not program.takes([given[:, :4] for given in INPUTS])
    assert not program.takes([given.double() for given in INPUTS])
    assert not program.takes(INPUTS[:1])


@pytest.mark.parametrize(
    ("way", "stage", "reason"),
    [
        ("abort", "compile", "its process was ended by SIGABRT"),
        ("exit", "compile", "its process ended with status 3: the disk is full"),
    ],
)
def test_a_crash_is_a_failure_and_leaves_nothing(way: str, stage: str, reason: str, tmp_path: Path):
    with pytest.raises(EngineFailure) as failure:
        prepared(tmp_path, way)
    assert (stage, reason) == (failure.value.stage, failure.value.reason)
    assert [] == list(tmp_path.iterdir())


def test_what_takes_too_long_is_stopped(tmp_path: Path):
    with pytest.raises(EngineFailure, match=r"it was not done after 0\.1 s"):
        prepared(tmp_path, "hang", seconds=0.1)
    assert [] == list(tmp_path.iterdir())


def test_a_missing_engine_says_what_to_install(tmp_path: Path):
    with pytest.raises(EngineFailure, match=r"plain failed \(install\): plain is not installed"):
        prepared(tmp_path, "missing")


def test_two_at_once_share_one_folder(tmp_path: Path):
    found: list[EngineProgram] = []
    threads = [threading.Thread(target=lambda: found.append(prepared(tmp_path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 2 == len(found)
    assert 1 == len(list(tmp_path.iterdir()))
    assert torch.equal(found[0](*INPUTS), found[1](*INPUTS))


def test_where_nothing_can_be_kept_the_program_still_runs(tmp_path: Path):
    file = tmp_path / "no-folder"
    file.write_text("")
    program = prepared(file)
    assert torch.equal(NET.emitted()(*INPUTS), program(*INPUTS))


def test_a_folder_is_that_of_all_that_a_program_follows_from():
    model, other = NET.emitted(), NET.emitted()
    with torch.no_grad():
        next(other.parameters()).flatten()[3] += 1
    source, weights = source_of(model), weights_digest(model.state_dict())
    names = [
        folder_name(Plain(), source, weights, WORK),
        folder_name(Plain(), source, weights_digest(other.state_dict()), WORK),
        folder_name(Plain(name="plain:other"), source, weights, WORK),
        folder_name(Plain(), source + " ", weights, WORK),
        folder_name(Plain(), source, weights, Work.of(INPUTS, "float32", 2)),
        folder_name(Plain(), source, weights, Work.of(INPUTS, "bfloat16", 1)),
        folder_name(Plain(), source, weights, Work.of(NET.inputs(1))),
    ]
    assert len(names) == len(set(names))
    assert names[0] == folder_name(Plain(), source_of(NET.emitted()), weights_digest(NET.emitted().state_dict()), WORK)


def test_a_model_that_was_not_emitted_has_no_folder():
    with pytest.raises(TypeError, match="Identity was not made from emitted source"):
        source_of(nn.Identity())


def test_a_digest_is_of_names_shapes_and_values():
    states = [
        {"a": torch.zeros(2)},
        {"b": torch.zeros(2)},
        {"a": torch.ones(2)},
        {"a": torch.zeros(2, 1)},
        {"a": torch.zeros(2, dtype=torch.float64)},
        {"a": torch.tensor(0)},
        {"a": torch.empty(0, 2)},
        {"a": torch.empty(0, 3)},
    ]
    assert len(states) == len({weights_digest(state) for state in states})
    strided = torch.arange(6.0).reshape(2, 3).T
    assert weights_digest({"a": strided}) == weights_digest({"a": strided.contiguous()})


def put(root: Path, name: str, content: bytes = b"1") -> Path:
    (root / "making" / "made").mkdir(parents=True)
    (root / "making" / "made" / "model").write_bytes(content)
    keep(root / "making" / "made", PAGE_OF_NET, root / name)
    shutil.rmtree(root / "making")
    return root / name


@pytest.mark.parametrize("damage", ["page", "file", "gone", "no page", "other page"])
def test_a_damaged_folder_is_none_and_is_replaced(damage: str, tmp_path: Path):
    folder = put(tmp_path, "kept")
    assert PAGE_OF_NET == kept(folder)
    match damage:
        case "page":
            (folder / PAGE).write_bytes(b"\xff{")
        case "file":
            (folder / "model").write_bytes(b"2")
        case "gone":
            (folder / "model").unlink()
        case "no page":
            (folder / PAGE).unlink()
        case _:
            (folder / PAGE).write_text(json.dumps([1]), encoding="utf-8")
    assert None is kept(folder)
    put(tmp_path, "kept")
    assert PAGE_OF_NET == kept(folder)
    assert b"1" == (folder / "model").read_bytes()


def test_a_whole_folder_stays(tmp_path: Path):
    put(tmp_path, "kept", b"first")
    assert b"first" == (put(tmp_path, "kept", b"second") / "model").read_bytes()


def test_the_least_used_makes_room(tmp_path: Path):
    for age, name in enumerate(("new", "middle", "old")):
        os.utime(put(tmp_path, name, b"x" * 1000), (1000 - age, 1000 - age))
    (tmp_path / "foreign").mkdir()
    make_room(tmp_path, 3000)
    assert ["foreign", "middle", "new"] == sorted(path.name for path in tmp_path.iterdir())
    make_room(tmp_path, 10)
    assert ["foreign", "new"] == sorted(path.name for path in tmp_path.iterdir())


def test_results_are_put_together_again():
    one = torch.ones(1)
    for results in (one, [one], (one, [one, (one,)]), []):
        form = as_written(json.loads(json.dumps(form_of(results))))
        assert results == put_together(form, iter(flattened(results)))
    with pytest.raises(TypeError, match="the model gives a dict"):
        form_of({"a": one})
    for written in ([], ["set", "tensor"], {"a": 1}, 3):
        with pytest.raises(ValueError, match="no form of results"):
            as_written(written)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("no such op\nmore", "ValueError: no such op"),
        ("\n  ===\nException from src/a.cpp:1:\nno such op", "ValueError: no such op"),
        ("", "ValueError"),
    ],
)
def test_the_telling_line_is_found(message: str, expected: str):
    assert expected == telling_line(ValueError(message))
