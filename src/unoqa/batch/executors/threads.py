"""This machine's threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from unoqa.batch.executors.parts.contract import Executor
from unoqa.core.parallel import map_in_order
from unoqa.core.settings import settings
from unoqa.grader.cached_features import encode_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from unoqa.batch.worker import Task, Worker
    from unoqa.core.assessment import Assessment, Failure
    from unoqa.grader.cached_features import Encoded, Unencoded
    from unoqa.grader.open_encoders import OpenEncoders
    from unoqa.grader.source import LazyImage


@final
@settings
class Threads(Executor):
    """As many images side by side as torch has threads, each image on one thread."""

    def map(
        self, worker: Worker, tasks: Sequence[Task]
    ) -> AbstractContextManager[Iterator[Assessment | Failure | None]]:
        """Assess images in threads of this process."""
        return map_in_order(worker, tasks)

    def encode(
        self,
        encoders: OpenEncoders,
        images: Iterable[LazyImage],
        prepare: Callable[[LazyImage], Unencoded | Failure],
    ) -> AbstractContextManager[Iterator[Encoded | Failure]]:
        """Encode images in threads of this process."""
        return encode_here(encoders, images, prepare)
