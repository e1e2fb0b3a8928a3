"""The contract of data sources, held against every one of them; and what is said when data is missing or wrong."""

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image

from archdsl.meaning.catalogue.registry import family
from archdsl.parts import Part
from archdsl.train.data.contract import UnusableData, Wanted
from archdsl.train.data.prepared import Prepared, evenly, prepare
from archdsl.train.data.registry import SOURCES as REGISTERED
from archdsl.train.data.registry import load_data
from tests.train.sources import SOURCES, WANTED, stand_in_libraries


@pytest.fixture(params=list(SOURCES))
def part(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Part:
    if request.param == "hf":
        stand_in_libraries(monkeypatch)
    return SOURCES[request.param](tmp_path)


@pytest.fixture
def data(part: Part) -> Prepared:
    return prepare(part, WANTED, validation=0.25)


def test_every_source_of_the_language_is_there_and_tested():
    assert set(family("data")) | {"extern"} == set(REGISTERED) == set(SOURCES)


def test_pictures_have_the_size_that_is_promised(data: Prepared):
    assert {"train", "validation", "test"} == set(data.splits)
    for split in data.splits.values():
        found = split.pictures(torch.arange(min(7, len(split.labels))))
        assert (torch.float32, (data.channels, *data.size)) == (found.dtype, tuple(found.shape[1:]))
        assert 0 <= float(found.min()) <= float(found.max()) <= 1


def test_labels_are_numbers_of_classes(data: Prepared):
    for split in data.splits.values():
        assert torch.int64 == split.labels.dtype
        assert 0 <= int(split.labels.min()) <= int(split.labels.max()) < len(data.classes)


def test_normalised_pictures_have_no_mean_and_unit_spread(data: Prepared):
    pictures = data.normalised(data.train.pictures(torch.arange(len(data.train.labels))))
    assert torch.allclose(torch.zeros(data.channels), pictures.mean((0, 2, 3)), atol=1e-3)
    assert torch.allclose(torch.ones(data.channels), pictures.std((0, 2, 3), correction=0), atol=1e-3)


def test_the_same_pictures_are_held_out_each_time(part: Part, data: Prepared):
    again = prepare(part, WANTED, validation=0.25)
    for name, split in data.splits.items():
        assert torch.equal(split.labels, again.splits[name].labels)


def test_a_summary_tells_what_was_done(data: Prepared):
    summary = json.loads(json.dumps(data.summary()))
    assert (data.channels, list(data.mean)) == (summary["channels"], summary["mean"])


def test_a_model_s_size_is_the_pictures_where_they_have_none(tmp_path: Path):
    part = SOURCES["image_folder"](tmp_path)
    found = load_data(part, Wanted(1, (4, 6)))
    assert (1, (4, 6), (5, 1, 4, 6)) == (found.channels, found.size, tuple(found.train.pictures(torch.arange(5)).shape))


def test_data_is_read_once_until_its_file_changes(tmp_path: Path):
    part = SOURCES["arrays"](tmp_path)
    first = load_data(part, WANTED)
    assert first is load_data(part, WANTED)
    SOURCES["arrays"](tmp_path)
    numpy.savez(tmp_path / "data.npz", images=numpy.zeros((4, 5, 5)), labels=numpy.arange(4))
    assert (5, 5) == load_data(part, WANTED).size


def test_splits_are_apart_and_have_their_share_of_every_class():
    data = prepare(Part("digits"), Wanted(1, (8, 8)), validation=0.2)
    assert (1150, 288, 359) == tuple(len(data.splits[name].labels) for name in ("train", "validation", "test"))
    shares = [data.splits[name].labels.bincount(minlength=10) / len(data.splits[name].labels) for name in data.splits]
    assert all(float((share - 0.1).abs().max()) < 0.02 for share in shares)
    pictures = torch.cat([split.pictures(torch.arange(len(split.labels))).flatten(1) for split in data.splits.values()])
    whole = load_data(Part("digits"), Wanted(1, (8, 8))).train.pictures(torch.arange(1797)).flatten(1)
    assert torch.equal(pictures.sum(0), whole.sum(0))


def test_fewer_training_pictures_leave_the_others_and_the_moments_alone():
    whole, some = (prepare(Part("digits"), Wanted(1, (8, 8)), samples=samples) for samples in (None, 100))
    assert (100, whole.mean) == (len(some.train.labels), some.mean)
    assert torch.equal(whole.splits["validation"].labels, some.splits["validation"].labels)


@pytest.mark.parametrize("count", [0, 1, 7, 50, 99])
def test_pictures_are_drawn_evenly_over_classes(count: int):
    labels = torch.tensor([0] * 50 + [1] * 30 + [2] * 10)
    taken, left = evenly(labels, count)
    assert sorted([*taken.tolist(), *left.tolist()]) == list(range(90))
    assert all(
        abs(int((labels[taken] == c).sum()) - min(count, 90) * n / 90) < 1 for c, n in ((0, 50), (1, 30), (2, 10))
    )


def test_without_validation_nothing_is_held_out_for_it():
    assert {"train", "test"} == set(prepare(Part("digits"), Wanted(1, (8, 8)), validation=0).splits)
    with pytest.raises(UnusableData, match="leaves no pictures"):
        prepare(Part("digits"), Wanted(1, (8, 8)), validation=1)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Part("fashion_mnist", {"path": "/nowhere"}), "apt-get install dataset-fashion-mnist"),
        (Part("cifar10", {"path": None}), r'fetch it from https.*cifar10\("FOLDER"\)'),
        (Part("cifar100", {"path": "/nowhere"}), "does not hold the files"),
        (Part("imagenet", {"path": None}), r'imagenet\("FOLDER"\)'),
        (Part("image_folder", {"path": "/nowhere"}), "is no folder"),
        (Part("arrays", {"path": "/nowhere.npz"}), "cannot be read as a NumPy archive"),
        (Part("hf", {"name": "a/b"}), "pip install datasets pillow"),
        (Part("extern", {"name": "f", "reference": "nowhere:f", "settings": {}}), "`nowhere:f` fails"),
        (Part("extern", {"name": "f", "reference": "not a name", "settings": {}}), "names nothing of Python"),
        (Part("extern", {"name": "f", "reference": "json:dumps", "settings": {"obj": 1}}), "it must give a pair"),
    ],
    ids=lambda value: value.name if isinstance(value, Part) else "",
)
def test_what_is_missing_is_said_with_what_to_do(part: Part, words: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UnusableData, match=words):
        load_data(part, WANTED)


def test_python_is_run_with_permission_only():
    with pytest.raises(UnusableData, match="--allow-extern"):
        load_data(SOURCES["extern"](Path()), Wanted(3, (8, 8)))


def test_pictures_that_take_pillow_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    SOURCES["image_folder"](tmp_path)
    (tmp_path / "train" / "class_0" / "x.jpg").write_bytes(b"")
    monkeypatch.setattr("archdsl.train.data.decoding.find_spec", lambda _name: None)
    with pytest.raises(UnusableData, match=r"pip install 'archdsl\[images\]'"):
        load_data(Part("image_folder", {"path": str(tmp_path)}), WANTED)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        ("fashion_mnist", lambda folder: cut_off(folder / "t10k-labels-idx1-ubyte"), "no sound idx file"),
        ("fashion_mnist", lambda folder: (folder / "t10k-labels-idx1-ubyte").unlink(), "cannot be read"),
        ("cifar10", lambda folder: cut_off(folder / "cifar-10-batches-bin" / "test_batch.bin"), "fetch it again"),
        ("cifar100", lambda folder: (folder / "train").write_bytes(pickle.dumps(Path)), "it would run"),
        ("arrays", lambda folder: numpy.savez(folder / "data.npz", x=numpy.zeros((3, 4, 4))), "has the arrays x"),
        ("arrays", lambda folder: numpy.savez(folder / "data.npz", x=numpy.zeros((3, 4, 4)), y=numpy.ones(3)), "whole"),
        ("arrays", lambda folder: numpy.savez(folder / "data.npz", x=numpy.zeros(3), y=numpy.arange(3)), "it needs"),
        (
            "arrays",
            lambda folder: numpy.savez(folder / "data.npz", x=numpy.full((2, 4, 4), numpy.nan), y=numpy.arange(2)),
            "no finite numbers",
        ),
        (
            "image_folder",
            lambda folder: (folder / "validation" / "class_0").rename(folder / "validation" / "x"),
            "lack",
        ),
    ],
)
def test_what_is_damaged_is_said(name: str, spoil: Callable[[Path], object], words: str, tmp_path: Path):
    part = SOURCES[name](tmp_path)
    spoil(tmp_path)
    with pytest.raises(UnusableData, match=words):
        load_data(part, WANTED)


@pytest.mark.parametrize("ending", ["png", "bmp"])
def test_pillow_and_our_own_reader_see_the_same(tmp_path: Path, ending: str):
    for number in range(2):
        home = tmp_path / f"class_{number}"
        home.mkdir()
        values = numpy.random.default_rng(number).integers(0, 256, (6, 8, 3), numpy.uint8)
        (home / "plain.ppm").write_bytes(b"P6 8 6 255\n" + values.tobytes())
        Image.fromarray(values).save(home / f"other.{ending}")
    found = load_data(Part("image_folder", {"path": str(tmp_path)}), Wanted(3, (6, 8))).train
    for first in (0, 2):
        other, plain = found.pictures(torch.tensor([first, first + 1]))
        assert torch.equal(other, plain)


def test_a_damaged_picture_is_named(tmp_path: Path):
    part = SOURCES["image_folder"](tmp_path)
    cut_off(tmp_path / "train" / "class_0" / "0.ppm")
    split = load_data(part, WANTED).train
    with pytest.raises(UnusableData, match=r"0\.ppm` cannot be read: it was cut off"):
        split.pictures(torch.arange(len(split.labels)))
