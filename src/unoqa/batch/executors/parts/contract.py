"""What every executor must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from unoqa.batch.worker import Task, Worker
    from unoqa.core.assessment import Assessment, Failure
    from unoqa.grader.cached_features import Encoded, Unencoded
    from unoqa.grader.open_encoders import OpenEncoders
    from unoqa.grader.source import LazyImage


class Executor(ABC):
    """Settings of a way to share work."""

    @abstractmethod
    def map(
        self, worker: Worker, tasks: Sequence[Task]
    ) -> AbstractContextManager[Iterator[Assessment | Failure | None]]:
        """Assess images; the context gives what `worker(task)` gives of each, in the order of the tasks.

        Only a bounded number of results waits to be taken. When the context is left early, tasks not begun are dropped.
        """

    @abstractmethod
    def encode(
        self,
        encoders: OpenEncoders,
        images: Iterable[LazyImage],
        prepare: Callable[[LazyImage], Unencoded | Failure],
    ) -> AbstractContextManager[Iterator[Encoded | Failure]]:
        """Encode images, as `unoqa.grader.cached_features.EncodeImages` says; a fit gives the same bytes by each."""
