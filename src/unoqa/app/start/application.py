"""The whole app for what lies below a folder: the first page, and the review of each results folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.app.application import begin_app
from unoqa.app.review.options import ReviewOptions
from unoqa.app.review.routes import make_review_router
from unoqa.app.start.routes import make_start_router
from unoqa.web.roots import Root

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI


def make_app(folder: Path, options: ReviewOptions) -> FastAPI:
    """Return the whole app for a folder."""
    app, root = begin_app(), Root(folder)
    app.include_router(make_start_router(root))
    app.include_router(make_review_router(root, options))
    return app
