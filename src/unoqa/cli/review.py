"""Review graded images in the browser: look, grade by one key, go on.

The page opens in the browser of this machine, and no other machine reaches it. The most doubtful images come first. The
keys 1, 2 and 3 grade an image and show the next one. Every decision is added to the record of the results folder at
once; none is ever overwritten. What other readers say about an image is hidden until you have graded it; with --blind,
so is what unoqa says. Where readers disagree, the page offers the image for adjudication.

Examples:

  unoqa review results
  unoqa review results --reader Anna --blind
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.app.review.application import make_review_app
from unoqa.app.review.options import ReviewOptions
from unoqa.cli.parts.options import Results
from unoqa.cli.parts.serving import NoBrowser, Port, serve
from unoqa.store.results import Results as Record
from unoqa.store.results.reviews import check_reader


def review(
    results: Results,
    reader: Annotated[str, typer.Option(help="Who reviews.", show_default="asked on the page")] = "",
    blind: Annotated[bool, typer.Option("--blind", help="Hide what unoqa says until an image is graded.")] = False,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images, if it was moved.", show_default="where they were")
    ] = None,
    port: Port = None,
    no_browser: NoBrowser = False,
) -> None:
    """Serve the page until Ctrl-C."""
    with Record.open(results) as record:  # refused before a browser opens
        record.check_takes_decisions()
    options = ReviewOptions(check_reader(reader) if reader else "", blind, images)
    serve(make_review_app(results, options), port=port, browser=not no_browser)
