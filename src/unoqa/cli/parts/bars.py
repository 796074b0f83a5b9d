"""Progress bars on stderr."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from unoqa.core.progress import NoProgress, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Task


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


def make_progress(*, quiet: bool) -> Progress:
    """Return progress bars if stderr is a terminal and `quiet` is off, else a progress that shows nothing."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()  # None where a service has closed it
    return Bars() if is_terminal and not quiet else NoProgress()
