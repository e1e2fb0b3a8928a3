"""The contract of augmentations, held against every one of them; and what each does."""

import pytest
import torch
from torch import Generator, Tensor

from archdsl.meaning.catalogue.registry import family
from archdsl.parts import Part, default_part
from archdsl.train.augmentations.contract import Batch
from archdsl.train.augmentations.registry import NAMES, augmentation


def batch(count: int = 12, side: int = 8) -> Batch:
    """Each picture has one value of its own everywhere, its number over the count."""
    values = torch.arange(count).view(-1, 1, 1, 1) / count
    return Batch(values.expand(count, 2, side, side).clone(), torch.eye(count))


def part(name: str, **settings: object) -> Part:
    always = {"probability": 1.0} if name in ("flip", "random_erasing", "patch_mixing") else {}
    return default_part("augmentation", name, **{**always, **settings})


def done(name: str, given: Batch, seed: int = 0, **settings: object) -> Batch:
    return augmentation([part(name, **settings)])(given, Generator().manual_seed(seed))


def noise(count: int = 12, height: int = 8, width: int = 8) -> Batch:
    images = torch.rand(count, 2, height, width, generator=Generator().manual_seed(1))
    return Batch(images, torch.eye(count))


def test_every_augmentation_of_the_language_is_there():
    assert set(family("augmentation")) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(12, 8, 8), (5, 9, 14), (1, 4, 4)])
def test_a_batch_stays_a_batch(name: str, shape: tuple[int, int, int]):
    given = noise(*shape)
    images, shares = given.images.clone(), given.shares.clone()
    for seed in range(5):
        found = done(name, given, seed)
        assert (given.images.shape, torch.float32) == (found.images.shape, found.images.dtype)
        assert 0 <= float(found.images.min()) <= float(found.images.max()) <= 1
        assert torch.allclose(torch.ones(shape[0]), found.shares.sum(1))
    assert torch.equal(images, given.images)
    assert torch.equal(shares, given.shares)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_come_from_the_generator_alone(name: str):
    state = torch.get_rng_state()
    often = {"probability": 0.5} if name == "flip" else {}
    found = [done(name, noise(), seed, **often) for seed in (3, 3, 4)]
    assert torch.equal(found[0].images, found[1].images)
    assert not torch.equal(found[0].images, found[2].images)
    assert torch.equal(state, torch.get_rng_state())


def test_a_list_is_done_in_order():
    parts = [part("flip"), part("random_crop")]
    numbers = Generator().manual_seed(0)
    expected = augmentation(parts[1:])(augmentation(parts[:1])(noise(), numbers), numbers)
    assert torch.equal(expected.images, augmentation(parts)(noise(), Generator().manual_seed(0)).images)


def test_of_several_that_mix_each_batch_gets_one():
    parts = [part("mixup", alpha=1.0), part("cutmix", alpha=1.0)]
    kinds: list[bool] = []
    for seed in range(40):
        found = augmentation(parts)(batch(), Generator().manual_seed(seed)).images
        kinds.append(all(len(picture.unique()) == 1 for picture in found))
        assert all(len(picture.unique()) <= 2 for picture in found)
    assert 10 < sum(kinds) < 35


def test_flip_mirrors_left_to_right():
    assert torch.equal(noise().images.flip(-1), done("flip", noise()).images)
    assert torch.equal(noise().images, done("flip", noise(), probability=0.0).images)


def test_random_crop_moves_and_pads_with_black():
    given = batch(side=6)
    found = done("random_crop", given, padding=2)
    for image, moved in zip(given.images[1:], found.images[1:], strict=True):
        assert set(moved.unique().tolist()) <= {0.0, float(image[0, 0, 0])}
        assert int((moved[0] > 0).sum()) >= 16
    assert torch.equal(given.images, done("random_crop", given, padding=0).images)


def test_random_resized_crop_stretches_a_part():
    one_value = done("random_resized_crop", batch()).images
    assert torch.allclose(batch().images, one_value, atol=1e-6)
    slope = Batch(torch.linspace(0, 1, 32).view(1, 1, 1, 32).expand(9, 1, 32, 32).clone(), torch.eye(9))
    found = done("random_resized_crop", slope, smallest=0.25).images[:, 0]
    rising = found[:, 16, -1] - found[:, 16, 0]
    assert bool(((rising > 0.4) & (rising <= 1)).all())
    assert torch.allclose(found[:, 0], found[:, 31], atol=1e-6)


def test_random_erasing_takes_one_rectangle():
    given = Batch(torch.full((40, 1, 20, 20), 2.0), torch.eye(40))
    erased = done("random_erasing", given).images != 2.0
    for picture in erased[:, 0]:
        rows, columns = picture.any(1).nonzero(), picture.any(0).nonzero()
        area = (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
        assert int(picture.sum()) == int(area)
        assert 1 <= int(area) <= 0.45 * 400


def blended(given: Batch, found: Batch) -> Tensor:
    """The value that each picture would have if it were blended as its shares are."""
    values = given.images[:, 0, 0, 0]
    return found.shares @ values


def test_mixup_blends_pictures_as_it_blends_labels():
    found = done("mixup", batch(), alpha=1.0)
    assert torch.allclose(blended(batch(), found), found.images.mean((1, 2, 3)), atol=1e-6)
    assert torch.allclose(found.images.amax((1, 2, 3)), found.images.amin((1, 2, 3)))


@pytest.mark.parametrize("name", ["cutmix", "patch_mixing"])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 14), (28, 28)])
def test_labels_follow_the_area_that_was_taken(name: str, height: int, width: int):
    values = torch.arange(12).view(-1, 1, 1, 1) / 12
    given = Batch(values.expand(12, 2, height, width).clone(), torch.eye(12))
    for seed in range(10):
        found = done(name, given, seed)
        assert torch.allclose(blended(given, found), found.images.mean((1, 2, 3)), atol=1e-5)
        assert all(set(picture.unique().tolist()) <= set(given.images.unique().tolist()) for picture in found.images)


def test_patch_mixing_takes_the_same_number_of_squares_from_each_picture():
    for seed in range(20):
        found = done("patch_mixing", batch(side=28), seed, grid=7, largest=0.7).images[:, 0]
        squares = found.view(12, 7, 4, 7, 4).permute(0, 1, 3, 2, 4).flatten(3)
        assert torch.equal(squares.amax(3), squares.amin(3))
        own = torch.arange(12).view(-1, 1, 1) / 12
        replaced = (squares.amax(3) != own).flatten(1).sum(1)
        partners = {int(count) for count in replaced if count}
        assert len(partners) <= 1
        assert all(count <= round(0.7 * 49) for count in partners)


def test_patch_mixing_of_nothing_changes_nothing():
    found = done("patch_mixing", noise(), largest=0.0)
    assert torch.equal(noise().images, found.images)
    assert torch.equal(torch.eye(12), found.shares)
