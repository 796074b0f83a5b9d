"""Exit statuses of a command, and how an error becomes a sentence on stderr and a status.

0  everything was done
2  wrong use, or nothing could be done
3  some images failed; the others were done
4  alarm: images have drifted, or a kept set is graded otherwise than expected
130  interrupted by Ctrl-C

A command that SIGTERM ends prints nothing and has status 143, as every program has. The same command then continues.
"""

from __future__ import annotations

import errno
import traceback
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import typer

from unoqa.cli.parts.terminal import LOGGER, print_error
from unoqa.core.errors import UnoqaError
from unoqa.core.packages import find_added
from unoqa.store.files import FULL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WRONG_USE = NOTHING_DONE = 2
SOME_FAILED = 3
ALARM = 4
INTERRUPTED = 130


OUT_OF_MEMORY = ("can't allocate memory", "Cannot allocate memory", "bad_alloc", "out of memory")
"""What libraries say of memory that they do not get, in errors that are no `MemoryError`."""

OUT_OF_THREADS = "can't start new thread"
"""What Python says where the system starts no more threads."""

WRITTEN = ("output", "folder")
"""Names of the parameters by which commands take the folder that most of what they write goes to."""


def report_errors_of(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with its errors reported as by `report_errors`."""

    @wraps(command)
    def reporting(**values: Any) -> None:  # noqa: ANN401 - any command's parameters
        with report_errors(next((values[name] for name in WRITTEN if name in values), None)):
            command(**values)

    return reporting


@contextmanager
def report_errors(written: Path | None = None) -> Iterator[None]:
    """Print an error of the block as one sentence and end with its status.

    An exception in the code of another package that adds a choice is a sentence that names it. Any other one that is
    neither an `UnoqaError` nor an error of the system is a fault of ours and keeps its trace. The
    error of a console that is full or closed is left to the caller.

    Args:
        written: the folder that the block writes to: the sentence of a full disk names it if the error names no file.
    """
    try:
        yield
    except UnoqaError as error:
        print_error(error)
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:  # the other commands take seconds and start anew
        print_error("Interrupted; run the same command again (fit, grade and reproduce continue where they stopped).")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        sentence = _describe(error, written) or _blame(error)
        if sentence is None:
            raise
        print_error(sentence)
        raise typer.Exit(WRONG_USE) from None


def _blame(error: Exception) -> str | None:
    """Return the sentence for an error in the code of another package, whose trace goes to the log; None if in ours."""
    found = find_added(error)
    if found is None:
        return None
    added, place = found
    LOGGER.info("".join(traceback.format_exception(error)))
    return (
        f"The choice {added}, of the group {added.group}, failed at {place} ({type(error).__name__}: {error}); tell "
        "its author, with the trace that --log FILE keeps."
    )


def _describe(error: Exception, written: Path | None) -> str | None:
    """Return the sentence for an error of the system; None if the error is of another kind."""
    if not isinstance(error, (MemoryError, OSError, RuntimeError, ImportError)):
        return None
    lack = _name_lack(error)
    if lack:
        return (
            f"{lack}; give fewer threads (--threads 1) or fewer or smaller images, end other programs, or use a "
            "machine with more memory, then run the same command again."
        )
    if not isinstance(error, OSError) or error.errno == errno.EPIPE:
        return None
    if error.errno in FULL:
        full = error.filename or written
        advice = "free space there or name another place, then run the same command again"
        return f"{full}: {error.strerror}; {advice}." if full else None
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return f"{what}; check the path, its permissions and the space left."


def _name_lack(error: Exception) -> str:
    """Return what the machine has too little of; empty if it is neither memory nor threads."""
    if OUT_OF_THREADS in str(error):
        return "The system starts no more threads"
    if isinstance(error, OSError):
        lacks_memory = error.errno == errno.ENOMEM
    else:
        lacks_memory = isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)
    if not lacks_memory:
        return ""
    return "The GPU's memory is full" if "CUDA" in str(error) else "The memory is full"
