"""The command line: one thin file per command, found by its name."""

from __future__ import annotations

import io
import sys

from unoqa.cli.parts.application import application


def main() -> None:
    """Run the command line; see `unoqa --help`."""
    for stream in (sys.stdout, sys.stderr):  # where a console cannot show a letter, a question mark stands for it
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    application()
