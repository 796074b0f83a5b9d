"""The terminal, where there is one."""

from __future__ import annotations

from contextlib import suppress

import typer


def tell(sentence: str) -> None:
    """Print a sentence to stderr; what a file's name in it would have the terminal do is escaped.

    Where stderr is closed or full nothing is said, and the work goes on.
    """
    with suppress(OSError):
        typer.echo("".join(map(_visible, sentence)), err=True)


def _visible(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
