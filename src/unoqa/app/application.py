"""The applications: review of one results folder, and the whole app for a folder."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import FastAPI, Response
from fastapi.responses import RedirectResponse

from unoqa.app.review.routes import ReviewOptions, make_review_router
from unoqa.app.start.routes import make_start_router
from unoqa.report.assets import read_asset
from unoqa.web.answers import make_application, serve_asset
from unoqa.web.roots import Root

if TYPE_CHECKING:
    from pathlib import Path

THEME = "theme.css"
"""The look that all pages of unoqa share."""


def make_review_app(results: Path, options: ReviewOptions) -> FastAPI:
    """Return the review of one results folder."""
    app = make_application()
    add_assets(app)
    app.include_router(make_review_router(Root(results), options))
    reader = f"?reader={quote(options.reader)}" if options.reader else ""

    @app.get("/")
    def open_review() -> RedirectResponse:
        return RedirectResponse(f"/review{reader}")

    return app


def make_app(folder: Path, options: ReviewOptions) -> FastAPI:
    """Return the whole app for what lies below a folder."""
    app = make_application()
    root = Root(folder)
    add_assets(app)
    app.include_router(make_start_router(root))
    app.include_router(make_review_router(root, options))
    return app


def add_assets(app: FastAPI) -> None:
    """Add styles and scripts of the pages."""

    @app.get("/assets/{name}")
    def give_asset(name: str) -> Response:
        if name == THEME:
            return Response(read_asset(THEME), media_type="text/css")
        return serve_asset(files("unoqa.app") / "assets", name)
