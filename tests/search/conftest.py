"""A Ray cluster of this machine, started once for all tests of this folder that ask for it."""

import os
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

STORE = 100_000_000
"""Bytes of each node's object store."""


@pytest.fixture(scope="package")
def ray_cluster() -> Iterator[Any]:
    """One node with two cores, to which this process is connected. Others are added by those who want them."""
    before = dict(os.environ)
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32), RAY_USAGE_STATS_ENABLED="0")
    os.environ.pop("RAY_ADDRESS", None)
    from ray.cluster_utils import Cluster

    from archdsl.search.workers.ray_connection import connected, ray

    cluster: Any = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 2, "object_store_memory": STORE, "include_dashboard": False},
    )
    try:
        assert connected(cluster.address, print)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
        os.environ.clear()
        os.environ.update(before)
