"""Final grades out as a table, and corrected ones back in."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Body, Response

from unoqa.app.review.options import ReviewOptions, open_record
from unoqa.app.review.sight import check_may_see_all
from unoqa.benchmark.corrections import Correction, apply_corrections, find_corrections
from unoqa.core.errors import ResultsError, UsageError
from unoqa.outputs import OUTPUTS
from unoqa.store.results.reviews import check_reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unoqa.web.roots import Root

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
"""Kinds of tables that the page offers."""


def add_tables(router: APIRouter, root: Root, options: ReviewOptions) -> None:
    """Add the requests for tables to those of the review page."""

    @router.get("/export")
    def export(
        results: str, reader: str, kind: Literal["csv", "xlsx", "parquet"] = "csv", blind: bool = False
    ) -> Response:
        output = OUTPUTS.load(kind)
        with open_record(root, results) as record, tempfile.TemporaryDirectory() as folder:
            check_may_see_all(record, check_reader(reader), blind=blind or options.blind)
            path = Path(folder) / output.file
            output().write(record, path)
            named = {"Content-Disposition": f'attachment; filename="{output.file}"'}
            return Response(path.read_bytes(), media_type=MEDIA[kind], headers=named)

    @router.post("/correct")
    def correct(
        results: str,
        reader: str,
        table: Annotated[bytes, Body(media_type="application/octet-stream")] = b"",
        name: str = "the table",
        take: Literal["nothing", "changes", "all"] = "nothing",
        blind: bool = False,
        adjudicate: bool = False,
    ) -> dict[str, Any]:
        reader = check_reader(reader)
        with open_record(root, results) as record, _write_table(table, name) as path:
            check_may_see_all(record, reader, blind=blind or options.blind)
            found = find_corrections(record, path)
            wanted = {"nothing": (), "changes": found.changes, "all": (*found.changes, *found.conflicts)}[take]
            apply_corrections(record, wanted, reader=reader, reason=f"corrected in {name}", adjudicate=adjudicate)
        return {
            "taken": len(wanted),
            "changes": [_describe_correction(one, reader) for one in found.changes],
            "conflicts": [_describe_correction(one, reader) for one in found.conflicts],
            "unmatched": found.unmatched,
        }


@contextmanager
def _write_table(table: bytes, name: str) -> Iterator[Path]:
    """Give a file that holds a table; what is wrong with it is said of the name that the user knows.

    Raises:
        UsageError: it is empty, or no table of these results.
    """
    if not table:
        raise UsageError(f"{name} is empty; choose the table that was exported and corrected.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        path.write_bytes(table)
        try:
            yield path
        except ResultsError as error:
            raise UsageError(str(error).replace(str(path), name)) from error


def _describe_correction(one: Correction, reader: str) -> dict[str, Any]:
    exported, current = (None if grade is None else grade.word for grade in (one.exported, one.current))
    return {
        "image": one.image,
        "exported": exported,
        "current": current,
        "wanted": one.wanted.word,
        "by": one.by,
        "disputed": one.is_disputed(reader),
    }
