"""The command line: one thin file per command, found by its name."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys

from unoqa.cli.parts.application import application
from unoqa.cli.parts.exits import NOTHING_DONE, WRONG_USE
from unoqa.cli.parts.terminal import tell

OBJECTS_BETWEEN_LOOKS = 50_000
"""New objects after which the garbage collector looks for cycles.

Importing torch and timm makes a million objects that stay; at Python's 700 it looks through them again and again, which
takes a quarter of the time of a command that does nothing else.
"""

LOOKS_AT_THE_YOUNGEST = 100
"""Looks at the youngest objects before one at those that outlived one: during the start it finds nothing, in .12 s.

A look at all comes after ten of those, so hardly ever: what refers to itself and outlives one look stays for long.
"""


def main() -> None:
    """Run the command line; see `unoqa --help`."""
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS, LOOKS_AT_THE_YOUNGEST)
    for stream in (sys.stdout, sys.stderr):  # where a console cannot show a letter, a question mark stands for it
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if "" in sys.argv[1:]:  # pathlib would read it as the folder that the command stands in
        tell("unoqa: one of the arguments is empty, as a variable is that was never set; name what you mean.")
        sys.exit(WRONG_USE)
    try:
        application()
    except SystemExit as ended:
        _leave(ended)
        raise
    except OSError as error:  # of the console: those of commands were told before
        tell(f"unoqa: what it says could not be written ({error.strerror}); name another place for it.")
        sys.exit(NOTHING_DONE)


def _leave(ended: SystemExit) -> None:
    """End the process without taking apart what it imported, which takes a third of a second.

    What a command opened is closed by then; what was registered for the end is done. Where the last words cannot be
    written, Python ends the process as it always does, and tells so.
    """
    if not isinstance(ended.code, int | None):
        return
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):  # nobody reads any more, or it is closed
        return
    os._exit(ended.code or 0)
