"""Runs a function in a process of its own: what one model leaves behind, or an engine that ends its process, does not
reach the next."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tests.bench.kernels.rows import Row

ROOT: Final = Path(__file__).parents[3]
PATIENCE: Final = 1800.0
"""Seconds that a row may take."""


def apart(function: str, threads: int = 1, environment: dict[str, str] | None = None, **arguments: Any) -> Row:
    """The row that `module:function` gives for these arguments; one with its `failed` if it gave none."""
    paths = [str(ROOT), str(ROOT / "compiler"), os.environ.get("PYTHONPATH", "")]
    around = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        **(environment or {}),
    }
    command = [sys.executable, "-m", "tests.bench.kernels.apart", function, json.dumps(arguments)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=around, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return {"failed": f"it took more than {PATIENCE:g} seconds"}
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return {"failed": f"the process ended with {done.returncode}"}
    return json.loads(lines[-1])


def main() -> None:
    function, arguments = sys.argv[1:]
    module, _, name = function.partition(":")
    print("\n" + json.dumps(getattr(import_module(module), name)(**json.loads(arguments))))


if __name__ == "__main__":
    main()
