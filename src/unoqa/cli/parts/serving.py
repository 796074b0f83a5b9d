"""How commands serve pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from unoqa.cli.parts.terminal import print_message
from unoqa.web.server import LocalServer

if TYPE_CHECKING:
    from starlette.types import ASGIApp

Port = Annotated[
    int | None,
    typer.Option(
        help="Port of this machine; 0: any that is free.", min=0, max=65535, show_default="8765, or a free one"
    ),
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Print the address, and open no browser.")]


def serve(app: ASGIApp, *, port: int | None, browser: bool) -> None:
    """Serve until Ctrl-C; the address is printed to stdout."""
    server = LocalServer(app, port=port)
    server.run(browser=browser, started=lambda: _announce(server.address))
    print_message("Ended. Every decision is in the record.")


def _announce(address: str) -> None:
    typer.echo(address)
    print_message("Open this address in a browser of this machine; it is a key, so show it to nobody. End: Ctrl-C.")
