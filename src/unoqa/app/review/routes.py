"""The requests of the review page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, final

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from unoqa.app.review.agreement import measure_agreements
from unoqa.app.review.decide import add_decision, undo_last
from unoqa.app.review.image import check_name, describe_image, draw_image, find_heat
from unoqa.app.review.options import ReviewOptions, open_record
from unoqa.app.review.queue import list_faults, list_queue
from unoqa.app.review.tables import MEDIA, add_tables
from unoqa.core.grading import Grade
from unoqa.store.results.reviews import CAUSES, check_reader
from unoqa.web.answers import KEPT, make_renderer, render_page

if TYPE_CHECKING:
    from unoqa.web.roots import Root


FAULT_KEYS = "abcdegijklmopqrstvwxyz"
"""Keys of faults in their order: the letters that do nothing else on the page."""


@final
class Given(BaseModel):
    """A decision as the page sends it; a page of an earlier version may say more, which is not used."""

    model_config = ConfigDict(extra="ignore")

    position: int
    name: str
    reader: str
    field: str
    value: str | None
    reason: str = ""


def make_review_router(root: Root, options: ReviewOptions) -> APIRouter:
    """Return the page of review and its requests, for results below a folder."""
    router = APIRouter(prefix="/review")
    _add_page(router, root, options)
    _add_pictures(router, root, options)
    _add_decisions(router, root)
    add_tables(router, root, options)
    return router


def _add_page(router: APIRouter, root: Root, options: ReviewOptions) -> None:
    renderer = make_renderer("unoqa.app")

    @router.get("")
    def show_page(results: str = "", reader: str = options.reader, blind: bool = options.blind) -> HTMLResponse:
        """Show the page of a reader; an empty name asks for one."""
        with open_record(root, results) as record:
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
                letters=FAULT_KEYS,
                kinds=[*MEDIA],
            )

    @router.get("/queue")
    def give_queue(results: str, reader: str, blind: bool = False) -> dict[str, Any]:
        with open_record(root, results) as record:
            return list_queue(record, reader, blind=blind or options.blind)

    @router.get("/agreement")
    def give_agreement(results: str) -> list[dict[str, Any]]:
        with open_record(root, results) as record:
            return measure_agreements(record)


def _add_pictures(router: APIRouter, root: Root, options: ReviewOptions) -> None:
    @router.get("/image")
    def give_image(
        results: str, position: int, reader: str, blind: bool = False, adjudicating: bool = False
    ) -> dict[str, Any]:
        with open_record(root, results) as record:
            blind = blind or options.blind
            return describe_image(record, position, check_reader(reader), blind=blind, adjudicating=adjudicating)

    @router.get("/picture")
    def give_picture(results: str, position: int) -> Response:
        with open_record(root, results) as record:
            return Response(draw_image(record, position, images=options.images), media_type="image/png", headers=KEPT)

    @router.get("/heat")
    def give_heat(
        results: str, position: int, reader: str, blind: bool = False, adjudicating: bool = False
    ) -> Response:
        with open_record(root, results) as record:
            blind = blind or options.blind
            path = find_heat(record, position, check_reader(reader), blind=blind, adjudicating=adjudicating)
            return Response(root.follow(path).read_bytes(), media_type="image/png", headers=KEPT)


def _add_decisions(router: APIRouter, root: Root) -> None:
    @router.post("/decide")
    def decide(given: Given, results: Annotated[str, Query()]) -> dict[str, bool]:
        reader = check_reader(given.reader)
        with open_record(root, results) as record:
            check_name(record, given.position, given.name)
            add_decision(record, given.position, reader, given.field, given.value, reason=given.reason)
        return {"saved": True}

    @router.post("/undo")
    def undo(results: Annotated[str, Query()], reader: Annotated[str, Query()]) -> dict[str, Any]:
        with open_record(root, results) as record:
            undone = undo_last(record, check_reader(reader))
        return {"undone": None if undone is None else {"position": undone.position, "field": undone.field}}
