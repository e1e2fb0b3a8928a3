"""Our models beside timm's, in turn, in one process and on one thread: static profiles, building, running.

timm is never a dependency; where it is wanted, `pip install --no-deps timm` is enough: `stand_ins` declares what its
import needs beside torch. Without it ours are measured alone. A ratio is the median over pairs of runs that follow
each other, first ours and then timm's, then the other way round, so that a machine that others use disturbs both
alike; times are of the processor."""

import statistics
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, TypeAlias

import torch
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.meaning.program import Program
from archdsl.programs import packaged_program
from archdsl.zoo import homes
from tests.bench.measures import Measure, in_milliseconds
from tests.bench.stand_ins import stand_in
from tests.bench.timing import Times, timed

FAMILIES: Final = (
    "swin_tiny_patch4_window7_224",
    "convnext_tiny",
    "vit_tiny_patch16_224",
    "poolformer_s12",
    "caformer_s18",
    "efficientformer_l1",
    "efficientvit_m0",
    "mobilenetv2_100",
    "resnet18",
    "pvt_v2_b0",
)
"""One of each family, by the names that the zoo shares with timm."""

Create: TypeAlias = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Effort:
    """How many pairs of runs each ratio is taken of. Of running, so many as take the seconds, within the bounds."""

    profiles: int = 3
    builds: int = 5
    least_runs: int = 12
    most_runs: int = 60
    seconds: float = 8.0


EFFORT: Final = Effort()


@dataclass(frozen=True, slots=True)
class Paired:
    """Times of ours and of timm's, run by run; those of timm are none where it is not installed."""

    ours: Times
    theirs: Times | None

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        assert self.theirs is not None
        return statistics.median(a / b for a, b in zip(self.ours.processor, self.theirs.processor, strict=True))


Pairing: TypeAlias = Callable[[str], Paired]


def static_profiles(effort: Effort = EFFORT, families: tuple[str, ...] = FAMILIES) -> Iterator[Measure]:
    """What `archdsl.profile` takes, as a user meets it: the cache folder has the result. Cold is what it takes where
    nothing was kept, which is not promised."""
    yield from _faster("static profile, kept", families, lambda family: profiles(family, effort), 50.0)
    yield from _faster("static profile, cold", families, lambda family: profiles(family, effort, cold=True), None)


def building(effort: Effort = EFFORT, families: tuple[str, ...] = FAMILIES) -> Iterator[Measure]:
    """What `archdsl.build` takes for a model that the process has built before."""
    yield from _slower("build, warm", families, lambda family: builds(family, effort), 1.5)


def running(effort: Effort = EFFORT, families: tuple[str, ...] = FAMILIES) -> Iterator[Measure]:
    """What the built model takes for one picture."""
    yield from _slower("one picture", families, lambda family: runs(family, effort), 1.0)


BESIDE_TIMM: Final = (static_profiles, building, running)


def profiles(family: str, effort: Effort, *, cold: bool = False) -> Paired:
    """Params, multiply-accumulates and all rows, of a program that was loaded and forgot all; timm's needs the model,
    a picture and a run of it under FlopCounterMode. Of a model with a setting nothing is kept in the cache folder."""
    settings = {"classes": 1000} if cold else {}
    program, shape = packaged_program(homes()[family].module), input_shape(family)

    def ours() -> None:
        profile = archdsl.profile((Program(program.unit, program.limits), family), **settings)
        assert profile.modules[0].params == profile.params

    def theirs(create: Create) -> None:
        model = create(family).eval()
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            model(torch.zeros(shape))
        assert counter.get_total_flops() > 0

    ours()
    return in_turn(ours, theirs, effort.profiles)


def builds(family: str, effort: Effort) -> Paired:
    """A new model with new weights. Warm: the process has the program, the graph and the source of the model, and timm
    has imported its own."""
    archdsl.build(f"zoo:{family}")
    return in_turn(lambda: archdsl.build(f"zoo:{family}"), lambda create: create(family), effort.builds)


def runs(family: str, effort: Effort) -> Paired:
    """One picture through the model in evaluation mode, with the same weights in both."""
    create = timm()
    ours = archdsl.build(f"zoo:{family}").eval()
    theirs = None if create is None else create(family).eval()
    picture = torch.randn(1, *input_shape(family)[1:], generator=torch.Generator().manual_seed(0))
    if theirs is not None:
        ours.load_state_dict(theirs.state_dict())
    with torch.inference_mode():
        if theirs is not None:
            torch.testing.assert_close(ours(picture), theirs(picture), atol=1e-4, rtol=1e-3)
        once = max(timed(lambda: ours(picture), 3).median_processor, 1e-4)
        count = min(max(effort.least_runs, int(effort.seconds / 2 / once)), effort.most_runs)
        return in_turn(lambda: ours(picture), lambda _: theirs(picture) if theirs else None, count)


def in_turn(ours: Callable[[], object], theirs: Callable[[Create], object], count: int) -> Paired:
    """Both in turn; which comes first changes with each pair."""
    create = timm()
    if create is None:
        return Paired(timed(ours, count), None)
    works = (ours, partial(theirs, create))
    taken: tuple[list[Times], list[Times]] = ([], [])
    for number in range(count):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            taken[side].append(timed(works[side], 1))
    return Paired(*map(_joined, taken))


def _joined(times: Sequence[Times]) -> Times:
    return Times(tuple(t.wall[0] for t in times), tuple(t.processor[0] for t in times))


def input_shape(family: str) -> tuple[int, ...]:
    """The shape of one picture."""
    return archdsl.profile(f"zoo:{family}").inputs[0]


@cache
def timm() -> Create | None:
    """timm's function that makes a model, if timm is installed."""
    if find_spec("timm") is None:
        return None
    stand_in()
    return import_module("timm").create_model


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _faster(what: str, families: tuple[str, ...], paired: Pairing, at_least: float | None) -> Iterator[Measure]:
    """A row for each family, then how many times faster ours is in the geometric mean."""
    ratios = yield from _rows(what, families, paired)
    if ratios:
        yield Measure(f"{what}, mean", 1 / statistics.geometric_mean(ratios), "x faster", at_least=at_least)


def _slower(what: str, families: tuple[str, ...], paired: Pairing, at_most: float) -> Iterator[Measure]:
    """A row for each family, then how many times timm's time ours takes in the geometric mean."""
    ratios = yield from _rows(what, families, paired)
    if ratios:
        yield Measure(f"{what}, mean", statistics.geometric_mean(ratios), "of timm", at_most=at_most)


def _rows(what: str, families: tuple[str, ...], paired: Pairing) -> Generator[Measure, None, list[float]]:
    """A row for each family as soon as it is measured; the ratios, where there is timm."""
    ratios: list[float] = []
    for family in families:
        with _one_thread():
            pair = paired(family)
        beside: dict[str, float] = {}
        if pair.theirs is not None:
            ratios.append(pair.ratio)
            beside = {"timm": pair.theirs.median_processor * 1e3, "ratio": pair.ratio}
        yield in_milliseconds(f"{what}, {family}", pair.ours, **beside)
    return ratios
