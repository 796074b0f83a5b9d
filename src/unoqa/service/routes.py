"""The requests of the service."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, File, Form, HTTPException, Path, Request, Response, UploadFile
from fastapi.responses import FileResponse, JSONResponse

from unoqa.core.errors import UsageError
from unoqa.service.desk import clean_name, describe_grading
from unoqa.service.schemas import BatchState, Error, GradedImage, ServedModel, describe_errors
from unoqa.store.results import Results
from unoqa.web.roots import Root

if TYPE_CHECKING:
    from unoqa.service.batches import Batches
    from unoqa.service.desk import Desk
    from unoqa.service.metrics import Metrics
    from unoqa.service.options import ServiceOptions

POLL_SECONDS = 0.5
"""How often a request looks whether its client is still there."""

USUAL = (400, 401, 403, 413, 422)
"""Errors that any request with a body may get."""

VIEWS = {"grades.csv": "text/csv; charset=utf-8", "run.json": "application/json", "report.html": "text/html"}
"""Files of a results folder that are served, and what they are."""

APART = {"Content-Security-Policy": "sandbox allow-scripts allow-popups allow-downloads; frame-ancestors 'none'"}
"""A report has a policy of its own; apart from the service, a file that only looks like one can do nothing."""


def make_image_router(desk: Desk, metrics: Metrics, options: ServiceOptions) -> APIRouter:
    """Return the requests about single images and models."""
    router = APIRouter(prefix="/v1")
    refused = describe_errors(*USUAL, 429, 503) | {
        422: {"model": GradedImage | Error, "description": "It cannot be graded."}
    }

    @router.post("/grade", response_model=GradedImage, response_model_exclude_unset=True, responses=refused)
    async def grade(
        request: Request,
        file: Annotated[UploadFile, File(description="One image, or one DICOM object.")],
        model: Annotated[str | None, Form(description="Name of the model, where several are served.")] = None,
        heat: Annotated[bool, Form(description="Whether to return the heat overlay.")] = False,
    ) -> Any:  # noqa: ANN401 - a GradedImage as a dictionary
        started = time.monotonic()
        work = asyncio.ensure_future(
            desk.grade(file.filename or "image", await file.read(), desk.find(model), heat=heat)
        )
        described = await _await_while_wanted(request, work, options.seconds)
        metrics.count(described, time.monotonic() - started)
        failed = described["score"] is None
        return JSONResponse(described, HTTPStatus.UNPROCESSABLE_ENTITY) if failed else described

    @router.get("/models", responses=describe_errors(401, 403))
    async def list_models() -> list[ServedModel]:
        return [
            ServedModel(
                name=name, checksum=one.checksum, recipes=[grader.grader.model.recipe for grader in one.graders]
            )
            for name, one in desk.models.items()
        ]

    return router


async def _await_while_wanted(request: Request, work: asyncio.Future[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return the result; stop waiting when the client is gone or the time is over.

    Raises:
        HTTPException: 503 after the time; 499 where nobody reads the answer.
    """
    ends = time.monotonic() + seconds
    try:
        while True:
            done, _ = await asyncio.wait((work,), timeout=POLL_SECONDS)
            if done:
                return work.result()
            if await request.is_disconnected():
                raise HTTPException(499, "The client is gone.")
            if time.monotonic() > ends:
                sentence = f"The image was not graded within {seconds:g} seconds; send it again later."
                raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, sentence, {"Retry-After": "10"})
    finally:
        work.cancel()


BatchName = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


def make_batch_router(desk: Desk, batches: Batches, options: ServiceOptions) -> APIRouter:
    """Return the requests about batches."""
    router = APIRouter(prefix="/v1/batches")
    root = None if options.files_root is None else Root(options.files_root)

    @router.post("", status_code=HTTPStatus.ACCEPTED, responses=describe_errors(*USUAL))
    async def add(
        files: Annotated[list[UploadFile], File(description="Images.")] = [],  # noqa: B006 - FastAPI copies it
        paths: Annotated[list[str], Form(description="Images or folders below --files-root.")] = [],  # noqa: B006 - as above
        model: Annotated[str | None, Form(description="Name of the model, where several are served.")] = None,
    ) -> BatchState:
        if bool(files) == bool(paths):
            raise UsageError("Send either files or paths of a batch.")
        if paths and root is None:
            raise UsageError("This service was started without --files-root; send the files themselves.")
        chosen = next(name for name, one in desk.models.items() if one is desk.find(model))
        found = [root.find(path) for path in paths] if root is not None else []
        sent = [(clean_name(one.filename or "image"), await one.read()) for one in files]
        return BatchState(**batches.describe(batches.add(chosen, found, sent)))

    _add_answers(router, batches)
    return router


def _add_answers(router: APIRouter, batches: Batches) -> None:
    errors = describe_errors(*USUAL, 404)

    @router.get("", responses=describe_errors(401, 403))
    def list_batches() -> list[BatchState]:
        return [BatchState(**batches.describe(name)) for name in batches.list()]

    @router.get("/{batch}", responses=errors)
    def describe(batch: BatchName) -> BatchState:
        return BatchState(**batches.describe(batch))

    @router.delete("/{batch}", responses=errors)
    def cancel(batch: BatchName) -> BatchState:
        batches.cancel(batch)
        return BatchState(**batches.describe(batch))

    @router.get("/{batch}/images", responses=errors)
    def give_images(batch: BatchName) -> list[GradedImage]:
        with Results.open(batches.results(batch)) as results:
            return [GradedImage(**describe_grading(grading)) for grading in results.iterate()]

    @router.get("/{batch}/{view}", response_class=Response, responses=errors)
    def give_view(batch: BatchName, view: Literal["grades.csv", "run.json", "report.html"]) -> Response:
        return FileResponse(batches.results(batch) / view, media_type=VIEWS[view], headers=APART)
