"""Finds the workers that an executor of the catalogue names."""

from collections.abc import Callable
from importlib import import_module
from typing import Final, Protocol, cast

from archdsl.parts import Part
from archdsl.search.workers.contract import Equipment, Workers

MODULES: Final = {"local": "local", "ray": "ray_cluster"}


class WorkersModule(Protocol):
    """What a module of workers has."""

    def open_workers(
        self, executor: Part, equipment: Equipment, address: str | None, note: Callable[[str], None]
    ) -> Workers:
        """Workers that are ready for jobs. Raises UsageError if there can be none: `address` leads nowhere. `note`
        takes what there is to say to people, also later."""
        ...


def workers_of(executor: Part, equipment: Equipment, address: str | None, note: Callable[[str], None]) -> Workers:
    """The workers that an executor asks for; `address` is that of a cluster."""
    module = cast(WorkersModule, import_module(f"archdsl.search.workers.{MODULES[executor.name]}"))
    return module.open_workers(executor, equipment, address, note)
