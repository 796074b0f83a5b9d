"""Exit statuses of a command, and how an error becomes a sentence on stderr and a status.

0  everything was done
2  wrong use, or nothing could be done
3  some images failed; the others were done
130  interrupted by Ctrl-C

A command that SIGTERM ends prints nothing and has status 143, as every program has. The same command then continues.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from unoqa.cli.parts.terminal import print_error
from unoqa.core.errors import UnoqaError

if TYPE_CHECKING:
    from collections.abc import Iterator

WRONG_USE = NOTHING_DONE = 2
SOME_FAILED = 3
INTERRUPTED = 130


@contextmanager
def report_errors() -> Iterator[None]:
    """Print an error of the block, or of a decorated command, as one sentence and end with its status.

    An exception that is neither an `UnoqaError` nor an `OSError` is a fault of ours and keeps its trace.
    """
    try:
        yield
    except UnoqaError as error:
        print_error(error)
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:  # the other commands take seconds and start anew
        print_error("Interrupted; run the same command again (fit, grade and reproduce continue where they stopped).")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print_error(f"{what}; check the path, its permissions and the space left.")
        raise typer.Exit(WRONG_USE) from None
