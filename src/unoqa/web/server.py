"""Serving an application on this machine alone."""

from __future__ import annotations

import os
import socket
import threading
import webbrowser
from typing import TYPE_CHECKING, Any, final

import uvicorn

from unoqa.core.errors import UsageError
from unoqa.web.guard import TOKEN, Guard, make_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
"""The address that no other machine reaches."""

USUAL_PORT = 8765
"""Tried first, so that what a browser keeps for the page is found again."""

MAX_CONNECTIONS = 200
"""Requests at once; more are refused with status 503."""

GRACE_SECONDS = 3
"""How long running requests may last when the server is stopped."""


@final
class LocalServer:
    """Serves an application on 127.0.0.1.

    Attributes:
        address: where to open it, with the token.
        address_once: the same with a ticket that opens it once, for the command line of a browser.
    """

    def __init__(self, app: ASGIApp, *, port: int | None = None, path: str = "/") -> None:
        """Take the port; requests wait until `run` is called.

        Args:
            port: 0 for any; None for the usual one, or any if another program has it.
            path: of the first page.

        Raises:
            UsageError: another program has the port.
        """
        self._socket = _bind(port)
        own_port = self._socket.getsockname()[1]
        token, ticket = make_token(), make_token()
        hosts = [f"{LOOPBACK}:{own_port}", f"localhost:{own_port}"]
        self._app = Guard(app, token=token, hosts=hosts, tickets=[ticket])
        page = f"http://{LOOPBACK}:{own_port}{path}{'&' if '?' in path else '?'}{TOKEN}="
        self.address, self.address_once = f"{page}{token}", f"{page}{ticket}"

    def run(self, *, browser: bool, started: Callable[[], None] = lambda: None) -> None:
        """Serve until Ctrl-C.

        Args:
            browser: whether to open the user's browser.
            started: called when the address can be opened.
        """
        if browser:  # a browser for the console would end only with its window
            threading.Thread(target=webbrowser.open, args=(self.address_once,), daemon=True).start()
        serve(
            self._app,
            self._socket,
            grace=GRACE_SECONDS,
            started=started,
            lifespan="off",
            limit_concurrency=MAX_CONNECTIONS,
        )


def serve(
    app: ASGIApp,
    listening: socket.socket,
    *,
    grace: int,
    started: Callable[[], None],
    **settings: Any,  # noqa: ANN401 - uvicorn's own
) -> None:
    """Serve an application until SIGTERM or Ctrl-C; then close the socket.

    Args:
        grace: seconds that requests which were accepted may take then.
        started: called when requests can be sent.
        settings: further ones of uvicorn.
    """
    config = uvicorn.Config(
        app,
        log_config=None,  # an access log would hold tokens and names of files
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=grace,
        **settings,
    )
    try:
        started()
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # how a server is ended
    finally:
        listening.close()


def _bind(port: int | None) -> socket.socket:
    for one in (USUAL_PORT, 0) if port is None else (port,):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "posix":  # else a port stays taken for a minute after its server was killed
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, one))
            listening.listen()
        except OSError as error:
            listening.close()
            cause = error
            continue
        return listening
    raise UsageError(f"Port {port} cannot be used ({cause.strerror}); give another one with the setting port.")
