"""Batches: many images at once. A batch is a folder with a results folder in it, so it continues after a restart."""

from __future__ import annotations

import json
import threading
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from unoqa.batch import GradeOptions, Mode
from unoqa.core.errors import UnoqaError, UsageError
from unoqa.grader.source import ImageSource
from unoqa.outputs.parts.run import grade_to_folder
from unoqa.store.files import replace_folder, write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from unoqa.grader.choice_of_model import Models

JOB, END, IMAGES, RESULTS = "job.json", "end.json", "images", "results"
"""What lies in the folder of a batch: what was asked for, how it ended, images that were sent, and the results."""


@final
class _Stopped(BaseException):
    """Ends a run between two images: its batch was cancelled, or the service stops."""


@final
class Batches:
    """The batches in a folder; one at a time is graded, the earliest first."""

    def __init__(self, folder: Path, models: Mapping[str, Models]) -> None:
        self._folder = folder
        self._models = models
        self._progress: dict[str, tuple[int, int]] = {}
        self._cancelled: set[str] = set()
        self._wake = threading.Condition()
        self._stopping = False
        self._runner = threading.Thread(target=self._run, name="batches")

    def start(self) -> None:
        """Start to grade; what an earlier process has not finished continues."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._runner.start()

    def stop(self) -> None:
        """Stop after the image at hand; the batch continues when the service is started again."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._runner.join()

    def add(self, model: str, paths: Sequence[Path], sent: Sequence[tuple[str, bytes]]) -> str:
        """Add a batch and return its name.

        Args:
            paths: of images that lie on this machine.
            sent: name and content of each file that came with the request.
        """
        name = uuid.uuid4().hex
        with replace_folder(self._folder / name) as fresh:
            for number, (given, data) in enumerate(sent):
                target = fresh / IMAGES / f"{number:05d}" / given
                target.parent.mkdir(parents=True)
                target.write_bytes(data)
            job = {"model": model, "paths": [str(path) for path in paths], "number": len(self.list())}
            write_text(fresh / JOB, json.dumps(job))
        with self._wake:
            self._wake.notify()
        return name

    def list(self) -> list[str]:
        """Return the names of all batches, the earliest first."""
        found = {
            path.parent.name: json.loads(path.read_text(encoding="utf-8"))["number"]
            for path in self._folder.glob(f"*/{JOB}")
        }
        return sorted((name for name in found if not name.startswith(".")), key=lambda name: (found[name], name))

    def count_open(self) -> int:
        """Count the batches that are not finished."""
        return sum(not (self._folder / name / END).is_file() for name in self.list())

    def describe(self, name: str) -> dict[str, Any]:
        """Return state and progress of a batch: `waiting`, `running`, `done`, `failed` or `cancelled`."""
        folder = self._find(name)
        done, total = self._progress.get(name, (0, 0))
        state, error = "running" if name in self._progress else "waiting", ""
        if (folder / END).is_file():
            end = json.loads((folder / END).read_text(encoding="utf-8"))
            state, error, done, total = end["state"], end["error"], end["done"], end["total"]
        return {"batch": name, "state": state, "done": done, "total": total, "error": error}

    def cancel(self, name: str) -> None:
        """Cancel a batch; what was graded stays in its results folder."""
        if not (self._find(name) / END).is_file():
            with self._wake:
                self._cancelled.add(name)
                self._wake.notify()

    def results(self, name: str) -> Path:
        """Return the results folder of a batch that is done.

        Raises:
            UsageError: it is not done.
        """
        if self.describe(name)["state"] != "done":
            raise UsageError(f"The batch {name} is not done; ask for its state at /v1/batches/{name}.")
        return self._folder / name / RESULTS

    def _find(self, name: str) -> Path:
        if not (self._folder / name / JOB).is_file():
            raise LookupError(name)
        return self._folder / name

    def _run(self) -> None:
        while True:
            with self._wake:
                name = None
                while not self._stopping and (name := self._find_next()) is None:
                    self._wake.wait()
                if self._stopping or name is None:
                    return
            self._grade(name)

    def _find_next(self) -> str | None:
        return next((name for name in self.list() if not (self._folder / name / END).is_file()), None)

    def _grade(self, name: str) -> None:
        folder = self._folder / name
        self._progress[name] = (0, 0)
        state, error = "done", ""
        try:
            job = json.loads((folder / JOB).read_text(encoding="utf-8"))
            if job["model"] not in self._models:
                raise UsageError(f"The model {job['model']} is not served any longer.")
            images = [Path(path) for path in job["paths"]] or [folder / IMAGES]
            source = ImageSource.find(images)
            options = GradeOptions(mode=Mode.ALONE)
            grade_to_folder(
                self._models[job["model"]], source, folder / RESULTS, options, progress=_Steps(self._step(name))
            ).close()
        except _Stopped:
            if name not in self._cancelled:  # the service stops: the batch continues
                return
            state = "cancelled"
        except (UnoqaError, OSError) as caught:
            state, error = "failed", str(caught)
        done, total = self._progress.pop(name)
        end = {"state": state, "error": error, "done": done, "total": total}
        write_text(folder / END, json.dumps(end))

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
