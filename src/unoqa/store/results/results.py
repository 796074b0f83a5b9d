"""A results folder as an object: rows, findings, facts, points, decisions, and where its files lie."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from unoqa.core.errors import ResultsError, UsageError
from unoqa.core.facts import Fact, Facts
from unoqa.core.findings import Finding
from unoqa.core.grading import Grade, Grading
from unoqa.store.results.database import RECORD, attach, connect, explaining_damage
from unoqa.store.results.decisions import Decision, add_decision, read_decisions
from unoqa.store.results.folder import heat_path
from unoqa.store.results.frame import make_frame
from unoqa.store.results.legacy import is_legacy, read_legacy
from unoqa.store.results.models import find_threshold
from unoqa.store.results.places import ImageEntry, find_place
from unoqa.store.results.points import PointFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    import pandas as pd

_FINDING = "measure, words, strength, slight, place, share, value, low, high, unit, direction"


@final
class Results:
    """The record of a results folder.

    Several processes may read it; readers' decisions are short transactions that any local process may make, also
    while another one grades.

    Attributes:
        folder: the results folder.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self.connection = connection

    @classmethod
    def open(cls, folder: str | Path, *, vfs: str | None = None) -> Results:
        """Open the results in a folder.

        Results of unoqa 0.1.0, which have no record, are read from `grades.csv` and `run.json`.

        Args:
            vfs: see `unoqa.store.results.database.connect`.

        Raises:
            ResultsError: there are none, or they are damaged or of a newer version.
        """
        folder = Path(folder)
        if folder.is_file():
            raise ResultsError(f"{folder} is a file; name the results folder that `unoqa grade` made.")
        if (folder / RECORD).is_file():
            return cls(folder, connect(folder, vfs=vfs))
        if is_legacy(folder):
            return cls(folder, read_legacy(folder))
        what = "holds no results" if folder.is_dir() else "does not exist"
        raise ResultsError(f"{folder} {what}; name a folder that `unoqa grade … -o FOLDER` made.")

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the record."""
        self.connection.close()

    def __len__(self) -> int:
        return int(self._value("SELECT count(*) FROM images"))

    def __repr__(self) -> str:
        return f"Results({str(self.folder)!r}, {len(self)} images)"

    @property
    def facts(self) -> dict[str, Any]:
        """Facts of the run: versions, seed, model, settings, threshold, counts, times; empty before it is finished."""
        return dict(self.read_meta("facts", {}))

    @property
    def finished(self) -> bool:
        """Whether the last run was finished; until then some images have no grade, or one of an earlier run."""
        return bool(self.facts)

    def check_finished(self) -> None:
        """Refuse results that are half done.

        Raises:
            ResultsError: the run is not finished.
        """
        if not self.finished:
            raise ResultsError(f"The run in {self.folder} is not finished; give the same `unoqa grade` command again.")

    @property
    def gradings(self) -> tuple[Grading, ...]:
        """One grading per image, in the order in which the images were named."""
        return tuple(self.iterate())

    def grading(self, position: int) -> Grading:
        """Return the grading of one image, by its position."""
        return next(self.iterate(position, position))

    def iterate(self, first: int = 0, last: int = sys.maxsize) -> Iterator[Grading]:
        """Yield the gradings one at a time, so that a large record is never held in memory.

        Args:
            first: position of the first image wanted.
            last: position of the last one.
        """
        with self._explained():
            yield from self._iterate(first, last)

    def _iterate(self, first: int, last: int) -> Iterator[Grading]:
        threshold = self.read_meta("threshold", float("nan"))
        wanted = "WHERE position BETWEEN ? AND ? ORDER BY position"
        every = self._select(f"SELECT position, {_FINDING} FROM findings {wanted}, rank", first, last)
        rows = self._select(
            "SELECT position, name, grade, score, certainty, percentile, error_code, error, out_of_scope, model, "
            f"unsure FROM images {wanted}",
            first,
            last,
        )
        for row, found in attach(rows, every):
            _, name, grade, score, certainty, percentile, code, error, out_of_scope, model, unsure = row
            yield Grading(
                image=name,
                grade=None if grade is None else Grade(grade),
                score=score,
                threshold=find_threshold(threshold, model),
                certainty=certainty,
                findings=tuple(_to_finding(one[1:]) for one in found),
                error=f"{code}: {error}" if code else "",
                percentile=percentile,
                out_of_scope=out_of_scope,
                unsure=bool(unsure),
            )

    def count(self, grade: Grade | None) -> int:
        """Count the images of a grade; of None, those without one."""
        return int(self._value("SELECT count(*) FROM images WHERE grade IS ?", None if grade is None else int(grade)))

    def count_out_of_scope(self) -> int:
        """Count the images without a score, since they are known not to be such scans as the model is for."""
        return int(self._value("SELECT count(*) FROM images WHERE out_of_scope != '' AND score IS NULL"))

    def count_scored_without_grade(self) -> int:
        """Count the images that are not outstanding and have no grade, since too few are."""
        return int(self._value("SELECT count(*) FROM images WHERE grade IS NULL AND score IS NOT NULL"))

    def list_errors(self, most: int) -> list[tuple[str, str]]:
        """Return name and error of the first images without a grade."""
        rows = self._select(
            "SELECT name, error_code || ': ' || error FROM images WHERE grade IS NULL ORDER BY position LIMIT ?",
            most,
        )
        return [(name, error) for name, error in rows]

    def list_errors_of(self, names: Sequence[str]) -> list[tuple[str, str, bool]]:
        """Return, of those of the images that have no grade, name, error, and whether they are only out of scope."""
        rows = self._select(
            "SELECT name, error_code || ': ' || error, out_of_scope != '' FROM images "
            "WHERE grade IS NULL AND name IN (SELECT value FROM json_each(?)) ORDER BY position",
            json.dumps(names),
        )
        return [(name, error, bool(out)) for name, error, out in rows]

    def list_words(self) -> list[str]:
        """Return the words of all findings, sorted: what a record of an earlier version names of faults."""
        return [words for (words,) in self._select("SELECT DISTINCT words FROM findings ORDER BY words")]

    def facts_of(self, position: int) -> Facts:
        """Return what is known of a scan beside its pixels."""
        rows = self._select("SELECT name, value, source FROM facts WHERE position = ?", position)
        return Facts(**{name: Fact(value, source) for name, value, source in rows})

    def members_of(self, position: int) -> tuple[float, ...]:
        """Return the weighted standardised score of each member of the panel for one image."""
        text = self._value("SELECT members FROM images WHERE position = ?", position)
        return tuple(json.loads(text)) if text else ()

    def points(self) -> PointFile:
        """Return the file of points."""
        layout = self.read_meta("points", {"width": 0, "dtype": "<f8"})
        rows = self._value("SELECT coalesce(max(point) + 1, 0) FROM images")
        return PointFile(self.folder, layout["width"], layout["dtype"], int(rows))

    def entries(self) -> list[ImageEntry]:
        """Return the images as they were named."""
        rows = self._select("SELECT name, path, page FROM images ORDER BY position")
        return [ImageEntry(*row) for row in rows]

    def entry(self, name: str, *, images: Path | None = None) -> ImageEntry:
        """Return one image by its name.

        Args:
            images: the folder where the images lie now, if they were moved from where they lay.

        Raises:
            ResultsError: it is not known where it lay, or it lay outside the folder of the others.
        """
        row = next(self._select("SELECT name, path, page FROM images WHERE name = ?", name), (name, "", 0))
        place = find_place(self.folder, ImageEntry(*row), self.read_meta("root", ""), images)
        return ImageEntry(row[0], str(place), row[2])

    def heat_path(self, name: str) -> Path:
        """Return the file of an image's heat overlay."""
        return heat_path(self.folder, name)

    def check_takes_decisions(self) -> None:
        """Refuse results of unoqa 0.1.0: they have no record in which a decision could be kept.

        Raises:
            ResultsError: they are such results.
        """
        if not (self.folder / RECORD).is_file():
            raise ResultsError(
                f"{self.folder} holds results of unoqa 0.1.0, which keep no decisions of readers; grade the images "
                "again: `unoqa grade IMAGES -m MODEL -o NEW`."
            )

    def decide(self, position: int, reader: str, field: str, new: str | None, *, reason: str = "") -> Decision | None:
        """Add a reader's decision about an image; what the reader decided before stays in the record.

        Args:
            field: what is decided, such as `grade`, `note` or `cause`; see `unoqa.store.results.reviews`.
            new: the decision; None withdraws it.

        Returns:
            The decision as it is in the record; None if the reader had decided the same already.

        Raises:
            UsageError: there is no such image, or an earlier decision is changed without a reason.
            ResultsError: the results are of unoqa 0.1.0.
        """
        self.check_takes_decisions()
        if not 0 <= position < len(self):
            raise UsageError(f"{self.folder} has no image at position {position}; it has {len(self)} images.")
        with self._explained():
            return add_decision(self.connection, position, reader, field, new, reason)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All decisions of readers, the earliest first."""
        with self._explained():
            return read_decisions(self.connection)

    def decisions_about(self, position: int) -> tuple[Decision, ...]:
        """Return the decisions about one image, the earliest first."""
        with self._explained():
            return read_decisions(self.connection, position)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per image as a data frame (extra `tables`).

        Raises:
            UsageError: pandas is not installed.
        """
        return make_frame(self.iterate())

    def read_meta(self, key: str, default: Any) -> Any:  # noqa: ANN401 - JSON
        """Return a value of the record's own facts."""
        row = next(self._select("SELECT value FROM meta WHERE key = ?", key), None)
        with self._explained():
            return default if row is None else json.loads(row[0])

    def write_meta(self, **values: Any) -> None:  # noqa: ANN401 - JSON
        """Set values of the record's own facts, within the caller's transaction."""
        self.connection.executemany(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [(key, json.dumps(value, ensure_ascii=False)) for key, value in values.items()],
        )

    def _value(self, query: str, *values: object) -> Any:  # noqa: ANN401 - whatever the column holds
        return next(self._select(query, *values))[0]

    def _select(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Yield rows; an error of SQLite becomes a sentence."""
        with self._explained():
            yield from iter(self.connection.execute(query, values).fetchone, None)

    def _explained(self) -> AbstractContextManager[None]:
        return explaining_damage(self.folder / RECORD)


def _to_finding(row: tuple[Any, ...]) -> Finding:
    measure, words, strength, slight, place, share, value, low, high, unit, direction = row
    return Finding(measure, words, strength, bool(slight), place, share, value, low, high, unit, direction)
