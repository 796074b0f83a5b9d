"""Workers of Dask Distributed, on this machine or on others (extra `cluster`)."""

from __future__ import annotations

import logging
import uuid
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from pydantic import Field

from unoqa.batch.executors.parts.contract import Executor
from unoqa.batch.executors.parts.remote import (
    Delivery,
    Job,
    Order,
    Refusal,
    assess_images,
    compare_versions,
    find_missing_models,
    pack_models,
)
from unoqa.batch.worker import write_overlay
from unoqa.core.errors import ImageError, UsageError
from unoqa.core.settings import settings
from unoqa.grader.open_encoders import library_versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from distributed import Client, Future, LocalCluster

    from unoqa.batch.worker import Task, Worker
    from unoqa.core.assessment import Assessment, Failure

PARTITION = 4
"""Images that are sent to a worker at a time."""

AHEAD = 2
"""Partitions per thread of the workers that are under way: enough to keep all busy, few enough to keep memory flat."""

PATIENCE = 60
"""Seconds to wait for the scheduler and for the first worker."""

KILLED = "worker-killed"
"""Code of an image that ended each process that read it."""

LOCAL = "local:"
"""What the address of workers begins with that are started on this machine for one run."""


@final
@settings
class Dask(Executor):
    """Workers of Dask Distributed, on this machine or on others (extra `cluster`).

    They must have the same versions as the driver and see the images by the same paths. The driver alone writes the
    record.
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
        with ExitStack() as stack:
            client = stack.enter_context(_connect(self.scheduler))
            probe = stack.enter_context(_make_probe(tasks))
            yield _Cluster(client, worker, probe, self.scheduler).assess(tasks)


@contextmanager
def _connect(address: str) -> Iterator[Client]:
    """Connect to a scheduler, or to one that is started for the run."""
    try:
        from distributed import Client  # noqa: PLC0415 - of an extra, and takes a second
    except ImportError:
        raise UsageError("The executor dask needs Dask Distributed: pip install 'unoqa[cluster]'.") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it logs is said in sentences of ours
    with ExitStack() as stack:
        try:
            where = stack.enter_context(_start_local(address)) if address.startswith(LOCAL) else address
            client = stack.enter_context(Client(where, timeout=PATIENCE, set_as_default=False))
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, ValueError, RuntimeError) as error:  # TimeoutError is an OSError
            raise UsageError(
                f"The scheduler {address} cannot be reached or has no workers ({error}); start both, then run the "
                "same command again."
            ) from None
        yield client


def _start_local(address: str) -> LocalCluster:
    """Start a scheduler and workers that no other machine reaches; nothing of Dask opens a page."""
    from distributed import LocalCluster  # noqa: PLC0415 - as above

    count = address.removeprefix(LOCAL)
    if not count.isdecimal() or not 1 <= int(count) <= 1024:
        raise UsageError(f"'{address}' names no workers; give local:N, with N from 1 to 1024.")
    return LocalCluster(
        n_workers=int(count),
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        memory_limit=0,
        silence_logs=logging.CRITICAL,
    )


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


@final
class _Cluster:
    """The workers of a scheduler, which have the models of one run."""

    def __init__(self, client: Client, worker: Worker, probe: Path, address: str) -> None:
        models = worker.models
        device = str(models.graders[0].grader.encoders.device)
        folders = tuple(str(folder) for folder in models.folders)
        self._client = client
        self._worker = worker
        self._address = address
        self._refused: set[str] = set()
        self._job = Job(library_versions(), folders, models.checksum, device, worker.all_findings, str(probe))
        self._bundle = self._send_models()

    def assess(self, tasks: Sequence[Task]) -> Iterator[Assessment | Failure | None]:
        """Yield what became of each image, in their order; a bounded number of partitions is under way."""
        waiting = iter([tasks[start : start + PARTITION] for start in range(0, len(tasks), PARTITION)])
        sent: deque[tuple[Sequence[Task], Future]] = deque()
        try:
            while True:
                room = AHEAD * max(1, sum(self._find_workers().values())) - len(sent)
                sent.extend((part, self._submit(part)) for part in islice(waiting, max(0, room)))
                if not sent:
                    return
                yield from self._take(*sent.popleft())
        finally:
            with suppress(OSError):  # the scheduler may be gone
                self._client.cancel([future for _, future in sent])

    def _send_models(self) -> Future | None:
        """Check all workers; send them the models unless all see the folders."""
        found = self._client.run(find_missing_models, self._job, on_error="return")
        for address, answer in found.items():
            if isinstance(answer, BaseException):
                raise UsageError(f"The worker {address} cannot run this unoqa ({answer}); install it there.")
            if answer[0] != self._job.versions:
                self._refuse(Refusal(address, compare_versions(self._job.versions, answer[0]), final=True))
        if not any(lacks for _, lacks in found.values()):
            return None
        return self._client.scatter(pack_models(self._worker.models.folders), broadcast=True)

    def _find_workers(self) -> dict[str, int]:
        """Return the number of threads of each worker.

        Raises:
            UsageError: the scheduler is gone.
        """
        try:
            return self._client.nthreads()
        except OSError:  # the connection is closed, or nobody answers
            raise self._miss_scheduler() from None

    def _miss_scheduler(self) -> UsageError:
        return UsageError(
            f"The scheduler {self._address} is gone; start it and its workers, then run the same command again: it "
            "continues."
        )

    def _submit(self, tasks: Sequence[Task]) -> Future:
        orders = [Order.of(task) for task in tasks]
        allowed = [one for one in self._find_workers() if one not in self._refused] if self._refused else None
        if allowed == []:
            raise UsageError(f"No worker of {self._address} is left; mend them, then run the same command again.")
        return self._client.submit(assess_images, self._job, orders, self._bundle, workers=allowed, pure=False)

    def _take(self, tasks: Sequence[Task], future: Future) -> Iterator[Assessment | Failure | None]:
        """Yield the results of a partition; what one worker could not do, others repeat."""
        from distributed import CancelledError, KilledWorker  # noqa: PLC0415 - as above

        try:
            answer = future.result()
        except KilledWorker:
            yield from self._isolate(tasks)
            return
        except CancelledError:
            raise self._miss_scheduler() from None
        finally:
            future.release()
        if isinstance(answer, Refusal):
            self._refuse(answer)
            yield from self._take(tasks, self._submit(tasks))
            return
        for task, delivery in zip(tasks, answer, strict=True):
            yield self._accept(task, delivery)

    def _isolate(self, tasks: Sequence[Task]) -> Iterator[Assessment | Failure | None]:
        """Send images one by one, of which one ends the processes that read it."""
        if len(tasks) > 1:
            for task in tasks:
                yield from self._take([task], self._submit([task]))
            return
        name = tasks[0].image.name
        sentence = f"{name} ended each process that read it; look whether the file is damaged, or its memory too small."
        yield tasks[0].image.fail(ImageError(KILLED, sentence))

    def _refuse(self, refusal: Refusal) -> None:
        """Do without a worker; end the run if it must be mended.

        Raises:
            UsageError: it must.
        """
        if refusal.final:
            raise UsageError(f"The worker {refusal.worker} cannot be used: {refusal.sentence}.")
        self._refused.add(refusal.worker)

    def _accept(self, task: Task, delivery: Delivery) -> Assessment | Failure | None:
        """Return the result of a delivery, with what may be kept of a person; write the overlay that came with it."""
        if delivery.missing:
            if Path(task.image.path).exists():
                raise UsageError(
                    f"A worker does not see {task.image.path}; give it the same folder of images, at the same path."
                )
            return self._worker(task)
        if delivery.overlay is not None and task.heat is not None:
            write_overlay(task.heat, delivery.overlay)
        result = delivery.result
        return None if result is None else replace(result, facts=self._worker.privacy.clean(result.facts))
