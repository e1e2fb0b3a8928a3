"""What there is to say of Ray clusters: what a trial needs of them, whether they have it, why they cannot be used."""

import math
from collections.abc import Mapping, Sequence
from typing import cast

from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part
from archdsl.search.workers.ray_address import CLIENT

LOCAL, AUTO = "local", "auto"
CORES, GPUS, MEMORY = "CPU", "GPU", "memory"
"""What Ray calls the resources of nodes."""
UNITS = {CORES: (1, "cores"), GPUS: (1, "GPUs"), MEMORY: (1 << 30, "GiB")}


def needs_of(executor: Part) -> dict[str, float]:
    """What one trial holds of a node."""
    asked = {CORES: executor["cpus"], GPUS: executor["gpus"], MEMORY: executor["memory"]}
    return {name: cast(float, amount) for name, amount in asked.items() if amount}


def room_on(nodes: Sequence[Mapping[str, float]], needs: Mapping[str, float], workers: int, alone: bool) -> int:
    """How many of these workers the nodes have room for, beside a reserved one. Raises UsageError if it is none."""
    places = [
        math.floor(
            min((node.get(name, 0.0) / amount + 1e-9 for name, amount in needs.items()), default=workers + alone)
        )
        for node in nodes
    ]
    if sum(places) >= 1 + alone:
        return min(workers, sum(places) - alone)
    again = ", and latency is measured on a worker of its own" if alone and sum(places) else ""
    has = "; ".join(_shown({name: node.get(name, 0.0) for name in UNITS}) for node in nodes)
    nodes_have = "its one node has" if len(nodes) == 1 else f"its {len(nodes)} nodes have"
    raise UsageError(
        f"the Ray cluster has no room for this search: a trial needs {_shown(needs)}{again}; {nodes_have} {has}"
    )


def why_not_connected(address: str | None, error: BaseException) -> str:
    """A sentence for an attempt that failed."""
    told = f"{error} {error.__cause__ or ''}"
    if "InvalidAuthToken" in told or "RAY_AUTH" in told:
        return (
            f"the Ray cluster at {address} does not know us, its authentication token is not the one of this machine:"
            " set RAY_AUTH_MODE and RAY_AUTH_TOKEN as on its nodes"
        )
    if address is not None and address.startswith(CLIENT):
        return f"the Ray cluster at {address} cannot be reached: {last_line(error)}"
    what = (
        "no Ray cluster can be started here"
        if address in (None, LOCAL)
        else f"the Ray cluster at {address} cannot be used"
    )
    return f"{what}: {last_line(error)}"


def last_line(error: BaseException) -> str:
    """Of what Ray says, which carries a traceback of the other side."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" ^~\t")]
    return lines[-1] if lines else type(error).__name__


def _shown(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{amount / UNITS[name][0]:.3g} {UNITS[name][1]}" for name, amount in resources.items())
