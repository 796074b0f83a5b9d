"""The requests of the first page."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from unoqa.app.start.commands import SLABS, Wish, make_command, show_command
from unoqa.app.start.folders import PAGES, REPORT, browse, find_outputs
from unoqa.app.start.images import describe_images, draw_picture
from unoqa.app.start.jobs import Jobs
from unoqa.core.errors import UsageError
from unoqa.grader.recipe import DEFAULT, Recipe, recipe_names
from unoqa.report.guide import write_guide_page
from unoqa.web.answers import make_renderer, render_page
from unoqa.web.roots import Root

APART = {"Content-Security-Policy": "sandbox allow-scripts allow-popups allow-downloads; frame-ancestors 'none'"}
"""A report has a policy of its own; apart from our pages, a file that only looks like one cannot act as the user."""

FIRST_RECIPES = (DEFAULT, "measures")
"""Recipes that the page names first."""


def make_start_router(root: Root) -> APIRouter:
    """Return the first page and its requests, for what lies below a folder."""
    router = APIRouter()
    jobs = Jobs(root)
    renderer = make_renderer("unoqa.app")

    @router.get("/")
    def show_page() -> HTMLResponse:
        recipes = {name: Recipe.named(name).description for name in recipe_names()}
        first = {name: recipes.pop(name) for name in FIRST_RECIPES}
        return render_page(
            renderer,
            "start.html",
            folder=str(root.folder),
            top=root.folder.name,
            recipes={"": first, "more": recipes},
            slabs=SLABS,
        )

    @router.get("/start/guide")
    def give_guide() -> HTMLResponse:
        return HTMLResponse(write_guide_page(), headers=APART)

    @router.get("/start/report")
    def give_report(results: str, page: str = REPORT) -> HTMLResponse:
        path = root.follow(root.find(results) / page) if page in (REPORT, *PAGES) else root.folder
        if not path.is_file():
            raise UsageError(f"{results} has no page {page}; go back and reload the first page.")
        return HTMLResponse(path.read_bytes(), headers=APART)

    _add_folders(router, root)
    _add_jobs(router, root, jobs)
    return router


def _add_folders(router: APIRouter, root: Root) -> None:
    @router.get("/start/folders")
    def give_folders(path: str = "") -> dict[str, Any]:
        return browse(root, path)

    @router.get("/start/images")
    def give_images(path: str) -> dict[str, Any]:
        return describe_images(root, path)

    @router.get("/start/picture")
    def give_picture(path: str) -> Response:
        return Response(draw_picture(root, path), media_type="image/png")


def _add_jobs(router: APIRouter, root: Root, jobs: Jobs) -> None:
    @router.get("/start/jobs")
    def give_jobs() -> list[dict[str, Any]]:
        return jobs.list()

    @router.get("/start/outputs")
    def give_outputs() -> dict[str, list[Any]]:
        return find_outputs(root)

    @router.post("/start/command")
    def give_command(wish: Wish) -> dict[str, str]:
        try:
            return {"command": show_command(make_command(root, wish))}
        except UsageError as error:  # expected while a form is filled in
            return {"missing": str(error)}

    @router.post("/start/jobs")
    def start(wish: Wish) -> dict[str, str]:
        try:
            return {"name": jobs.start(make_command(root, wish))}
        except UsageError as error:
            return {"missing": str(error)}

    @router.post("/start/stop", status_code=HTTPStatus.NO_CONTENT)
    def stop(name: Annotated[str, Query()]) -> None:
        jobs.stop(name)

    @router.post("/start/remove", status_code=HTTPStatus.NO_CONTENT)
    def remove(name: Annotated[str, Query()]) -> None:
        jobs.remove(name)

    @router.post("/start/resume", status_code=HTTPStatus.NO_CONTENT)
    def resume(name: Annotated[str, Query()]) -> None:
        jobs.resume(name)
