"""Who may ask: programs that know the token, and on loopback those of this machine; never pages of a browser.

A page of another site can make a browser send requests to this machine. So a request with an Origin is refused, and on
loopback so is one whose Host is not ours: a name of another site can be made to point here.
"""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING, final

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

from unoqa.web.answers import SENTENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = ("/healthz", "/readyz")
"""Paths that need no token: they tell nothing but that the service is there."""

QUEUED = "/v1/grade"
"""The path whose requests wait for a thread, and so take a place in the queue."""

RETRY_SECONDS = 1


@final
class Access:
    """Stands before the application and lets through what is allowed.

    Without the token the answer is 401, from a page 403, with a body that is too large 413, and 429 where the queue is
    full.

    Attributes:
        busy: requests in the queue, those that are being graded counted.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, hosts: tuple[str, ...], max_bytes: int, places: int) -> None:
        """Guard an application.

        Args:
            token: None where none is needed.
            hosts: values of the header Host that are ours; empty for any.
            max_bytes: of the body of a request.
            places: requests for single images that may wait or be graded at a time.
        """
        self._app = app
        self._token = token
        self._hosts = frozenset(hosts)
        self._max_bytes = max_bytes
        self._places = places
        self.busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        request = HTTPConnection(scope)
        refusal = self._refuse(request)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        takes_place = request.url.path == QUEUED
        self.busy += takes_place
        try:
            await self._app(scope, self._limit(receive), send)
        finally:
            self.busy -= takes_place

    def _refuse(self, request: HTTPConnection) -> JSONResponse | None:
        """Return the answer to a request that is not to be passed on."""
        if request.headers.get("origin") is not None:
            return _answer(HTTPStatus.FORBIDDEN, "Pages of a browser may not ask this service.")
        if self._hosts and request.headers.get("host") not in self._hosts:
            return _answer(HTTPStatus.FORBIDDEN, "This address is not answered; use the one that unoqa printed.")
        if self._token is not None and request.url.path not in OPEN and not self._knows_token(request):
            sentence = "Send the token of this service in the header: Authorization: Bearer TOKEN."
            return _answer(HTTPStatus.UNAUTHORIZED, sentence, {"WWW-Authenticate": "Bearer"})
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._max_bytes:
            return _answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._describe_limit())
        if request.url.path == QUEUED and self.busy >= self._places:
            sentence = f"{self._places} images wait already; send this one again in a moment."
            return _answer(HTTPStatus.TOO_MANY_REQUESTS, sentence, {"Retry-After": str(RETRY_SECONDS)})
        return None

    def _knows_token(self, request: HTTPConnection) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(given.strip().encode(), (self._token or "").encode())
        return kind.lower() == "bearer" and known

    def _limit(self, receive: Receive) -> Receive:
        """Stop where a body becomes too large, whatever its header says."""
        read = 0

        async def receive_limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_bytes:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._describe_limit())
            return message

        return receive_limited

    def _describe_limit(self) -> str:
        return f"A request may have {self._max_bytes / 1e6:g} MB at most."


def _answer(status: HTTPStatus, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({SENTENCE: sentence}, status, headers=dict(headers or {}))
