"""Options of commands that compute: how many images at a time, and who shares them.

They stand apart from the others because they need torch, which takes seconds to import.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Annotated, Any

import typer

from unoqa.batch.executors import EXECUTORS, Executor
from unoqa.cli.parts.options import check_range
from unoqa.core.parallel import get_own_threads, set_own_threads
from unoqa.core.settings import build


def _check_threads(context: Any, value: int) -> int:  # noqa: ANN401 - typer vendors its own Context
    """Check the number of threads; when the command has ended, the number is again as it was."""
    context.call_on_close(partial(set_own_threads, get_own_threads()))
    return check_range(0, 4096)(value)


Threads = Annotated[
    int, typer.Option(callback=_check_threads, help="Images processed at the same time; 0: torch chooses.")
]
ExecutorName = Annotated[
    str, typer.Option("--executor", help="Who shares the work: threads of this machine, or dask.", metavar="WHO")
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Of dask: tcp://HOST:8786, or local:N for N workers of this machine.", show_default="local:2"),
]


def use_threads(threads: int) -> None:
    """Let the command use that many threads, at most one per processor; 0 leaves the number as it is."""
    if threads:
        set_own_threads(min(threads, os.cpu_count() or 1))


def make_executor(name: str, scheduler: str | None) -> Executor:
    """Return the executor that the options name.

    Raises:
        UsageError: there is no such executor, or it knows no scheduler.
    """
    settings = {} if scheduler is None else {"scheduler": scheduler}
    return build(EXECUTORS.load(name), settings, f"the executor {name}")
