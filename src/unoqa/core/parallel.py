"""Pieces of work side by side, each on one thread of torch: no sum depends on how many threads there are.

An operation split over threads waits for the slowest of them, many times a millisecond; whole images or whole fits
side by side do not wait. The threads of Python suffice, since torch, numpy and scipy let go of its lock.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar, final

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

Item = TypeVar("Item")
Result = TypeVar("Result")

WITHIN = 8
"""Threads at most of pieces within a piece: as many for each of a large machine's would be more than systems allow."""

LOOKS_EVERY = 0.2
"""Seconds after which a wait is taken up anew: Python before 3.14 cannot be interrupted in one on Windows."""

AHEAD = 2
"""Results a thread that may wait to be taken: enough that none is idle, few enough that memory stays flat."""

PROCESS_LOCK = threading.RLock()
"""Lock for process-global state: torch's generator, from which new layers draw, and switches of libraries."""


@contextmanager
def map_in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Iterator[Result]]:
    """Give `function(item)` in the order of the items, as many at a time as torch has threads.

    A function may call this again: its pieces then share the threads there are. When the context is left early, as by
    an interruption or an error, pieces not begun are dropped, and those that ask `raise_if_cancelled` end.

    Example:
        >>> with map_in_order(abs, [-1, 2, -3]) as results:
        ...     list(results)
        [1, 2, 3]
    """
    crew = _Crew.within(_here.crew)
    with one_thread_each(), ThreadPoolExecutor(crew.size, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            yield _results(crew, (partial(pool.submit, crew.run, function, item) for item in items), waiting)
        finally:
            crew.unwanted.set()
            for future in waiting:
                future.cancel()
            with crew.place_left():  # a piece begun in a place that it waits for could not end
                pool.shutdown()


def map_all(
    function: Callable[[Item], Result], items: Iterable[Item], task: AbstractContextManager[Callable[[], None]]
) -> list[Result]:
    """Return all results of `map_in_order`, a step of a task of progress told with each."""
    found = []
    with task as step, map_in_order(function, items) as results:
        for one in results:
            found.append(one)
            step()
    return found


def _results(
    crew: _Crew, coming: Iterator[Callable[[], Future[Result]]], waiting: deque[Future[Result]]
) -> Iterator[Result]:
    while True:
        waiting.extend(begin() for begin in islice(coming, AHEAD * crew.size - len(waiting)))
        if not waiting:
            return
        yield crew.wait_for(waiting.popleft())


def raise_if_cancelled() -> None:
    """End a piece of work whose result nobody waits for any longer, as after an error of another piece.

    Long loops ask at every step.

    Raises:
        CancelledError: where that is so.
    """
    crew = _here.crew
    while crew is not None:
        if crew.unwanted.is_set() or crew.errors:
            raise CancelledError
        crew = crew.outer


@final
class _Here(threading.local):
    """The crew that the running thread works for."""

    crew: _Crew | None = None


_here = _Here()


@final
@dataclass(frozen=True)
class _Crew:
    """The threads that share some pieces; `permits` are common to a crew and those within it.

    Attributes:
        unwanted: nobody waits any longer for what is not finished.
        errors: what pieces have raised; those not begun raise the first of them, those begun end when they ask.
    """

    size: int
    permits: threading.Semaphore
    outer: _Crew | None
    unwanted: threading.Event = field(default_factory=threading.Event)
    errors: list[BaseException] = field(default_factory=list)

    @classmethod
    def within(cls, outer: _Crew | None) -> _Crew:
        if outer is not None:
            return cls(min(outer.size, WITHIN), outer.permits, outer)
        size = torch.get_num_threads()
        return cls(size, threading.Semaphore(size), None)

    def run(self, function: Callable[[Item], Result], item: Item) -> Result:
        with self.permits:
            _here.crew = self
            if self.errors:
                raise self.errors[0]
            raise_if_cancelled()
            try:
                return function(item)
            except BaseException as error:
                self.errors.append(error)
                raise

    def wait_for(self, future: Future[Result]) -> Result:
        """A piece that waits for its own pieces leaves its place to them; one ended by another's error tells that."""
        try:
            with self.place_left():
                while not future.done():
                    wait((future,), LOOKS_EVERY)
                return future.result()
        except CancelledError:
            if self.errors:
                raise self.errors[0] from None
            raise

    @contextmanager
    def place_left(self) -> Iterator[None]:
        """Let other pieces have the place of the one that runs here, until the context ends."""
        if self.outer is None:
            yield
            return
        self.permits.release()
        try:
            yield
        finally:
            self.permits.acquire()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Threads begun inside run torch's operations alone; it is the process's number that they start from."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
