"""What both applications begin with: answers to mistakes, and the styles and scripts of the pages."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from fastapi import Response

from unoqa.report.assets import read_asset
from unoqa.web.answers import make_application, serve_asset

if TYPE_CHECKING:
    from fastapi import FastAPI

THEME = "theme.css"
"""The look that all pages of unoqa share."""


def begin_app() -> FastAPI:
    """Return an application without pages, which gives the styles and scripts of all."""
    app = make_application()

    @app.get("/assets/{name}")
    def give_asset(name: str) -> Response:
        if name == THEME:
            return Response(read_asset(THEME), media_type="text/css")
        return serve_asset(files("unoqa.app") / "assets", name)

    return app
