"""Who may ask: a token or its cookie, the right Host and Origin, and a body that is not too large.

A page of another site can make a browser send requests to this machine, and a name of another site can be made to
point to it (DNS rebinding). So a request is answered only if its Host is one of ours, if its Origin (which browsers
send with every request that changes something) is that host, and if it has the cookie that the token was exchanged for.
"""

from __future__ import annotations

import hmac
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, final
from urllib.parse import urlencode

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "token"
"""The parameter of the address that opens the pages."""

MAX_BODY = 32 * 2**20
"""Bytes of a request: a corrected table of 100,000 images has some 20 MB."""

SAME_SITE = ("same-origin", "none")
"""What `Sec-Fetch-Site` says of our own pages and of addresses that a person opened."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Set where the answer does not set them itself."""


def make_token() -> str:
    """Return a secret of 256 bits that an address can hold."""
    return secrets.token_urlsafe(32)


@final
class Guard:
    """Stands before an ASGI application and lets through what is allowed.

    Without the token and without its cookie the answer is 401; from another host or origin it is 403; a body that is
    too large gets 413.
    """

    def __init__(self, app: ASGIApp, *, token: str, hosts: Collection[str], tickets: Collection[str] = ()) -> None:
        """Guard an application.

        Args:
            token: opens the pages as long as the server runs.
            hosts: values of the header Host that are ours, such as `127.0.0.1:8765`.
            tickets: each opens the pages once. The command line of a browser shows its ticket to every user of the
                machine, who can do nothing with it once the browser has used it.
        """
        self._app = app
        self._token = token
        self._tickets = set(tickets)
        self._hosts = frozenset(hosts)
        # A cookie belongs to a machine, not to a port: two servers on one machine need two names.
        self._cookie = f"unoqa_{next(iter(sorted(hosts))).rpartition(':')[2]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no page of ours uses a WebSocket
            return
        answer = self._check(HTTPConnection(scope))
        app = self._app if answer is None else answer
        await app(scope, _Body(receive).read, _with_headers(send))

    def _check(self, request: HTTPConnection) -> Response | None:
        """Return the answer to a request that is not to be passed on."""
        origin = request.headers.get("origin")
        if request.headers.get("host") not in self._hosts or origin not in (
            None,
            *map("http://{}".format, self._hosts),
        ):
            return _refuse(HTTPStatus.FORBIDDEN, "This address is not answered; open the one that unoqa printed.")
        if origin is None and request.scope["method"] != "GET" and not _is_ours(request):
            return _refuse(HTTPStatus.FORBIDDEN, "Another site may not send requests here.")
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request may have {MAX_BODY >> 20} MB at most.")
        given = request.query_params.get(TOKEN)
        if given is not None and request.scope["method"] == "GET" and (self._is_token(given) or self._take(given)):
            return self._exchange(request)
        if not self._is_token(request.cookies.get(self._cookie, "")):
            return _refuse(
                HTTPStatus.UNAUTHORIZED, "Open the whole address that unoqa printed when it started, with its token."
            )
        return None

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token.encode())

    def _take(self, text: str) -> bool:
        """Take a ticket, which is void from then on."""
        found = [ticket for ticket in self._tickets if hmac.compare_digest(text.encode(), ticket.encode())]
        self._tickets.difference_update(found)
        return bool(found)

    def _exchange(self, request: HTTPConnection) -> Response:
        """Exchange the token for a cookie, so that no address in the browser's history holds it."""
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != TOKEN]
        path = request.url.path if request.url.path.startswith("/") and request.url.path[1:2] != "/" else "/"
        answer = RedirectResponse(path + (f"?{urlencode(kept)}" if kept else ""), HTTPStatus.SEE_OTHER)
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
        return answer


def _is_ours(request: HTTPConnection) -> bool:
    """Tell whether a request without an Origin comes from our own page, or from a program that is no browser."""
    return request.headers.get("sec-fetch-site", "none") in SAME_SITE


def _refuse(status: HTTPStatus, sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status)


@final
class _Body:
    """Reads the body of a request and stops where it becomes too large, whatever its header says."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._length = 0

    async def read(self) -> Message:
        message = await self._receive()
        self._length += len(message.get("body", b""))
        if self._length > MAX_BODY:
            return {"type": "http.disconnect"}
        return message


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            added = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            message["headers"] = [*message["headers"], *(one for one in added if one[0] not in present)]
        await send(message)

    return send_with_headers
