"""Open the short guide, which needs no internet: the steps, everyday tasks, what the grades mean, what went wrong.

It is one page, written as a file and shown in your browser. With --text it is printed instead.

Examples:

  unoqa guide
  unoqa guide --text
  unoqa guide -o guide.html --no-browser
"""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from unoqa.report.guide import read_guide, write_guide_page
from unoqa.store.files import write_text


def guide(
    text: Annotated[bool, typer.Option("--text", help="Print it, and write no file.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write.", show_default="guide.html in your cache", metavar="FILE"),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Write the page, and open no browser.")] = False,
) -> None:
    """Print the guide, or write its page, print where it is, and show it."""
    if text:
        typer.echo(read_guide(), nl=False)
        return
    path = output or platformdirs.user_cache_path("unoqa", appauthor=False) / "guide.html"
    write_text(path, write_guide_page())
    typer.echo(path)
    if not no_browser:
        webbrowser.open(path.absolute().as_uri())
