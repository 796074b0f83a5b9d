"""How a command ends: exit statuses, and the one place where an error becomes a sentence.

0  everything was done
2  wrong use, or nothing could be done
3  some images failed; the rest were done
130  interrupted

One that is ended by SIGTERM says nothing and has 143, as every program; the same command then goes on too.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

import typer

from unoqa.cli.parts.terminal import tell
from unoqa.core.errors import UnoqaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")

WRONG_USE = NOTHING_DONE = 2
SOME_FAILED = 3
INTERRUPTED = 130


INTERRUPTION = "unoqa: interrupted; run the same command again (fit, grade and reproduce go on where they stopped)."
"""What is said of a command that the keys Ctrl and C ended; the others are quick and begin anew."""


def reporting_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Say an error of a command in its one sentence on stderr."""

    @wraps(command)
    def reporting(*args: P.args, **kwargs: P.kwargs) -> None:
        with errors_reported():
            command(*args, **kwargs)

    return reporting


@contextmanager
def errors_reported() -> Iterator[None]:
    """Say an error in its one sentence on stderr; what is not ours is a fault and keeps its trace."""
    try:
        yield
    except UnoqaError as error:
        for line in f"unoqa: {error}".split("\n"):
            tell(line)
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:
        tell(INTERRUPTION)
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        tell(f"unoqa: {what}; check the path, its permissions and the space left.")
        raise typer.Exit(WRONG_USE) from None
