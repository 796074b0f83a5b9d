"""Batches: many images at once. A batch is a folder with a results folder in it, so it continues after a restart."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import traceback
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from unoqa.batch import GradeOptions, Mode
from unoqa.core.errors import ResultsError, UnoqaError, UsageError
from unoqa.core.progress import ignore
from unoqa.grader.source import ImageSource
from unoqa.outputs.parts.run import grade_to_folder
from unoqa.store.files import describe_os_error, replace_folder, write_text
from unoqa.store.private import OWNER_FOLDER, make_private_folder, write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from unoqa.grader.choice_of_model import Models

FOLDER = "The folder of the batches"
"""What stands in place of a batch's name where the folder of all has a trouble."""

LOCK = ".lock"
"""Held by the service that grades the batches of the folder."""

RETRY_SECONDS = 10.0
"""How long a batch waits whose files could not be written or read."""

NO_TROUBLE = (0.0, "")

JOB, END, IMAGES, RESULTS = "job.json", "end.json", "images", "results"
"""What lies in the folder of a batch: what was asked for, how it ended, images that were sent, and the results."""


@final
class _Stopped(BaseException):
    """Ends a run between two images: its batch was cancelled, or the service stops."""


@final
class Batches:
    """The batches in a folder; one at a time is graded, the earliest first.

    A batch fails where it cannot be graded. Where its files cannot be written or read now, since a disk is full or a
    share is away, it waits, and is tried again: whatever happens, the thread that grades goes on.
    """

    def __init__(self, folder: Path, models: Mapping[str, Models], *, notify: Callable[[str], None] = ignore) -> None:
        """Take a folder that no other process takes.

        Args:
            notify: takes sentences for who runs the service.
        """
        self._folder = folder
        self._models = models
        self._notify = notify
        self._progress: dict[str, tuple[int, int]] = {}
        self._troubles: dict[str, tuple[float, str]] = {}
        self._cancelled: set[str] = set()
        self._wake = threading.Event()
        self._stopping = False
        self._runner = threading.Thread(target=self._run, name="batches")

    def start(self) -> None:
        """Start to grade; what an earlier process has not finished continues."""
        self._runner.start()

    def stop(self) -> None:
        """Stop after the image at hand; the batch continues when the service is started again."""
        self._stopping = True
        self._wake.set()
        self._runner.join()

    @property
    def trouble(self) -> str:
        """Why a batch, or the folder of all, has to wait; empty if none has."""
        return next((sentence for _, sentence in [*self._troubles.values()]), "")

    def add(self, model: str, paths: Sequence[Path], sent: Sequence[tuple[str, bytes]]) -> str:
        """Add a batch and return its name; only the user who runs the service may read its files.

        Args:
            paths: of images that lie on this machine.
            sent: name and content of each file that came with the request.
        """
        name = uuid.uuid4().hex
        with replace_folder(self._folder / name) as fresh:
            fresh.chmod(OWNER_FOLDER)
            for number, (given, data) in enumerate(sent):
                target = fresh / IMAGES / f"{number:05d}" / given
                make_private_folder(target.parent)
                write_private(target, data)
            job = {"model": model, "paths": [str(path) for path in paths], "number": len(self.list())}
            write_text(fresh / JOB, json.dumps(job))
        self._wake.set()
        return name

    def list(self) -> list[str]:
        """Return the names of all batches, the earliest first."""
        folders = [entry.name for entry in os.scandir(self._folder) if not entry.name.startswith(".")]
        found = {name: self._read(name, JOB)["number"] for name in folders if (self._folder / name / JOB).is_file()}
        return sorted(found, key=lambda name: (found[name], name))

    def count_open(self) -> int:
        """Count the batches that are not finished."""
        return sum(map(self._is_open, self.list()))

    def describe(self, name: str) -> dict[str, Any]:
        """Return state and progress of a batch: `waiting`, `running`, `done`, `failed` or `cancelled`.

        The `error` of one that failed says why, and that of one that waits why it has to be tried again.
        """
        self._check(name)
        if not self._is_open(name):
            return {"batch": name, **self._read(name, END)}
        done, total = self._progress.get(name, (0, 0))
        state = "running" if name in self._progress else "waiting"
        _, error = self._troubles.get(name, NO_TROUBLE)
        return {"batch": name, "state": state, "done": done, "total": total, "error": error}

    def cancel(self, name: str) -> None:
        """Cancel a batch; what was graded stays in its results folder."""
        self._check(name)
        if self._is_open(name):
            self._cancelled.add(name)
            self._troubles.pop(name, None)
            self._wake.set()

    def results(self, name: str) -> Path:
        """Return the results folder of a batch that is done.

        Raises:
            UsageError: it is not done.
        """
        if self.describe(name)["state"] != "done":
            raise UsageError(f"The batch {name} is not done; ask for its state at /v1/batches/{name}.")
        return self._folder / name / RESULTS

    def _check(self, name: str) -> None:
        if not (self._folder / name / JOB).is_file():
            raise LookupError(name)

    def _read(self, name: str, file: str) -> dict[str, Any]:
        path = self._folder / name / file
        try:
            known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ResultsError(f"{path} is damaged; remove the folder of this batch, and send it again.") from error
        return known

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            name = None
            try:
                name = self._find_next()
                self._end_trouble(FOLDER)
                if name is not None:
                    self._grade(name)
                    self._end_trouble(name)
            except (OSError, UnoqaError) as error:
                self._put_off(name or FOLDER, error)
            if name is None:
                self._wake.wait(RETRY_SECONDS if self._troubles else None)

    def _find_next(self) -> str | None:
        now = time.monotonic()
        due = (name for name in self.list() if self._troubles.get(name, NO_TROUBLE)[0] <= now)
        return next(filter(self._is_open, due), None)

    def _is_open(self, name: str) -> bool:
        return not (self._folder / name / END).is_file()

    def _put_off(self, name: str, error: OSError | UnoqaError) -> None:
        sentence = describe_os_error(error) if isinstance(error, OSError) else str(error)
        if self._troubles.get(name, NO_TROUBLE)[1] != sentence:
            self._notify(f"{name}: {sentence} It is tried again every {RETRY_SECONDS:g} seconds.")
        self._troubles[name] = (time.monotonic() + RETRY_SECONDS, sentence)

    def _end_trouble(self, name: str) -> None:
        if self._troubles.pop(name, None) is not None:
            self._notify(f"{name}: it can be written and read again.")

    def _grade(self, name: str) -> None:
        self._progress[name] = (0, 0)
        try:
            state, error = self._attempt(name)
            if state != "waiting":
                done, total = self._progress[name]
                end = {"state": state, "done": done, "total": total, "error": error}
                write_text(self._folder / name / END, json.dumps(end))
        finally:
            del self._progress[name]

    def _attempt(self, name: str) -> tuple[str, str]:
        """Grade the images of a batch; return how that ended, and why if it failed.

        Raises:
            OSError, UnoqaError: its files cannot be written or read now.
        """
        if name in self._cancelled:
            return "cancelled", ""
        try:
            self._grade_images(name)
        except _Stopped:
            return ("cancelled" if name in self._cancelled else "waiting"), ""
        except (OSError, UnoqaError) as caught:
            if isinstance(caught, OSError) or isinstance(caught.__cause__, OSError | sqlite3.Error):
                raise
            return "failed", str(caught)
        except Exception as caught:  # noqa: BLE001 - a fault of ours costs this batch, not all that come after it
            traceback.print_exc()
            return "failed", f"unoqa has a fault ({type(caught).__name__}: {caught}); stderr says where."
        return "done", ""

    def _grade_images(self, name: str) -> None:
        folder, job = self._folder / name, self._read(name, JOB)
        if job["model"] not in self._models:
            raise UsageError(f"The model {job['model']} is not served any longer.")
        source = ImageSource.find([Path(path) for path in job["paths"]] or [folder / IMAGES])
        progress, options = _Steps(self._step(name)), GradeOptions(mode=Mode.ALONE)
        grade_to_folder(self._models[job["model"]], source, folder / RESULTS, options, progress=progress).close()

    def _step(self, name: str) -> Callable[[int, int], None]:
        def step(done: int, total: int) -> None:
            self._progress[name] = (done, total)
            if self._stopping or name in self._cancelled:
                raise _Stopped

        return step


@final
class _Steps:
    """Progress of the images of a run, told to a function."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self._tell = tell

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Tell how far the images are, after each; views that are made later are not told."""
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            if title == "grading":
                self._tell(done, total)

        if title == "grading":
            self._tell(0, total)
        yield step
