"""The requests of the review page."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, final

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from unoqa.app.review.agreement import measure_agreements
from unoqa.app.review.decide import add_decision, undo_last
from unoqa.app.review.image import check_name, describe_image, draw_image, find_heat
from unoqa.app.review.queue import list_faults, list_queue
from unoqa.benchmark.corrections import Correction, apply_corrections, find_corrections
from unoqa.core.grading import Grade
from unoqa.outputs import OUTPUTS
from unoqa.store.results import Results
from unoqa.store.results.database import RECORD
from unoqa.store.results.reviews import CAUSES, check_reader
from unoqa.web.answers import KEPT, make_renderer, render_page
from unoqa.web.roots import Root

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
"""Kinds of tables that the page offers."""


@final
@dataclass(frozen=True)
class ReviewOptions:
    """How images are reviewed.

    Attributes:
        reader: who reviews; empty to ask on the page.
        blind: whether the machine's grade, findings and heat are hidden until the reader has graded an image.
        images: folder where the images lie now; None if they lie where they were graded.
    """

    reader: str = ""
    blind: bool = False
    images: Path | None = None


@final
class Given(BaseModel):
    """A decision as the page sends it."""

    model_config = ConfigDict(extra="forbid")

    position: int
    name: str
    reader: str
    field: str
    value: str | None
    reason: str = ""
    blind: bool = False


def make_review_router(root: Root, options: ReviewOptions) -> APIRouter:
    """Return the page of review and its requests, for results below a folder."""
    router = APIRouter(prefix="/review")
    _add_page(router, root, options)
    _add_pictures(router, root, options)
    _add_decisions(router, root, options)
    _add_tables(router, root)
    return router


def _open(root: Root, results: str) -> Results:
    folder = root.find(results)
    root.follow(folder / RECORD)  # a link would lead to another folder's record
    return Results.open(folder)


def _add_page(router: APIRouter, root: Root, options: ReviewOptions) -> None:
    renderer = make_renderer("unoqa.app")

    @router.get("")
    def show_page(results: str = "", reader: str = options.reader, blind: bool = options.blind) -> HTMLResponse:
        """Show the page of a reader; an empty name asks for one."""
        with _open(root, results) as record:
            record.check_takes_decisions()
            return render_page(
                renderer,
                "review.html",
                title=record.folder.name,
                folder=str(record.folder),
                results=results,
                reader=check_reader(reader) if reader else "",
                blind=blind or options.blind,
                grades=[grade.word for grade in Grade],
                faults=list_faults(record),
                causes=CAUSES,
                kinds=[*MEDIA],
            )

    @router.get("/queue")
    def give_queue(results: str, reader: str) -> dict[str, Any]:
        with _open(root, results) as record:
            return list_queue(record, reader)

    @router.get("/agreement")
    def give_agreement(results: str) -> list[dict[str, Any]]:
        with _open(root, results) as record:
            return measure_agreements(record)


def _add_pictures(router: APIRouter, root: Root, options: ReviewOptions) -> None:
    @router.get("/image")
    def give_image(
        results: str, position: int, reader: str, blind: bool = False, adjudicating: bool = False
    ) -> dict[str, Any]:
        with _open(root, results) as record:
            blind = blind or options.blind
            return describe_image(record, position, reader, blind=blind, adjudicating=adjudicating)

    @router.get("/picture")
    def give_picture(results: str, position: int) -> Response:
        with _open(root, results) as record:
            return Response(draw_image(record, position, images=options.images), media_type="image/png", headers=KEPT)

    @router.get("/heat")
    def give_heat(
        results: str, position: int, reader: str, blind: bool = False, adjudicating: bool = False
    ) -> Response:
        with _open(root, results) as record:
            path = find_heat(record, position, reader, blind=blind or options.blind, adjudicating=adjudicating)
            return Response(root.follow(path).read_bytes(), media_type="image/png", headers=KEPT)


def _add_decisions(router: APIRouter, root: Root, options: ReviewOptions) -> None:
    @router.post("/decide")
    def decide(given: Given, results: Annotated[str, Query()]) -> dict[str, bool]:
        reader = check_reader(given.reader)
        with _open(root, results) as record:
            check_name(record, given.position, given.name)
            blind = given.blind or options.blind
            add_decision(record, given.position, reader, given.field, given.value, reason=given.reason, blind=blind)
        return {"saved": True}

    @router.post("/undo")
    def undo(results: Annotated[str, Query()], reader: Annotated[str, Query()]) -> dict[str, Any]:
        with _open(root, results) as record:
            undone = undo_last(record, check_reader(reader))
        return {"undone": None if undone is None else {"position": undone.position, "field": undone.field}}


def _add_tables(router: APIRouter, root: Root) -> None:
    @router.get("/export")
    def export(results: str, kind: Literal["csv", "xlsx", "parquet"] = "csv") -> Response:
        output = OUTPUTS.load(kind)
        with _open(root, results) as record, tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / output.file
            output().write(record, path)
            named = {"Content-Disposition": f'attachment; filename="{output.file}"'}
            return Response(path.read_bytes(), media_type=MEDIA[kind], headers=named)

    @router.post("/correct")
    def correct(
        table: Annotated[bytes, Body(media_type="application/octet-stream")],
        results: str,
        reader: str,
        take: Literal["nothing", "changes", "all"] = "nothing",
        adjudicate: bool = False,
    ) -> dict[str, Any]:
        reader = check_reader(reader)
        with _open(root, results) as record, tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table"
            path.write_bytes(table)
            found = find_corrections(record, path)
            wanted = {"nothing": (), "changes": found.changes, "all": (*found.changes, *found.conflicts)}[take]
            apply_corrections(record, wanted, reader=reader, reason="corrected in a table", adjudicate=adjudicate)
        return {
            "taken": len(wanted),
            "changes": [_describe_correction(one) for one in found.changes],
            "conflicts": [_describe_correction(one) for one in found.conflicts],
            "unmatched": found.unmatched,
        }


def _describe_correction(one: Correction) -> dict[str, Any]:
    exported, current = (None if grade is None else grade.word for grade in (one.exported, one.current))
    return {"image": one.image, "exported": exported, "current": current, "wanted": one.wanted.word, "by": one.by}
