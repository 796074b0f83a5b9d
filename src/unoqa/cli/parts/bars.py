"""Progress bars on stderr."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from unoqa.core.progress import NoProgress, Progress
from unoqa.store.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.progress import Task

WRITE_SECONDS = 0.3
"""How often a file of progress is written, at most."""


@final
class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Return the steps per second."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s")


@final
class Bars:
    """One bar per task, with count, rate and remaining time; the bar of a task within a task is below it."""

    def __init__(self) -> None:
        self._display: RichProgress | None = None

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a bar until the task ends."""
        if self._display is not None:
            display = self._display
            inner = display.add_task(title, total=total)
            try:
                yield lambda: display.advance(inner)
            finally:
                display.remove_task(inner)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
        )
        with RichProgress(*columns, console=Console(stderr=True)) as display:
            self._display = display
            try:
                outer = display.add_task(title, total=total)
                yield lambda: display.advance(outer)
            finally:
                self._display = None


@final
class ProgressFile:
    """Writes how far a command is to a file, for programs that watch it.

    The file is a JSON list of the tasks that run, the outermost first, each with `title`, `done` and `total`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tasks: list[dict[str, Any]] = []
        self._written = 0.0

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a task until it ends."""
        task = {"title": title, "done": 0, "total": total}
        self._tasks.append(task)
        self._write()

        def step() -> None:
            task["done"] += 1  # type: ignore[operator]
            if time.monotonic() - self._written > WRITE_SECONDS:
                self._write()

        try:
            yield step
        finally:
            self._tasks.remove(task)
            self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        with suppress(OSError):  # a full disk is told by what the command itself writes
            write_text(self._path, json.dumps(self._tasks))


def make_progress(*, quiet: bool, file: Path | None = None) -> Progress:
    """Return progress bars if stderr is a terminal and `quiet` is off, else a progress that shows nothing.

    Args:
        file: where a program wants to read the progress instead.
    """
    if file is not None:
        return ProgressFile(file)
    is_terminal = sys.stderr is not None and sys.stderr.isatty()  # None where a service has closed it
    return Bars() if is_terminal and not quiet else NoProgress()
