"""The command line: one thin file per command, found by its name."""

from __future__ import annotations

import atexit
import gc
import io
import sys

from unoqa.cli.parts.application import application

OBJECTS_BETWEEN_LOOKS = 50_000
"""New objects after which the garbage collector looks for cycles.

Importing torch and timm makes a million objects that stay; at Python's 700 it looks through them again and again, and
once more at the end, which together took 1.5 of the 3.7 seconds of a command that does nothing else.
"""

LOOKS_AT_THE_YOUNGEST = 100
"""Looks at the youngest objects before one at those that outlived one: during the start it finds nothing, in .12 s.

A look at all comes after ten of those, so hardly ever: what refers to itself and outlives one look stays for long.
"""


def main() -> None:
    """Run the command line; see `unoqa --help`."""
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS, LOOKS_AT_THE_YOUNGEST)
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):  # where a console cannot show a letter, a question mark stands for it
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    application()
