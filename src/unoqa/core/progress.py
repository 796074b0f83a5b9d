"""How long computations report their progress, without knowing how it is shown."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, final, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


@runtime_checkable
class Progress(Protocol):
    """A display of tasks of a known length."""

    def task(self, title: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """Open a task of `total` steps; call what it gives once per finished step."""
        ...


@final
class NoProgress:
    """Shows no progress."""

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Open a task that is not shown."""
        del title, total
        yield lambda: None


def ignore(sentence: str) -> None:
    """Take a sentence for the user, and tell it to nobody."""
    del sentence
