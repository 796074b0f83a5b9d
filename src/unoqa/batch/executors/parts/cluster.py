"""Work on the workers of a Dask scheduler: sent in partitions, taken in order, repeated elsewhere where one fails."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, final

from unoqa.batch.executors.parts.refusal import Refusal, compare_versions
from unoqa.core.errors import UsageError
from unoqa.grader.open_encoders import library_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from distributed import Client, Future, LocalCluster

Answer = TypeVar("Answer")

PARTITION = 4
"""Images that are sent to a worker at a time."""

AHEAD = 2
"""Partitions per thread of the workers that are under way: enough to keep all busy, few enough to keep memory flat."""

PATIENCE = 60
"""Seconds to wait for the scheduler and for the first worker."""

TRIES = 3
"""How often a partition is sent whose workers end; Dask itself sends one so often too."""

KILLED = "worker-killed"
"""Code of an image that ended each process that had it."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Environment of a worker on this machine."""

LOCAL = "local:"
"""What the address of workers begins with that are started on this machine for one run."""


@final
class Cluster:
    """The workers of a scheduler; all have the versions of this process."""

    def __init__(self, client: Client, address: str) -> None:
        """Check the workers.

        Raises:
            UsageError: one has other versions.
        """
        self._client = client
        self._address = address
        self._refused: set[str] = set()
        for worker, found in self.ask(library_versions).items():
            if found != library_versions():
                self._refuse(Refusal(worker, compare_versions(library_versions(), found), final=True))

    def ask(self, question: Callable[..., Answer], *given: object) -> dict[str, Answer]:
        """Return what a function gives on each worker, by their addresses."""
        answers = self._client.run(question, *given, on_error="return")
        for worker, answer in answers.items():
            if isinstance(answer, BaseException):
                raise UsageError(f"The worker {worker} cannot run this unoqa ({answer}); install it there.")
        return dict(answers)

    def run(
        self,
        pieces: Iterable[object],
        function: Callable[..., list[Answer] | Refusal],
        job: object,
        data: bytes | None = None,
    ) -> Iterator[Answer | None]:
        """Yield what a function gives of each piece, in order; a bounded number of partitions is under way.

        Args:
            function: takes pieces, job and data; returns an answer to each piece.
            data: is sent once, and workers pass it on.

        Yields:
            an answer; None if the piece ended each process that had it.

        Raises:
            UsageError: the scheduler is gone, a worker is not as it must be, or none is left.
        """
        waiting, call = _cut(pieces), _Call(self._client, function, job, data)
        sent: deque[_Sent] = deque()
        try:
            while True:
                room = AHEAD * max(1, sum(self._find_workers().values())) - len(sent)
                sent.extend(self._send(part, call) for part in islice(waiting, max(0, room)))
                if not sent:
                    return
                yield from self._take(sent.popleft(), call)
        finally:
            with suppress(OSError):  # the scheduler may be gone
                self._client.cancel([one.future for one in sent])

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

    def _send(self, part: Sequence[object], call: _Call, tries: int = 1) -> _Sent:
        allowed = [one for one in self._find_workers() if one not in self._refused] if self._refused else None
        if allowed == []:
            raise UsageError(f"No worker of {self._address} is left; mend them, then run the same command again.")
        return _Sent(part, call.submit(part, allowed), call.shared, tries)

    def _take(self, sent: _Sent, call: _Call) -> Iterator[Any]:
        """Yield the answers to a partition; what one worker could not do, others repeat."""
        from distributed import CancelledError, KilledWorker  # noqa: PLC0415 - of an extra, and takes a second

        try:
            answer = sent.future.result()
        except KilledWorker:
            yield from self._isolate(sent.part, call)
            return
        except CancelledError:
            yield from self._repeat(sent, call)
            return
        finally:
            sent.future.release()
        if isinstance(answer, Refusal):
            self._refuse(answer)
            yield from self._take(self._send(sent.part, call), call)
            return
        yield from answer

    def _repeat(self, sent: _Sent, call: _Call) -> Iterator[Any]:
        """Send a partition again after the last worker that had the data ended; not for ever, since it may end them."""
        if self._client.status != "running":
            raise self._miss_scheduler()
        if sent.tries == TRIES:
            yield from self._isolate(sent.part, call)
            return
        if sent.shared is call.shared:
            try:
                self._client.wait_for_workers(1, timeout=PATIENCE)
            except OSError:  # TimeoutError is one
                raise self._miss_scheduler() from None
            call.share()
        yield from self._take(self._send(sent.part, call, sent.tries + 1), call)

    def _isolate(self, part: Sequence[object], call: _Call) -> Iterator[Any]:
        """Send pieces one by one, of which one ends the processes that have it."""
        if len(part) == 1:
            yield None
            return
        for piece in part:
            yield from self._take(self._send([piece], call), call)

    def _refuse(self, refusal: Refusal) -> None:
        """Do without a worker; end the run if it must be mended.

        Raises:
            UsageError: it must.
        """
        if refusal.final:
            raise UsageError(f"The worker {refusal.worker} cannot be used: {refusal.sentence}.")
        self._refused.add(refusal.worker)


@final
class _Call:
    """A function on the workers, and what is the same for all partitions.

    Attributes:
        shared: the data that all workers have; None if there are none.
    """

    def __init__(self, client: Client, function: Callable[..., Any], job: object, data: bytes | None) -> None:
        self._client = client
        self._function = function
        self._job = job
        self._data = data
        self.shared: Future | None = None
        self.share()

    def share(self) -> None:
        """Send the data to all workers that there are."""
        if self._data is not None:
            self.shared = self._client.scatter(self._data, broadcast=True)

    def submit(self, part: Sequence[object], workers: list[str] | None) -> Future:
        """Have one of these workers, or any, call the function."""
        return self._client.submit(self._function, part, self._job, self.shared, workers=workers, pure=False)


@final
@dataclass(frozen=True)
class _Sent:
    """A partition that is under way.

    Attributes:
        shared: the data that it was sent with.
        tries: how often it was sent.
    """

    part: Sequence[object]
    future: Future
    shared: Future | None
    tries: int


@contextmanager
def connect(address: str) -> Iterator[Cluster]:
    """Connect to a scheduler, or to one that is started for the run.

    Raises:
        UsageError: Dask is missing, the scheduler cannot be reached, or a worker is not as the run needs it.
    """
    try:
        from distributed import Client  # noqa: PLC0415 - as above
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
        yield Cluster(client, address)


def _start_local(address: str) -> LocalCluster:
    """Start a scheduler and workers that no other machine reaches; nothing of Dask opens a page.

    Dask sets MALLOC_TRIM_THRESHOLD_ for workers. Then glibc no longer adapts its thresholds, asks the system for each
    array anew, and an image takes twice the time of processors.
    """
    import dask  # noqa: PLC0415 - as above
    from distributed import LocalCluster  # noqa: PLC0415 - as above

    count = address.removeprefix(LOCAL)
    if not count.isdecimal() or not 1 <= int(count) <= 1024:
        raise UsageError(f"'{address}' names no workers; give local:N, with N from 1 to 1024.")
    with dask.config.set({"distributed.nanny.pre-spawn-environ": ONE_THREAD}):
        return LocalCluster(
            n_workers=int(count),
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        )


def _cut(pieces: Iterable[object]) -> Iterator[list[object]]:
    rest = iter(pieces)
    while part := list(islice(rest, PARTITION)):
        yield part
