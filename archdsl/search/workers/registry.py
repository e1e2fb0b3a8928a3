"""Finds the workers that an executor of the catalogue names."""

from importlib import import_module
from typing import Protocol, cast

from archdsl.parts import Part
from archdsl.search.workers.contract import Equipment, Workers


class WorkersModule(Protocol):
    """What a module of workers has."""

    def open_workers(self, executor: Part, equipment: Equipment, address: str | None) -> Workers:
        """Workers that are ready for jobs. Raises UsageError if there can be none: `address` leads nowhere."""
        ...


def workers_of(executor: Part, equipment: Equipment, address: str | None = None) -> Workers:
    """The workers that an executor asks for; `address` is that of a cluster."""
    module = cast(WorkersModule, import_module(f"archdsl.search.workers.{executor.name}"))
    return module.open_workers(executor, equipment, address)
