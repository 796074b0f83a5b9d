"""Open unoqa in the browser: fit, grade, settle, measure, look and review without a terminal.

The page opens in the browser of this machine, and no other machine reaches it. It shows what lies below FOLDER and
nothing else. Each button runs a command of unoqa, which the page shows, in a process of its own: it goes on if the page
is closed, can be stopped, and continues where it stopped.

Examples:

  unoqa app
  unoqa app /data/octa
  unoqa app /data/octa --make-launcher
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.app.review.options import ReviewOptions
from unoqa.app.start.application import make_app
from unoqa.app.start.launcher import make_launcher as write_launcher
from unoqa.cli.parts.serving import NoBrowser, Port, serve
from unoqa.cli.parts.terminal import print_message
from unoqa.core.errors import UsageError
from unoqa.store.results.reviews import check_reader


def app(
    folder: Annotated[Path, typer.Argument(help="Folder to work in.", metavar="FOLDER")] = Path(),
    reader: Annotated[str, typer.Option(help="Who reviews.", show_default="asked on the page")] = "",
    blind: Annotated[bool, typer.Option("--blind", help="Hide what unoqa says until an image is graded.")] = False,
    make_launcher: Annotated[
        bool, typer.Option("--make-launcher", help="Write a file into FOLDER that opens the app by a double click.")
    ] = False,
    port: Port = None,
    no_browser: NoBrowser = False,
) -> None:
    """Serve the page until Ctrl-C."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}; name the one that your images and results are in.")
    if make_launcher:
        print_message(f"Double-click {write_launcher(folder)} to open unoqa.")
        return
    options = ReviewOptions(check_reader(reader) if reader else "", blind)
    serve(make_app(folder, options), port=port, browser=not no_browser)
