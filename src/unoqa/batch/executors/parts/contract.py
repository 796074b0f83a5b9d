"""What every executor must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor(ABC):
    """Settings of a way to share work."""

    @abstractmethod
    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> AbstractContextManager[Iterator[Result]]:
        """Apply a function to items; the context gives the results in the order of the items.

        Only a bounded number of results waits to be taken. When the context is left early, items not begun are dropped.
        """
