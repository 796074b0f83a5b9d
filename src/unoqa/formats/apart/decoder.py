"""One process that decodes, as seen by the process that asks it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from enum import Enum
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast, final

import psutil

from unoqa.formats.apart.messages import Message, Request, check_answer, receive, send

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

Answer = TypeVar("Answer")

START_SECONDS = 120.0
"""Seconds that a process may take to start: a hundred times what it takes on an idle machine."""

SLOWEST_DISK = 4_000_000
"""Bytes a second that the slowest disk or network gives; so much longer a large file may take."""

POLL_SECONDS = 0.05
"""Seconds between two looks at the memory of a process that decodes."""

BASE_BYTES = 300_000_000
"""Memory of the process itself, with its libraries and what decoders take for an image of any size."""

BYTES_OF_PIXEL = 64
"""Memory of one pixel while it is decoded: colours as numbers of 8 bytes, twice, and their brightness."""


@final
class End(Enum):
    """Why a process gave no answer: it crashed, or was ended since it took too long or too much memory."""

    CRASH = "crash"
    TIME = "time"
    MEMORY = "memory"


@final
class EndedError(Exception):
    """A process gave no answer."""

    def __init__(self, end: End) -> None:
        super().__init__(end.value)
        self.end = end


@final
class Decoder:
    """A process that decodes one image at a time.

    It is started as a program of its own, not by `multiprocessing`, which would run the user's script in it again and
    pickle what goes through its pipes.
    """

    def __init__(self, seconds: float) -> None:
        """Start the process.

        Args:
            seconds: that one image may take.

        Raises:
            OSError: the system starts no more processes.
            EndedError: the process did not start.
        """
        self._seconds = seconds
        command = [sys.executable, "-P", "-m", "unoqa.formats.apart.child", str(2 * seconds)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"},
            **_detach(),
        )
        self._requests = cast("BinaryIO", self._process.stdin)
        self._answers = cast("BinaryIO", self._process.stdout)
        with _Watch(self._process, START_SECONDS, BASE_BYTES) as watch:
            try:
                receive(self._answers)
            except (EOFError, ValueError) as error:
                self.close()
                raise EndedError(watch.reason) from error

    def ask(self, request: Request, size: int, finish: Callable[[BinaryIO, Message, str], Answer]) -> Answer:
        """Send a request, and return its answer.

        Args:
            size: bytes of the file.
            finish: makes the answer of the message that brings it, and of what follows the message.

        Raises:
            ImageError: as the format says.
            EndedError: the process crashed, or had to be ended.
        """
        with _Watch(self._process, self._seconds + size / SLOWEST_DISK, BASE_BYTES + 2 * size) as watch:
            try:
                send(self._requests, vars(request))
                message = receive(self._answers)
                while "promised" in message:
                    watch.allow(BYTES_OF_PIXEL * int(message["promised"]))
                    message = receive(self._answers)
                return finish(self._answers, check_answer(message), request.name)
            except (OSError, EOFError, ValueError, TypeError, KeyError) as error:
                raise EndedError(watch.reason) from error

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._answers.close()
        with suppress(OSError):  # a request may still be in the buffer
            self._requests.close()


@final
class _Watch:
    """Ends a process that takes too long, or more memory than the header of its image implies.

    Attributes:
        reason: why the process has ended, if it has.
    """

    def __init__(self, process: subprocess.Popen[bytes], seconds: float, allowed: int) -> None:
        self.reason = End.CRASH
        self._process, self._seconds, self._allowed = process, seconds, allowed
        self._base = allowed
        self._done = Event()
        self._thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def allow(self, more: int) -> None:
        """Allow an image that takes so many bytes while it is decoded."""
        self._allowed = self._base + more

    def _look(self) -> None:
        started = monotonic()
        while not self._done.wait(POLL_SECONDS):
            if monotonic() - started > self._seconds:
                self._end(End.TIME)
            elif _count_bytes(self._process.pid) > self._allowed:
                self._end(End.MEMORY)

    def _end(self, reason: End) -> None:
        self.reason = reason
        self._process.kill()


def _count_bytes(process: int) -> int:
    """Return the memory that a process holds; 0 if it has ended."""
    try:
        return int(psutil.Process(process).memory_info().rss)
    except psutil.Error:
        return 0


def _detach() -> dict[str, Any]:
    """Return what keeps the keys that interrupt this program from interrupting the process."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
