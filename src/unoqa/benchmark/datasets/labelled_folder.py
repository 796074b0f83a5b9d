"""Any folder of images with one table of grades."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.contract import DataSet, Study
from unoqa.benchmark.datasets.parts.image_search import find_images, format_count, note_left_out
from unoqa.benchmark.datasets.parts.label_file import (
    LabelRow,
    MatchedRow,
    group_by_device,
    match_images,
    read_label_file,
)
from unoqa.benchmark.datasets.parts.splitting import check_study, draw_half_split
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade
from unoqa.core.settings import settings
from unoqa.store.tables.rows import read_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

COLUMNS = ("image", "grade")

TABLE_SUFFIXES = ((".csv", ".tsv", ".txt"), (".xlsx", ".xlsm"))
"""Suffixes of text and of workbooks, which count only if no text has the columns."""

SPLITS = ("fit", "test", "external", "validation")
"""Possible values of the column `split`."""

HINT = (
    "labelled-folder expects images, in subfolders or not, and one CSV with columns image,grade in the folder itself."
)

ONLY_STUDY = "all"
"""The study's name if the table names no device."""


@final
@settings
class LabelledFolder(DataSet):
    """Images and one CSV with columns image,grade; optional columns are device and split.

    The CSV, or else an Excel workbook (extra `tables`), lies in the folder itself, the images anywhere below. It names
    images by their paths in the folder, or by their file names alone if those are unique. Each device is a study.
    Without splits (fit, test, external, validation) a seeded half of the outstanding images, at most 80, is fitted on,
    and all other images are the test.
    """

    def find_studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find the table and its images; images without a label are left out."""
        images = find_images(folder, HINT)
        path = _find_table(folder)
        table = read_label_file(path, COLUMNS)
        _check_splits(table.rows, path)
        matched = match_images(table.rows, images, path=path, root=folder)
        notes = note_left_out(len(images) - len(matched), table.rows_without_grade)
        return tuple(_make_study(device, rows, notes, seed=seed) for device, rows in group_by_device(matched))


def _find_table(folder: Path) -> Path:
    """Find the one table with the columns."""
    texts, books = (_list_files(folder, suffixes) for suffixes in TABLE_SUFFIXES)
    tables = texts + books
    found = _filter_tables(texts) or _filter_tables(books)
    if len(found) == 1:
        return found[0]
    if len(tables) == len(books) == 1:
        return books[0]  # reading it says what is missing
    names = ", ".join(path.name for path in found or tables)
    if found:
        raise DataSetError(f"{folder} holds {len(found)} CSVs with columns image,grade ({names}); keep one of them.")
    raise DataSetError(f"{folder} holds no CSV with columns image,grade (found: {names or 'no CSV'}); {HINT}")


def _list_files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the files of these kinds, without the hidden ones and those that mark a file as open."""
    files = (path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    return sorted(path for path in files if not path.name.startswith((".", "~$")))


def _filter_tables(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if read_header(path, COLUMNS)]


def _check_splits(rows: Sequence[LabelRow], path: Path) -> None:
    """Raise a DataSetError for an unknown split."""
    for row in rows:
        if row.split and row.split not in SPLITS:
            raise DataSetError(f"Line {row.line} of {path} has split '{row.split}'; use {', '.join(SPLITS)}.")


def _make_study(device: str, matched: Sequence[MatchedRow], notes: tuple[str, ...], *, seed: int) -> Study:
    name = device or ONLY_STUDY
    if any(match.row.split for match in matched):
        return check_study(_apply_splits(name, matched, notes), "labelled-folder")
    fit, test = draw_half_split([match.image for match in matched], f"labelled-folder, study {name}", seed=seed)
    return check_study(Study(name, fit, test, notes=notes), "labelled-folder")


def _apply_splits(name: str, matched: Sequence[MatchedRow], notes: tuple[str, ...]) -> Study:
    to_fit, test, external, validation = (
        tuple(match.image for match in matched if match.row.split == split) for split in SPLITS
    )
    fit = tuple(image.reference for image in to_fit if image.grade is Grade.OUTSTANDING)
    worse = len(to_fit) - len(fit)
    if worse:
        notes = (*notes, f"Left out: {format_count(worse)} of the split fit, not outstanding.")
    return Study(name, fit, test, external, validation, notes)
