"""What was chosen for a model, and why: the page that `--explain-plan` prints and `--plan FILE` saves and pins."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from archdsl_compiler.engines.contract import Dtype


class _Page(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Candidate(_Page):
    """A kernel for a region in a mode. Without milliseconds it failed, for the reason given."""

    kernel: str
    mode: str
    milliseconds: float | None
    source: Literal["measured", "rule"]
    error: float | None = None
    failure: str | None = None


class RegionPlan(_Page):
    """Ops that are computed together, at the place of the first that has a label. `digest` names what they are; `why`
    is a sentence."""

    label: str
    ops: tuple[str, ...]
    kind: str
    digest: str
    mode: str
    kernel: str
    milliseconds: float
    why: str
    candidates: tuple[Candidate, ...]


class ConversionPlan(_Page):
    """A tensor that is brought from one form into another, behind the region at `label`."""

    label: str
    shape: tuple[int, ...]
    source: str
    goal: str
    milliseconds: float


class Plan(_Page):
    """`tuned` says how much of it was measured. `summed` is the sum over regions and conversions, `plan` and `eager`
    what whole models took; `refused` is why the plan is not used, if it is not. `error` is the largest difference to
    the model as it is, as a share of its largest result; `contenders` are the milliseconds of all whole models that
    were held against each other. A whole engine has no regions. A plan that is `recorded` runs as a CUDA graph."""

    version: Literal[1] = 1
    model: str
    engine: str
    device: str
    dtype: Dtype
    batch: int
    threads: int
    inputs: tuple[tuple[int, ...], ...]
    conditions: str
    tuned: Literal["measured", "partly", "untuned"]
    summed_milliseconds: float | None = None
    plan_milliseconds: float | None = None
    eager_milliseconds: float | None = None
    error: float | None = None
    refused: str | None = None
    contenders: dict[str, float] = {}
    recorded: bool = False
    notes: tuple[str, ...] = ()
    regions: tuple[RegionPlan, ...]
    conversions: tuple[ConversionPlan, ...]
