"""Run pieces of work in parallel, each on one thread of torch.

torch can split one operation over all threads. Then every operation waits for its slowest thread, many times per
millisecond, and the last bits of a sum depend on the number of threads. So each piece (an image, a fold, a scale) is
computed on one thread, and as many pieces run at a time as torch has threads: no thread waits within an operation, and
results are bit-equal on any number of threads. Threads of Python suffice, since torch, numpy and scipy release the
interpreter lock while they compute.

A piece may split its own work in the same way: a fold fits several scales. Nested calls share the slots of the
outermost call, so never more pieces compute at a time than torch has threads. A piece that waits for its own pieces
gives its slot to them.

Calls may overlap: another thread of the program may make one at any moment, and any of them may end first or fail. So
nothing that the process has one of is changed for as long as a call lasts, unless calls that change it take turns.

Pieces that do without torch, such as the pictures of a report, do not load it, which takes a second and more.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_NESTED_THREADS = 8
"""Maximum number of threads of a nested call: on a large machine, more would exceed the system's limit of threads."""

POLL_SECONDS = 0.2
"""Seconds between two checks of a wait: on Windows, Ctrl-C cannot interrupt one long wait before Python 3.14."""

PREFETCH = 2
"""Pieces per thread that may be submitted ahead: enough to keep every thread busy, few enough to keep memory flat."""

PROCESS_LOCK = threading.RLock()
"""Lock for process-global state: torch's generator, from which new layers draw, and switches of libraries."""

_THREADS_LOCK = threading.Lock()
"""Lock for torch's number of threads; see `set_own_threads`."""


@contextmanager
def map_in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Iterator[Result]]:
    """Yield `function(item)` in the order of the items; as many calls run at a time as torch has threads.

    The function may call this again: its pieces then share the same slots. If the context is left early, as after an
    interrupt or an error, pieces that have not started are dropped, and those that run end at their next call of
    `raise_if_cancelled`.

    Example:
        >>> with map_in_order(abs, [-1, 2, -3]) as results:
        ...     list(results)
        [1, 2, 3]
    """
    pool = _Pool.nest(_running.pool)
    with limit_to_one_thread(), pool.open_executor() as executor:
        submitted: deque[Future[Result]] = deque()
        submissions = (partial(executor.submit, pool.run, function, item) for item in items)
        try:
            yield _iterate_results(pool, submissions, submitted)
        finally:
            pool.cancelled.set()
            running = [future for future in submitted if not future.cancel()]
            with pool.lend_slot():  # pieces that wait for a slot need one to end
                wait(running)


def map_all(
    function: Callable[[Item], Result], items: Iterable[Item], task: AbstractContextManager[Callable[[], None]]
) -> list[Result]:
    """Return all results of `map_in_order`, and advance a task of progress by one step for each."""
    found = []
    with task as step, map_in_order(function, items) as results:
        for result in results:
            found.append(result)
            step()
    return found


def _iterate_results(
    pool: _Pool, submissions: Iterator[Callable[[], Future[Result]]], submitted: deque[Future[Result]]
) -> Iterator[Result]:
    while True:
        submitted.extend(submit() for submit in islice(submissions, PREFETCH * pool.size - len(submitted)))
        if not submitted:
            return
        yield pool.wait_for(submitted.popleft())


def raise_if_cancelled() -> None:
    """End the running piece if nobody waits for its result any longer, as after an error of another piece.

    Long loops call this at every step.

    Raises:
        CancelledError: the piece is no longer wanted.
    """
    pool = _running.pool
    while pool is not None:
        if pool.cancelled.is_set() or pool.errors:
            raise CancelledError
        pool = pool.outer


@final
class _Running(threading.local):
    """The pool whose piece the current thread runs."""

    pool: _Pool | None = None


_running = _Running()


@final
@dataclass(frozen=True)
class _Pool:
    """The threads of one call of `map_in_order`.

    Attributes:
        size: the number of threads.
        slots: the right to compute, one per thread of torch; shared with nested pools.
        outer: the pool whose piece made this call.
        idle: threads that earlier nested calls have left, for later ones; shared with nested pools.
        cancelled: set when nobody waits for results any longer.
        errors: what pieces have raised. Pieces that have not started raise the first of them; pieces that run end at
            their next call of `raise_if_cancelled`.
    """

    size: int
    slots: threading.Semaphore
    outer: _Pool | None
    idle: list[ThreadPoolExecutor]
    cancelled: threading.Event = field(default_factory=threading.Event)
    errors: list[BaseException] = field(default_factory=list)

    @classmethod
    def nest(cls, outer: _Pool | None) -> _Pool:
        """Make a pool within another, or the outermost one where there is none."""
        if outer is not None:
            return cls(min(outer.size, MAX_NESTED_THREADS), outer.slots, outer, outer.idle)
        size = get_own_threads()
        return cls(size, threading.Semaphore(size), None, [])

    @contextmanager
    def open_executor(self) -> Iterator[ThreadPoolExecutor]:
        """Yield the threads. Those of a nested call serve later ones, and end with the outermost call."""
        try:
            executor = self.idle.pop()
        except IndexError:
            executor = ThreadPoolExecutor(self.size)
        try:
            yield executor
        finally:
            self.idle.append(executor)
            if self.outer is None:
                for idle in self.idle:
                    idle.shutdown()

    def run(self, function: Callable[[Item], Result], item: Item) -> Result:
        """Compute one piece as soon as a slot is free."""
        with self.slots:
            _running.pool = self
            if self.errors:
                raise self.errors[0]
            raise_if_cancelled()
            try:
                if _torch_is_loaded():
                    _change_own_threads(1)
                return function(item)
            except BaseException as error:
                self.errors.append(error)
                raise

    def wait_for(self, future: Future[Result]) -> Result:
        """Return a piece's result; if another piece's error ended it, raise that error."""
        try:
            with self.lend_slot():
                while not future.done():
                    wait((future,), POLL_SECONDS)
                return future.result()
        except CancelledError:
            if self.errors:
                raise self.errors[0] from None
            raise

    @contextmanager
    def lend_slot(self) -> Iterator[None]:
        """Let other pieces use the slot of the waiting piece until the context ends."""
        if self.outer is None:
            yield
            return
        self.slots.release()
        try:
            yield
        finally:
            self.slots.acquire()


@contextmanager
def limit_to_one_thread() -> Iterator[None]:
    """Set torch to one thread in the current thread of Python; restore the number afterwards."""
    if not _torch_is_loaded():
        yield
        return
    threads = get_own_threads()
    set_own_threads(1)
    try:
        yield
    finally:
        set_own_threads(threads)


def get_own_threads() -> int:
    """Return torch's number of threads in the current thread of Python; before torch is loaded, that of processors."""
    if not _torch_is_loaded():
        given = os.environ.get("OMP_NUM_THREADS", "")
        return int(given) if given.isdecimal() and int(given) else os.cpu_count() or 1
    import torch  # noqa: PLC0415 - it is loaded; this waits for another thread that still does so

    with _THREADS_LOCK:  # a thread that uses torch for the first time now takes the number that is set
        return torch.get_num_threads()


def set_own_threads(number: int) -> None:
    """Set torch's number of threads in the current thread of Python, and in no other."""
    import torch  # noqa: PLC0415 - as above

    try:
        _change_own_threads(number)
    except RuntimeError:  # no further thread can be started
        torch.set_num_threads(number)


def _change_own_threads(number: int) -> None:
    """Set the number of the current thread.

    `torch.set_num_threads` sets two numbers: that of the current thread, and that which a thread takes when it uses
    torch for the first time. A thread that lives for this moment takes the latter and sets it back. So another thread
    of the program may be limited too if it uses torch for the first time within these microseconds. No public function
    sets the one number alone: OpenMP's own setting, which threadpoolctl reaches, does not reach MKL within torch.

    Raises:
        RuntimeError: the system starts no more threads; nothing is changed.
    """
    import torch  # noqa: PLC0415 - as above

    with _THREADS_LOCK:
        if torch.get_num_threads() == number:
            return
        with ThreadPoolExecutor(1) as keeper:
            of_new_threads = keeper.submit(torch.get_num_threads).result()
            try:
                torch.set_num_threads(number)
            finally:
                keeper.submit(torch.set_num_threads, of_new_threads)


def _torch_is_loaded() -> bool:
    return "torch" in sys.modules


@contextmanager
def ignore_warnings(category: type[Warning]) -> Iterator[None]:
    """Ignore warnings of a category. Python's filters belong to the process, so overlapping calls take turns."""
    with PROCESS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore", category)
        yield
