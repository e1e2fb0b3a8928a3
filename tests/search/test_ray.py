"""Ray as the executor: what its workers do that processes of one machine need not."""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from archdsl.diagnostics.record import UsageError
from archdsl.parts import Part, default_part
from archdsl.search.contract import Work
from archdsl.search.workers.contract import Equipment, Finished, Job
from archdsl.search.workers.ray_address import check_address
from archdsl.search.workers.ray_words import needs_of, room_on
from tests.search.conftest import STORE
from tests.search.fakes import fake
from tests.search.small_search import run_small, write_small

WALK = Path(__file__).parents[2] / "examples" / "ray_cluster"
PATIENCE = 120.0
"""Seconds that a busy machine may take for what takes a few."""


@contextmanager
def opened(cluster: Any, evaluator: Part, notes: list[str] | None = None, **settings: object) -> Iterator[Any]:
    from archdsl.search.workers.ray_cluster import open_workers

    executor = default_part("executor", "ray", **settings)
    equipment = Equipment((evaluator,), paths=tuple(sys.path))
    workers = open_workers(executor, equipment, cluster.address, [].append if notes is None else notes.append)
    try:
        yield workers
    finally:
        workers.close()


def job(number: int, evaluator: Part, a: int = 0) -> Job:
    return Job(number, Work("", {"a": a, "b": 0}, evaluator, (), number))


def all_of(workers: Any, count: int) -> list[Finished]:
    found: list[Finished] = []
    deadline = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < deadline:
        found += workers.poll(1.0)
    return sorted(found, key=lambda each: each.job)


def alive() -> list[Any]:
    from archdsl.search.workers.ray_connection import ray

    return [node for node in ray.nodes() if node["Alive"]]


def besides_waiting(notes: list[str]) -> list[str]:
    """A machine that is busy makes us wait."""
    return [note for note in notes if not note.startswith("waiting")]


def until(true: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_a_job_that_takes_too_long_fails_and_its_worker_is_replaced(ray_cluster: Any):
    evaluator = fake(seconds=60.0)
    with opened(ray_cluster, evaluator, workers=1, timeout=1.0) as workers:
        workers.submit(job(0, evaluator))
        (late,) = all_of(workers, 1)
        workers.submit(Job(1, job(1, evaluator).work, spent=2.0))
        (spent,) = all_of(workers, 1)
        workers.submit(job(2, fake()))
        (after,) = all_of(workers, 1)
    assert "it took longer than the 1 s that the executor's `timeout` allows" == late.failure == spent.failure
    assert after.result


@pytest.mark.slow
def test_a_node_that_goes_costs_no_job_and_one_that_comes_is_used(ray_cluster: Any):
    notes: list[str] = []
    evaluator = fake(seconds=3.0)
    second = ray_cluster.add_node(num_cpus=1, object_store_memory=STORE, resources={"second": 1})
    try:
        with opened(ray_cluster, evaluator, notes, workers=3) as workers:
            assert 3 == workers.count
            for number in range(3):
                workers.submit(job(number, evaluator, number))
            assert [] == list(workers.poll(0.2))
            ray_cluster.remove_node(second, allow_graceful=False)
            found = all_of(workers, 3)
            assert [0, 1, 2] == [each.job for each in found]
            assert [0.0, 7.0, 14.0] == [each.result and each.result.metrics["good"] for each in found]
            assert 2 == workers.count
            second = ray_cluster.add_node(num_cpus=1, object_store_memory=STORE, resources={"second": 1})
            until(lambda: not workers.poll(0.1) and workers.count == 3)
            for number in range(3, 6):
                workers.submit(job(number, evaluator))
            assert 3 == len({each.worker for each in all_of(workers, 3)})
    finally:
        if second in ray_cluster.worker_nodes:
            ray_cluster.remove_node(second)
        until(lambda: 1 == len(alive()))
    assert [] == besides_waiting(notes)


@pytest.mark.slow
def test_a_worker_of_its_own_is_reserved_for_measuring_time(
    ray_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_evaluator(tmp_path, "timed", 'PLACE = "alone"')
    monkeypatch.syspath_prepend(str(tmp_path))
    evaluator, notes = Part("ray_fakes.timed", {}), list[str]()
    with opened(ray_cluster, evaluator, notes, workers=4) as workers:
        assert 1 == workers.count
        for number in range(4):
            workers.submit(Job(number, job(number, evaluator).work, "alone" if number % 2 else "anywhere"))
        first, second, third, fourth = (each.worker for each in all_of(workers, 4))
    assert first == third != second == fourth
    assert ["the Ray cluster has room for 1 of 4 workers; others begin when nodes join"] == besides_waiting(notes)


@pytest.mark.slow
def test_what_jobs_share_is_put_once_and_received_once_by_each_worker(
    ray_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_evaluator(
        tmp_path,
        "sharing",
        """
        LOADED, RECEIVED = [], {}

        def shared(work):
            return {"data": lambda: LOADED.append(1) or b"x" * 1_000_000}

        def receive(name, content):
            RECEIVED[name] = RECEIVED.get(name, 0) + len(content)

        def evaluate(work, report):
            return Result({"received": RECEIVED["data"], "loaded": len(LOADED), "threads": work.threads})
        """,
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    evaluator = Part("ray_fakes.sharing", {})
    with opened(ray_cluster, evaluator, workers=1, cpus=2.0) as workers:
        for number in range(4):
            workers.submit(job(number, evaluator))
            (found,) = all_of(workers, 1)
            assert found.result, found
            assert {"received": 1_000_000, "loaded": 0, "threads": 2} == found.result.metrics
    assert [1] == import_module("ray_fakes.sharing").LOADED


@pytest.mark.slow
def test_what_the_cluster_cannot_hold_is_said_at_once(ray_cluster: Any):
    begun = time.monotonic()
    with (
        pytest.raises(UsageError, match=r"a trial needs 64 cores, 2 GPUs; its one node has 2 cores, 0 GPUs, "),
        opened(ray_cluster, fake(), workers=1, cpus=64.0, gpus=2.0),
    ):
        pass
    assert time.monotonic() - begun < 10


@pytest.mark.slow
def test_a_driver_that_is_interrupted_leaves_no_task_and_the_cluster(ray_cluster: Any, tmp_path: Path):
    from archdsl.search.workers.ray_connection import ray

    script = f"""
        import sys
        from archdsl.parts import default_part
        from archdsl.search.contract import Part, Work
        from archdsl.search.workers.contract import Equipment, Job
        from archdsl.search.workers.ray_cluster import open_workers

        sys.path.insert(0, {str(tmp_path)!r})
        evaluator = Part("ray_fakes.sleeping", {{}})
        workers = open_workers(
            default_part("executor", "ray", workers=2), Equipment((evaluator,), paths=tuple(sys.path)), "auto"
        )
        try:
            for number in range(2):
                workers.submit(Job(number, Work("", {{}}, evaluator, (), 0)))
            print("begun", flush=True)
            while True:
                workers.poll(60)
        finally:
            workers.close()
    """
    write_evaluator(tmp_path, "sleeping", f"{tmp_path = }".replace("PosixPath", "Path"), SLEEPING)
    driver = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "RAY_ADDRESS": ray_cluster.address},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert driver.stdout
    with driver:
        assert "begun\n" == driver.stdout.readline()
        until(lambda: 2 == len(list(tmp_path.glob("*.pid"))))
        begun = time.monotonic()
        os.killpg(driver.pid, signal.SIGINT)
        driver.wait(PATIENCE)
        assert "" == driver.stdout.read()
    assert time.monotonic() - begun < 20
    pids = [int(path.stem) for path in tmp_path.glob("*.pid")]
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert 1 == len(alive())
    until(lambda: ray.available_resources().get("CPU") == 2)


@pytest.mark.slow
def test_the_walk_with_a_second_node(ray_cluster: Any, tmp_path: Path):
    text = (WALK / "README.md").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("archdsl search ")]
    shutil.copytree(WALK, tmp_path / "walk")
    second = ray_cluster.add_node(num_cpus=1, object_store_memory=STORE)
    try:
        done = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(line), "--trials", "6", "--set", "epochs=1"],
            env={**os.environ, "RAY_ADDRESS": ray_cluster.address},
            cwd=tmp_path / "walk",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with done:
            trials = tmp_path / "walk" / "found" / "trials.jsonl"
            until(lambda: (trials.exists() and trials.read_bytes()) or done.poll() is not None)
            ray_cluster.remove_node(second, allow_graceful=False)
            printed, _ = done.communicate(timeout=2 * PATIENCE)
        assert 0 == done.returncode, printed
    finally:
        if second in ray_cluster.worker_nodes:
            ray_cluster.remove_node(second)
        until(lambda: 1 == len(alive()))
    assert "6 trials (6 complete) in" in printed, printed
    numbers = [json.loads(line)["number"] for line in trials.read_text(encoding="utf-8").splitlines()]
    assert list(range(6)) == numbers


def test_wrong_addresses_are_told_within_seconds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("archdsl.search.workers.ray_address.PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        silent = f"127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(UsageError, match=f"what answers at {silent} is not Ray; its port"):
            check_address(silent)
        deaf.accept()[0].close()
        answering = threading.Thread(target=greet, args=(deaf,), daemon=True)
        answering.start()
        with pytest.raises(UsageError, match="is not Ray"):
            check_address(silent)
        answering.join(10)
    with pytest.raises(UsageError, match=f"no Ray cluster at {silent}: .*refused; is `ray start --head` running"):
        check_address(silent)
    for wrong in ("here", "host:", "host:port", ":6379", "host:99999"):
        with pytest.raises(UsageError, match=f"`{wrong}` is no address of a Ray cluster: write host:port"):
            check_address(wrong)


def test_a_search_whose_cluster_is_not_there_says_so_and_can_be_begun_again(tmp_path: Path):
    path = write_small(tmp_path)
    begun = time.monotonic()
    with pytest.raises(UsageError, match=r"no Ray cluster at 127\.0\.0\.1:1: .*refused"):
        run_small(path, tmp_path / "out", ray="127.0.0.1:1")
    assert time.monotonic() - begun < 30
    assert 2 == len(run_small(path, tmp_path / "out", trials=2).trials)


def test_without_ray_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "archdsl.search.workers.ray_connection", raising=False)
    with pytest.raises(UsageError, match=r"Ray is not installed: pip install 'archdsl\[ray\]'"):
        import_module("archdsl.search.workers.ray_connection")


def test_room_is_counted_by_node():
    needs = needs_of(default_part("executor", "ray", workers=8, cpus=3.0, gpus=0.5, memory=2.0**30))
    node = {"CPU": 8.0, "GPU": 1.0, "memory": 8.0 * 2**30}
    assert 2 == room_on([node], needs, 8, False)
    assert 1 == room_on([node], needs, 8, True)
    assert 3 == room_on([node, node], needs, 8, True)
    assert 8 == room_on([node] * 9, needs, 8, True)
    assert 5 == room_on([{"CPU": 1.0}], {}, 5, False)
    with pytest.raises(UsageError, match=r"needs 3 cores, 0.5 GPUs, 1 GiB; its 2 nodes have 8 cores, 0 GPUs, 8 GiB; 2"):
        room_on([{**node, "GPU": 0.0}, {"CPU": 2.0, "GPU": 4.0}], needs, 1, False)
    with pytest.raises(UsageError, match="and latency is measured on a worker of its own; its one node has 3 cores"):
        room_on([{**node, "CPU": 3.0}], needs, 1, True)


def greet(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"SSH-2.0-OpenSSH")


SLEEPING = """
    def evaluate(work, report):
        (tmp_path / f"{os.getpid()}.pid").touch()
        time.sleep(600)
"""
PLAIN = """
    def evaluate(work, report):
        return Result({})
"""


def write_evaluator(folder: Path, name: str, *more: str) -> None:
    """The module `ray_fakes.NAME`, which is an evaluator."""
    head = """
        import os, time
        from pathlib import Path
        from archdsl.search.contract import Result

        PLACE, READS_ARCHITECTURE = "anywhere", False
    """
    text = "\n".join(map(textwrap.dedent, (head, PLAIN, *more)))
    package = folder / "ray_fakes"
    package.mkdir(exist_ok=True)
    (package / f"{name}.py").write_text(text, encoding="utf-8")
