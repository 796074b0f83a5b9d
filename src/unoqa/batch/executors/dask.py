"""Workers of Dask Distributed, on this machine or on others (extra `cluster`)."""

from __future__ import annotations

import uuid
from collections import deque
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from pydantic import Field

from unoqa.batch.executors.parts.assessing import Delivery, Job, Order, assess_images, lack_models, pack_models
from unoqa.batch.executors.parts.cluster import KILLED, connect
from unoqa.batch.executors.parts.contract import Executor
from unoqa.batch.executors.parts.encoding import (
    EncodingJob,
    EncodingOrder,
    encode_images,
    pack_encoders,
    read_grids,
)
from unoqa.batch.worker import write_overlay
from unoqa.core.assessment import Failure
from unoqa.core.errors import ImageError, UsageError
from unoqa.core.parallel import map_in_order
from unoqa.core.settings import settings
from unoqa.grader.cached_features import Encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from unoqa.batch.executors.parts.cluster import Cluster
    from unoqa.batch.worker import Task, Worker
    from unoqa.core.assessment import Assessment
    from unoqa.grader.cached_features import Unencoded
    from unoqa.grader.open_encoders import OpenEncoders
    from unoqa.grader.source import LazyImage


@final
@settings
class Dask(Executor):
    """Workers of Dask Distributed, on this machine or on others (extra `cluster`).

    They must have the same versions as the driver. To assess images they must see them by the same paths; images to
    encode are read by the driver and sent as numbers. The driver alone writes the record and the features.
    """

    scheduler: Annotated[
        str, Field(description="address such as tcp://HOST:8786, or local:N for N workers on this machine")
    ] = "local:2"

    @contextmanager
    def map(self, worker: Worker, tasks: Sequence[Task]) -> Iterator[Iterator[Assessment | Failure | None]]:
        """Assess images on workers of the scheduler.

        Raises:
            UsageError: Dask is missing, the scheduler cannot be reached, or a worker is not as the run needs it.
        """
        if not worker.models.folders or any(not task.image.path for task in tasks):
            raise UsageError("Other processes read images and models from files; grade images in memory with threads.")
        if not tasks:
            yield iter(())
            return
        with (
            connect(self.scheduler) as cluster,
            _make_probe(tasks) as probe,
            closing(_assess(cluster, worker, tasks, probe)) as results,
        ):
            yield results

    @contextmanager
    def encode(
        self,
        encoders: OpenEncoders,
        images: Iterable[LazyImage],
        prepare: Callable[[LazyImage], Unencoded | Failure],
    ) -> Iterator[Iterator[Encoded | Failure]]:
        """Encode images on workers of the scheduler; threads of this process read them.

        Raises:
            UsageError: as `map`.
        """
        with (
            connect(self.scheduler) as cluster,
            map_in_order(prepare, images) as prepared,
            closing(_encode(cluster, encoders, prepared)) as results,
        ):
            yield results


@contextmanager
def _make_probe(tasks: Sequence[Task]) -> Iterator[Path]:
    """Yield a file in the results folder, by which workers tell whether they see the folder."""
    heat = next((task.heat for task in tasks if task.heat is not None), None)
    if heat is None:
        yield Path("no overlays")
        return
    folder = next(one for one in heat.absolute().parents if one.is_dir())
    probe = folder / f".{uuid.uuid4().hex[:16]}.{uuid.uuid4().hex}.part"
    probe.touch()
    try:
        yield probe
    finally:
        probe.unlink(missing_ok=True)


def _assess(
    cluster: Cluster, worker: Worker, tasks: Sequence[Task], probe: Path
) -> Generator[Assessment | Failure | None]:
    """Yield what became of each image, in their order; workers that do not see the models are sent them."""
    job = Job.of(worker, probe)
    lacking = any(cluster.ask(lack_models, job.models).values())
    bundle = pack_models(worker.models.folders) if lacking else None
    answers = cluster.run(map(Order.of, tasks), assess_images, job, bundle)
    for task, delivery in zip(tasks, answers, strict=True):
        yield _fail_killed(task.image) if delivery is None else _accept(worker, task, delivery)


def _accept(worker: Worker, task: Task, delivery: Delivery) -> Assessment | Failure | None:
    """Return the result of a delivery, with what may be kept of a person; write the overlay that came with it."""
    if delivery.missing:
        if Path(task.image.path).exists():
            raise UsageError(
                f"A worker does not see {task.image.path}; give it the same folder of images, at the same path."
            )
        return worker(task)
    if delivery.overlay is not None and task.heat is not None:
        write_overlay(task.heat, delivery.overlay)
    result = delivery.result
    return None if result is None else replace(result, facts=worker.privacy.clean(result.facts))


def _encode(
    cluster: Cluster, encoders: OpenEncoders, prepared: Iterable[Unencoded | Failure]
) -> Generator[Encoded | Failure]:
    """Yield the features of each image, in their order."""
    under_way: deque[Unencoded | Failure] = deque()

    def send() -> Iterator[EncodingOrder]:
        for image in prepared:
            under_way.append(image)
            yield EncodingOrder.of(image)

    for answer in cluster.run(send(), encode_images, EncodingJob.of(encoders), pack_encoders(encoders)):
        image = under_way.popleft()
        if isinstance(image, Failure):
            yield image
        elif answer is None:
            yield _fail_killed(image.image)
        else:
            yield Encoded(image.digest, dict(zip(image.cores, map(read_grids, answer), strict=True)))


def _fail_killed(image: LazyImage) -> Failure:
    sentence = (
        f"{image.name} ended each process that read it; look whether the file is damaged, or its memory too small."
    )
    return image.fail(ImageError(KILLED, sentence))
