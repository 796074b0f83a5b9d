"""The review of one results folder; apart from the whole app, so that it starts without the libraries that fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import RedirectResponse

from unoqa.app.application import begin_app
from unoqa.app.review.options import ReviewOptions
from unoqa.app.review.routes import make_review_router
from unoqa.web.roots import Root

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI


def make_review_app(results: Path, options: ReviewOptions) -> FastAPI:
    """Return the review of one results folder."""
    app = begin_app()
    app.include_router(make_review_router(Root(results), options))

    @app.get("/")
    def open_review() -> RedirectResponse:
        return RedirectResponse("/review")

    return app
