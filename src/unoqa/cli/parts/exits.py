"""How a command ends: exit statuses, and the one place where an error becomes a sentence.

0  everything was done
2  wrong use, or nothing could be done
3  some images failed; the rest were done
130  interrupted
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

import typer

from unoqa.core.errors import UnoqaError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")

WRONG_USE = NOTHING_DONE = 2
SOME_FAILED = 3
INTERRUPTED = 130


INTERRUPTION = "unoqa: interrupted; run the same command again (fit, grade and reproduce go on where they stopped)."
"""What is said of a command that the keys Ctrl and C ended; the others are quick and begin anew."""


def reporting_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Say an error in its one sentence on stderr; what is not ours is a fault and keeps its trace."""

    @wraps(command)
    def reporting(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except UnoqaError as error:
            typer.echo(f"unoqa: {error}", err=True)
            raise typer.Exit(WRONG_USE) from None
        except KeyboardInterrupt:
            typer.echo(INTERRUPTION, err=True)
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            typer.echo(f"unoqa: {what}; check the path, its permissions and the space left.", err=True)
            raise typer.Exit(WRONG_USE) from None

    return reporting
