"""One run of grading into a results folder: it continues where an earlier one stopped."""

from __future__ import annotations

import json
import time
from contextlib import closing, contextmanager
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, final

import numpy as np
from filelock import FileLock, Timeout

from unoqa.core.assessment import Assessment, Failure
from unoqa.core.errors import ResultsError
from unoqa.core.facts import NO_FACTS
from unoqa.store.results.database import RECORD, connect, explaining, transaction
from unoqa.store.results.folder import LOCK, make_folder
from unoqa.store.results.registration import CLEARED, RunPlan, check_others, clear_assessments, register_images
from unoqa.store.results.results import Results
from unoqa.store.results.statistics import pack_statistics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from unoqa.core.facts import Facts
    from unoqa.core.grading import Grading

COMMIT_SECONDS = 0.5
"""Longest work that a killed process loses."""


@contextmanager
def begin_run(folder: Path, plan: RunPlan, *, vfs: str | None = None) -> Iterator[Run]:
    """Open a results folder for grading; one process at a time.

    Raises:
        ResultsError: the folder holds something else, results of another model or of other images, or another process
            is grading into it.
    """
    make_folder(folder)
    with (
        _locked(folder),
        Results(folder, connect(folder, vfs=vfs)) as results,
        explaining(folder / RECORD),
        closing(Run(results, plan)) as run,
    ):
        yield run


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        lock = FileLock(folder / LOCK).acquire(blocking=False)
    except Timeout:
        raise ResultsError(f"Another process is writing to {folder}; wait for it, or name a new folder.") from None
    with lock:
        yield


@final
class Run:
    """A run that writes to the record; what it adds is committed at least every half second of work.

    Attributes:
        positions: the row of each image of the plan.
        done: number of images of the plan that an earlier run has assessed under the same conditions.
    """

    def __init__(self, results: Results, plan: RunPlan) -> None:
        self.results = results
        with transaction(results.connection):
            self.positions = register_images(results, plan)
            if results.read_meta("conditions", plan.conditions) != plan.conditions:
                clear_assessments(results)
            check_others(results, self.positions)
            results.write_meta(model=plan.model, conditions=plan.conditions, shard=plan.shard, facts={})
        rows = results.connection.execute("SELECT position, digest FROM images WHERE digest IS NOT NULL")
        self._digests: dict[int, str] = dict(rows)
        self.done = sum(position in self._digests for position in self.positions)
        self._points = results.points()
        self._names: list[str] = results.read_meta("statistics", [])
        self._waiting: list[tuple[int, Assessment | Failure]] = []
        self._committed = time.monotonic()

    def digest(self, position: int, declared: Facts = NO_FACTS) -> str | None:
        """Return the digest of an image's pixels when it was assessed; None if it was not.

        Args:
            declared: what a manifest says of it now; None is returned too if it said something else then.
        """
        digest = self._digests.get(position)
        return digest if digest is not None and self.results.facts_of(position).was_completed_by(declared) else None

    def add(self, position: int, result: Assessment | Failure) -> None:
        """Add what became of an image, in place of what was known of it."""
        self._waiting.append((position, result))
        if time.monotonic() - self._committed >= COMMIT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Commit what was added: points first, so that no row names a point that is not there."""
        if self._waiting:
            rows = [(position, result, self._append_point(result)) for position, result in self._waiting]
            self._points.flush()
            with transaction(self.results.connection):
                for position, result, point in rows:
                    self._write(position, result, point)
                layout = {"width": self._points.width, "dtype": self._points.dtype.str}
                self.results.write_meta(points=layout, statistics=self._names)
            self._waiting.clear()
        self._committed = time.monotonic()

    def assessments(self) -> list[Assessment | Failure]:
        """Return what is needed to grade the images together: score and point of each, or why there is none."""
        self.flush()
        rows = self.results.connection.execute(
            "SELECT name, score, point, error_code, error, rows, columns, warnings, out_of_scope, digest, fingerprint, "
            "coalesce(model, 0), coalesce(spread, 0) FROM images ORDER BY position"
        ).fetchall()
        stored = self._points.read([row[2] for row in rows if row[2] is not None])
        points = iter(stored)
        return [
            Failure(name, code, error, out_of_scope=scope)
            if score is None
            else Assessment(
                name,
                score,
                size=(height, width),
                point=np.empty(0) if point is None else next(points),
                out_of_scope=scope,
                warnings=tuple(warnings.split()),
                digest=digest,
                fingerprint=fingerprint,
                model=model,
                spread=spread,
            )
            for name, score, point, code, error, height, width, warnings, scope, digest, fingerprint, *rest in rows
            for model, spread in [rest]
        ]

    def finish(
        self,
        gradings: Sequence[Grading],
        *,
        threshold: float | Sequence[float],
        facts: dict[str, Any],
        references: Sequence[Sequence[float]] = (),
    ) -> None:
        """Set all grades in one transaction.

        Args:
            threshold: of the model, or of each where there are several.
            facts: of the run, as `run.json` shows them.
            references: of each model, scores of outstanding images that it was not fitted on.
        """
        self.flush()
        with transaction(self.results.connection):
            self.results.connection.executemany(
                "UPDATE images SET grade = ?, certainty = ?, unsure = ?, error_code = ?, error = ?, reduced = ? "
                "WHERE position = ?",
                (_grade_values(position, grading) for position, grading in enumerate(gradings)),
            )
            self.results.write_meta(threshold=threshold, facts=facts, references=[*map(list, references)])

    def close(self) -> None:
        """Commit what was added, also when the run is interrupted."""
        try:
            self.flush()
        finally:
            self._points.close()

    def _append_point(self, result: Assessment | Failure) -> int | None:
        if isinstance(result, Failure) or not len(result.point):
            return None
        return self._points.append(result.point)

    def _write(self, position: int, result: Assessment | Failure, point: int | None) -> None:
        execute = self.results.connection.execute
        execute(f"UPDATE images SET {CLEARED} WHERE position = ?", (position,))
        for table in ("findings", "facts"):
            execute(f"DELETE FROM {table} WHERE position = ?", (position,))
        self.results.connection.executemany(
            "INSERT INTO facts VALUES (?, ?, ?, ?)",
            [(position, name, fact.value, fact.source) for name, fact in result.facts.known()],
        )
        if isinstance(result, Failure):
            values = (result.code, result.message, result.out_of_scope, position)
            execute("UPDATE images SET error_code = ?, error = ?, out_of_scope = ? WHERE position = ?", values)
            return
        execute(
            "UPDATE images SET digest = ?, rows = ?, columns = ?, score = ?, percentile = ?, members = ?, spread = ?, "
            "point = ?, out_of_scope = ?, warnings = ?, fingerprint = ?, model = ?, statistics = ? "
            "WHERE position = ?",
            (
                result.digest,
                *result.size,
                result.score,
                result.percentile,
                json.dumps(result.members),
                result.spread,
                point,
                result.out_of_scope,
                " ".join(result.warnings),
                result.fingerprint,
                result.model,
                pack_statistics(result.statistics, self._names),
                position,
            ),
        )
        self.results.connection.executemany(
            f"INSERT INTO findings VALUES ({', '.join('?' * 13)})",
            [(position, rank, *astuple(finding)) for rank, finding in enumerate(result.findings)],
        )


def _grade_values(position: int, grading: Grading) -> tuple[object, ...]:
    code, _, error = grading.error.partition(": ")
    grade = None if grading.grade is None else int(grading.grade)
    reduced = json.dumps(grading.reduced) if grading.reduced else None
    return grade, grading.certainty, int(grading.unsure), code, error, reduced, position
