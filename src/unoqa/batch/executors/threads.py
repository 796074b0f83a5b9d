"""This machine's threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, final

from unoqa.batch.executors.parts.contract import Executor
from unoqa.core.parallel import map_in_order
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

Item = TypeVar("Item")
Result = TypeVar("Result")


@final
@settings
class Threads(Executor):
    """As many images side by side as torch has threads, each image on one thread."""

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> AbstractContextManager[Iterator[Result]]:
        """Apply the function in threads of this process."""
        return map_in_order(function, items)
