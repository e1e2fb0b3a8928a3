"""This process as the driver of a Ray cluster. The one module that imports Ray."""

import logging
import os
import signal
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from archdsl.diagnostics.record import UsageError
from archdsl.search.workers.ray_address import check_address
from archdsl.search.workers.ray_words import AUTO, LOCAL, why_not_connected

Note = Callable[[str], None]
"""Takes what there is to say to people."""

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # of a cluster that we start
os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "5")  # seconds until a cluster that refuses us has done so
try:
    ray: Any = import_module("ray")
    exceptions: Any = import_module("ray.exceptions")
except ModuleNotFoundError as _missing:
    if _missing.name != "ray":
        raise
    raise UsageError("Ray is not installed: pip install 'archdsl[ray]'") from None


def connected(address: str | None, note: Note) -> bool:
    """Connect this process to a cluster; whether it was not connected before."""
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    if ray.is_initialized():
        here: str = ray.get_runtime_context().gcs_address
        if address not in (None, AUTO, LOCAL, here):
            told = f"this process is connected to the Ray cluster at {here}"
            raise UsageError(f"{told}, not to {address}: call ray.shutdown() first")
        return False
    named = _running() if address in (None, AUTO) else address
    if named is None and address == AUTO:
        raise UsageError("no Ray cluster runs on this machine: start one with `ray start --head`, or use --ray local")
    if named is None:
        note("no Ray cluster runs on this machine: one is started for this search")
    elif named != LOCAL:
        check_address(named)
    where = {"address": LOCAL, "include_dashboard": False} if named in (None, LOCAL) else {"address": named}
    handler = signal.getsignal(signal.SIGTERM)
    # It tells of lost workers on standard output, which is the command's; what matters we tell.
    printing: Any = import_module("ray._private.worker")
    printing.print_to_stdstream = _print_nothing
    try:
        ray.init(**where, log_to_driver=False, logging_level=logging.CRITICAL)
    except BaseException as error:
        ray.shutdown()
        if not isinstance(error, Exception):
            raise
        raise UsageError(why_not_connected(named, error)) from error
    finally:
        _restore(handler)
    return True


def _running() -> str | None:
    """The address of the cluster that is taken when none is named. Ray remembers one that has ended, and would wait for
    it."""
    named = os.environ.get("RAY_ADDRESS")
    if named:
        return named
    try:
        found: str | None = import_module("ray._private.services").canonicalize_bootstrap_address(AUTO)
        if found is not None:
            check_address(found)
    except (ConnectionError, UsageError):
        return None
    return found


def _restore(handler: object) -> None:
    """Ray takes SIGTERM for itself; it is the search's."""
    try:
        signal.signal(signal.SIGTERM, cast(Any, handler))
    except (ValueError, TypeError):
        pass  # not the main thread, or a handler that was not set by Python


def _print_nothing(data: object, ignore_prefix: bool = False) -> None:
    """In the place of what prints lines of the cluster."""
