"""What holds for all tests: a cache folder of their own, and property tests that give the same answer each time."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Tensors of tests are small: a second thread would wait more than work, all the more where others work beside.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The machine's speed is no property of a program, and a failure must come back when the test is run again.
settings.register_profile("archdsl", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("archdsl")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's cache is neither read nor written; subprocesses inherit this."""
    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o700)
    before = os.environ.get("ARCHDSL_CACHE")
    os.environ["ARCHDSL_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["ARCHDSL_CACHE"]
    else:
        os.environ["ARCHDSL_CACHE"] = before


@pytest.fixture
def one_thread() -> Iterator[None]:
    """PyTorch computes in one thread, which gives the same numbers everywhere."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-cases", action="store_true", help="write what is printed now into tests/cases")
    parser.addoption("--update-emitted", action="store_true", help="write what is emitted now into tests/data/emitted")
