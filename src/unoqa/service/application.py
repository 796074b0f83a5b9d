"""The service as an application: its requests, its counts, and what it starts and ends."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from unoqa.core.progress import ignore
from unoqa.service.access import Access
from unoqa.service.batches import Batches
from unoqa.service.desk import Desk
from unoqa.service.metrics import Metrics
from unoqa.service.routes import make_batch_router, make_image_router
from unoqa.service.schemas import describe_errors
from unoqa.version import __version__
from unoqa.web.answers import SENTENCE, make_application

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

    from unoqa.grader.choice_of_model import Models
    from unoqa.service.options import ServiceOptions

NOT_READY = "Batches wait because files cannot be written or read; the state of a batch and stderr say which."
"""What anybody may know of a trouble, without a token."""


def make_service(
    models: Mapping[str, Models], options: ServiceOptions, *, notify: Callable[[str], None] = ignore
) -> Access:
    """Return the service.

    Args:
        models: by name; all settled.
        notify: takes sentences for who runs it.

    Raises:
        UsageError: a model is not settled.
    """
    desk = Desk(models, threads=options.threads)
    batches = Batches(options.batches, models, notify=notify)

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        del app
        batches.start()
        try:
            yield
        finally:
            batches.stop()
            desk.close()

    app = make_application(
        title="unoqa", version=__version__, openapi_url="/openapi.json", lifespan=run, redirect_slashes=False
    )
    guarded = Access(app, token=options.token, hosts=options.hosts, max_bytes=options.max_bytes, places=options.queue)
    metrics = Metrics(lambda: guarded.busy, batches.count_open)
    app.add_exception_handler(HTTPException, _answer_status)
    app.add_exception_handler(LookupError, _answer_unknown)
    app.include_router(make_image_router(desk, metrics, options))
    app.include_router(make_batch_router(desk, batches, options))
    _add_health(app, metrics, batches)
    return guarded


def _add_health(app: FastAPI, metrics: Metrics, batches: Batches) -> None:
    @app.get("/healthz")
    async def tell_health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", responses=describe_errors(503))
    async def tell_readiness() -> dict[str, str]:
        if batches.trouble:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, NOT_READY)
        return {"status": "ok"}

    @app.get("/metrics", response_class=Response, responses=describe_errors(401, 403))
    async def give_metrics() -> Response:
        return Response(metrics.render(), media_type="text/plain; version=0.0.4")


def _answer_status(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:  # of several routes, Starlette names the first one's methods
        headers["Allow"] = ", ".join(sorted(_find_methods(request)))
    return JSONResponse({SENTENCE: error.detail}, error.status_code, headers=headers)


def _find_methods(request: Request) -> set[str]:
    """Return the methods that a path takes."""
    known = request.app.openapi()["paths"]
    patterns = {re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)): path for path in known}
    path = next((path for one, path in patterns.items() if re.fullmatch(one, request.url.path)), None)
    return {method.upper() for method in known.get(path, {})}


def _answer_unknown(request: Request, error: Exception) -> JSONResponse:
    del request
    return JSONResponse({SENTENCE: f"There is no batch {error}."}, 404)
