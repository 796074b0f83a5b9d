"""How long work reports where it stands, without knowing who looks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, final, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


@runtime_checkable
class Progress(Protocol):
    """Something that shows tasks of a known length."""

    def task(self, title: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """Open a task; the callable that it gives is called once per finished step."""
        ...


@final
class NoProgress:
    """Shows nothing."""

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Open a task that nobody sees."""
        del title, total
        yield lambda: None
