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
        """Write steps per second."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s")


@final
class Bars:
    """One bar a task, with count, rate and remaining time; a task within another stands below it."""

    def __init__(self) -> None:
        self._shown: RichProgress | None = None

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a bar until the task ends."""
        if self._shown is not None:
            bars = self._shown
            number = bars.add_task(title, total=total)
            try:
                yield lambda: bars.advance(number)
            finally:
                bars.remove_task(number)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
        )
        with RichProgress(*columns, console=Console(stderr=True)) as outer:
            self._shown = outer
            try:
                first = outer.add_task(title, total=total)
                yield lambda: outer.advance(first)
            finally:
                self._shown = None


def progress(*, quiet: bool) -> Progress:
    """Return bars where somebody looks: stderr is a terminal, and quiet is not wanted."""
    watched = sys.stderr is not None and sys.stderr.isatty()  # None where a service has closed it
    return Bars() if watched and not quiet else NoProgress()
