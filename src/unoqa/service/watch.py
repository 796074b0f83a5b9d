"""A folder that is watched: what arrives in it is graded once, whatever its writer and its readers do meanwhile.

The folder is polled, since the events of file systems do not come from network shares (SMB, NFS). A file is whole when
its size and its time stand still from one poll to the next. What was seen stands in the record of the results, so a
restart repeats nothing; if a process dies between grading and noting so, equal pixels are not graded again.

The record has each image at once. The views, such as `report.html`, show all images, so the more there are, the longer
making them takes. They are made when nothing new is there, and while images keep coming, for a tenth of the time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, final

from unoqa.batch import GradeOptions, Mode, grade_files
from unoqa.core.errors import UsageError
from unoqa.core.progress import ignore
from unoqa.grader.cohort import SETTLE_FIRST
from unoqa.grader.source import ImageSource
from unoqa.outputs import write_default_outputs
from unoqa.service.watched_folder import WatchedFolder
from unoqa.store.results import Results
from unoqa.store.results.database import transaction
from unoqa.store.results.folder import is_results
from unoqa.store.results.places import move_images

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from unoqa.grader.choice_of_model import Models
    from unoqa.grader.privacy import Privacy
    from unoqa.service.watched_folder import Stamp

PAUSE = 9
"""Times that views took to be made, before they are made again while images keep coming."""

MAX_LISTED = 5
"""Failed images of one poll that are named; the others are only counted."""

WATCHED = "watched"
"""The key of the record's own facts that holds the stamp of each file that was seen, by its path below the folder."""


@final
class Watcher:
    """Watches one folder for one results folder."""

    def __init__(
        self,
        folder: Path,
        models: Models,
        results: Path,
        privacy: Privacy,
        *,
        heat: bool = True,
        notify: Callable[[str], None] = ignore,
    ) -> None:
        """Continue where an earlier process stopped.

        Raises:
            UsageError: there is no such folder, or a model is not settled.
        """
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}; name the one into which images are exported.")
        if any(one.frozen_split is None for one in models.graders):
            raise UsageError(SETTLE_FIRST)
        self._folder = folder.absolute()
        self._place = WatchedFolder(self._folder, notify)
        self._models = models
        self._results = results
        self._privacy = privacy
        self._options = GradeOptions(mode=Mode.ALONE, heat=heat, append=True, keep_views=True)
        self._notify = notify
        self._seen = self._read_seen()
        self._before: dict[str, Stamp] = {}
        self._stale = bool(self._seen)  # an earlier process may have died before it made them
        self._due = 0.0

    def poll(self) -> int:
        """Look once; return how many images were looked at, also those that cannot be graded."""
        graded = self._grade_fresh()
        if not graded or time.monotonic() >= self._due:
            self.make_views()
        return graded

    def make_views(self) -> None:
        """Make the views if images have been graded since they were made."""
        if not self._stale:
            return
        started = time.monotonic()
        with Results.open(self._results) as results:
            if not results.finished:  # a process died while it graded; its images are graded again
                return
            write_default_outputs(results, notify=self._notify)
        self._stale = False
        self._due = time.monotonic() + PAUSE * (time.monotonic() - started)

    def _grade_fresh(self) -> int:
        now = self._place.scan()
        whole = {name: stamp for name, stamp in now.items() if self._before.get(name) == stamp}
        self._before = now
        fresh = {name: stamp for name, stamp in whole.items() if self._seen.get(name) != stamp}
        if not fresh:
            return 0
        moved = self._find_moved(fresh, now)
        arrived = [name for name in fresh if name not in moved.values()]
        graded = self._grade(arrived)
        for old in moved:
            del self._seen[old]
        self._seen |= fresh
        self._keep_seen(moved)
        return graded

    def _find_moved(self, fresh: Mapping[str, Stamp], now: Mapping[str, Stamp]) -> dict[str, str]:
        """Return, by their former names, fresh files that were seen under a name that is gone: they were renamed."""
        gone = {stamp: name for name, stamp in self._seen.items() if name not in now}
        return {gone[stamp]: name for name, stamp in fresh.items() if stamp in gone and name not in self._seen}

    def _grade(self, names: list[str]) -> int:
        source = ImageSource.find_below([self._folder / name for name in names], self._folder, privacy=self._privacy)
        if not source.images:
            return 0
        with grade_files(self._models, source, self._results, self._options) as results:
            self._stale = True
            self._notify(describe_graded(results, [image.name for image in source.images]))
        return len(source)

    def _read_seen(self) -> dict[str, Stamp]:
        if not is_results(self._results):
            return {}
        with Results.open(self._results) as results:
            return {name: (stamp[0], stamp[1]) for name, stamp in results.read_meta(WATCHED, {}).items()}

    def _keep_seen(self, moved: Mapping[str, str]) -> None:
        if not is_results(self._results):
            return
        with Results.open(self._results) as results:
            paths = [str(self._folder / name) for pair in moved.items() for name in pair]
            hidden = self._privacy.hide_paths(paths)
            move_images(results.connection, dict(zip(hidden[::2], hidden[1::2], strict=True)))
            with transaction(results.connection):
                results.write_meta(**{WATCHED: self._seen})


def describe_graded(results: Results, names: Sequence[str]) -> str:
    """Return how many of the images were graded, and which could not be, and why."""
    without = results.list_errors_of(names)
    failed = [f"{name}: {error.removesuffix('.')}" for name, error, out in without if not out]
    out = len(without) - len(failed)
    parts = [f"{len(names) - len(without)} graded"]
    if out:
        parts.append(f"{out} out of scope")
    if failed:
        more = f"; and {len(failed) - MAX_LISTED} more" if len(failed) > MAX_LISTED else ""
        parts.append(f"{len(failed)} failed: {'; '.join(failed[:MAX_LISTED])}{more}")
    return ", ".join(parts) + "."
