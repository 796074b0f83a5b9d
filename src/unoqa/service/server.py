"""Serving the application: on loopback alone, or with a token on any address."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, final

from unoqa.core.errors import UsageError
from unoqa.web.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Addresses that no other machine reaches."""

BACKLOG = 2048
"""Connections that the system keeps until they are answered."""


def check_address(host: str, token: str | None) -> None:
    """Refuse an address that other machines reach, without a token.

    Raises:
        UsageError: other machines could use the service.
    """
    if host not in LOOPBACK and token is None:
        raise UsageError(f"Other machines reach {host}, so the service needs a token there: give --token-file FILE.")


@final
class Server:
    """Serves an application until it is ended.

    Attributes:
        address: where to ask it.
        hosts: values of the header Host that name it.
    """

    def __init__(self, host: str, port: int) -> None:
        """Take the port; requests wait until `run` is called.

        Raises:
            UsageError: the address cannot be used.
        """
        try:
            self._socket = socket.create_server(
                (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG
            )
        except OSError as error:
            raise UsageError(
                f"{host}:{port} cannot be used ({error.strerror}); give another --host or --port."
            ) from None
        own_port = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{own_port}"
        self.hosts = tuple(f"{name}:{own_port}" for name in (shown, "localhost", "127.0.0.1"))

    def run(self, app: ASGIApp, *, grace: float, started: Callable[[], None]) -> None:
        """Serve until SIGTERM or Ctrl-C; requests that were accepted are finished.

        Args:
            grace: seconds that they may take then.
            started: called before the first request is answered.
        """
        serve(app, self._socket, grace=round(grace), started=started, lifespan="on", backlog=BACKLOG)
