"""The command line: one short file per command, found by its name."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys

from unoqa.cli.parts.application import application
from unoqa.cli.parts.exit_status import NOTHING_DONE, WRONG_USE
from unoqa.cli.parts.terminal import print_error

GC_THRESHOLD = 50_000
"""New objects per generation-0 collection: a raised threshold for a fast start.

The imports of torch and timm make a million objects that stay. With Python's 700 the garbage collector visits them
again and again, which takes a quarter of the time of a short command.
"""

GC_GENERATION_1 = 100
"""Generation-0 collections per generation-1 collection, which takes .12 s during the start and finds nothing.

A full collection follows ten of those, so it is rare, and a reference cycle that survives one collection stays long.
"""


def main() -> None:
    """Run the command line; see `unoqa --help`."""
    gc.set_threshold(GC_THRESHOLD, GC_GENERATION_1)
    for stream in (sys.stdout, sys.stderr):  # prints a question mark for a letter that the console lacks
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if "" in sys.argv[1:]:  # pathlib takes it for the current folder
        print_error("One of the arguments is empty, perhaps an unset shell variable; give its value.")
        sys.exit(WRONG_USE)
    try:
        application()
    except SystemExit as end:
        _exit_fast(end)
        raise
    except OSError as error:  # of the console; those of commands are reported already
        print_error(f"The output cannot be written ({error.strerror}); redirect it to another place.")
        sys.exit(NOTHING_DONE)


def _exit_fast(end: SystemExit) -> None:
    """End the process without the teardown of its imports, which takes a third of a second.

    A command has closed its files by then, and the `atexit` functions run. If the last output cannot be written, the
    function returns, and Python ends the process in its usual way and reports the error.
    """
    if not isinstance(end.code, int | None):
        return
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):  # closed, or nobody reads it
        return
    os._exit(end.code or 0)
