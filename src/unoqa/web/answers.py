"""How an answer is made: pages from templates, pictures, and errors as one sentence."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from unoqa.core.errors import ResultsError, UnoqaError, UsageError
from unoqa.store.files import describe_os_error

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from starlette.requests import Request

SENTENCE = "error"
"""The key of the sentence in an answer that is an error."""

KEPT = {"Cache-Control": "private, max-age=600"}
"""Of pictures, which the browser may keep: each page that is opened gives them addresses of its own."""

SUFFIXES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def make_application(*, openapi_url: str | None = None, **described: Any) -> FastAPI:  # noqa: ANN401 - as FastAPI
    """Return an application without pages, whose errors are sentences."""
    # FastAPI's own pages load scripts from elsewhere.
    app = FastAPI(openapi_url=openapi_url, docs_url=None, redoc_url=None, **described)
    app.add_exception_handler(UnoqaError, _answer_mistake)
    app.add_exception_handler(ResultsError, _answer_not_now)
    app.add_exception_handler(OSError, _answer_disk)
    app.add_exception_handler(RequestValidationError, _answer_wrong_values)
    return app


def make_renderer(package: str) -> Environment:
    """Return the templates in a package's folder `pages`; all that is put into them is escaped."""
    return Environment(loader=PackageLoader(package, "pages"), autoescape=True, undefined=StrictUndefined)


def render_page(renderer: Environment, template: str, **values: Any) -> HTMLResponse:  # noqa: ANN401 - as jinja2
    """Return a page."""
    return HTMLResponse(renderer.get_template(template).render(**values))


def serve_asset(folder: Traversable, name: str) -> Response:
    """Return a style or script that lies in a folder of the package.

    Raises:
        UsageError: there is none of this name.
    """
    suffix = name[name.rfind(".") :]
    if "/" in name or "\\" in name or suffix not in SUFFIXES or not (folder / name).is_file():
        raise UsageError(f"There is no file {name!r} among those of the pages.")
    return Response((folder / name).read_bytes(), media_type=SUFFIXES[suffix])


def _answer_mistake(request: Request, error: Exception) -> Response:
    del request
    return JSONResponse({SENTENCE: str(error)}, HTTPStatus.BAD_REQUEST)


def _answer_not_now(request: Request, error: Exception) -> Response:
    """Say that the results cannot be used now: the page keeps what it has and asks again."""
    del request
    return JSONResponse({SENTENCE: str(error)}, HTTPStatus.SERVICE_UNAVAILABLE)


def _answer_disk(request: Request, error: Exception) -> Response:
    del request
    sentence = describe_os_error(error) if isinstance(error, OSError) else str(error)
    return JSONResponse({SENTENCE: sentence}, HTTPStatus.SERVICE_UNAVAILABLE)


def _answer_wrong_values(request: Request, error: Exception) -> Response:
    """Say which value is wrong; the page never sends such a request, so it is short."""
    del request
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": ""}
    where = ".".join(map(str, first["loc"]))
    return JSONResponse({SENTENCE: f"The request has a wrong value for {where}: {first['msg']}."}, 422)
