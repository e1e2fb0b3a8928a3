"""`archdsl.search(...)`: a search from Python."""

import shutil
import weakref
from pathlib import Path
from tempfile import mkdtemp

from archdsl.diagnostics.record import UsageError
from archdsl.search.front import Front, front_of
from archdsl.search.opening import Wanted
from archdsl.search.progress import screen_for
from archdsl.search.running import run_search
from archdsl.targets import TargetLike
from archdsl.times import seconds_of


def search(
    target: TargetLike,
    *,
    output: str | Path | None = None,
    trials: int | None = None,
    time: str | float | None = None,
    workers: int | None = None,
    ray: str | None = None,
    storage: str | None = None,
    seed: int | None = None,
    resume: bool = False,
    progress: bool = False,
    allow_extern: bool = False,
    **settings: object,
) -> Front:
    """Run the search of a target, `file.arch` or `file.arch:name`, and give its front. With `output` all is kept in
    that folder, and `resume` goes on there; without, in a temporary one that lasts as long as the front. `trials`
    counts all that have finished in the folder, `time` is that of this run ("8h", or seconds); `workers` run at a time,
    on this machine or, with `ray` as the address of a cluster, there. `settings` are those of the search. What is not
    given is as the declaration has it. Ctrl-C stops cleanly and raises KeyboardInterrupt; what had finished is
    kept."""
    folder = Path(mkdtemp(prefix="archdsl-search-") if output is None else output)
    seconds = time if time is None or isinstance(time, int | float) else seconds_of(time)
    wanted = Wanted(trials, seconds, workers, ray, seed, storage, resume, allow_extern, settings=settings)
    try:
        ended = run_search(target, folder, wanted, screen_for() if progress else None)
        if ended.reason == "hopeless":
            raise UsageError(f"the first {len(ended.trials)} trials all failed: {ended.failure}")
        if ended.reason == "stopped":
            kept = (
                "" if output is None else f"{len(ended.trials)} trials are kept in `{folder}`; go on with resume=True"
            )
            raise KeyboardInterrupt(kept)
    except BaseException:
        if output is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    front = front_of(ended, folder, allow_extern)
    if output is None:
        weakref.finalize(front, shutil.rmtree, folder, ignore_errors=True)
    return front
