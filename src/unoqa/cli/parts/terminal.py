"""Lines for people: they go to stderr, so that stdout stays free for results."""

from __future__ import annotations

from contextlib import suppress

import typer


def print_message(line: str, *, quiet: bool = False) -> None:
    """Print one line to stderr unless `quiet`.

    Control characters, which a file's name may hold, are escaped, so that they do not steer the terminal. Where stderr
    is closed or full, nothing is printed and the work continues.
    """
    if quiet:
        return
    with suppress(OSError):
        typer.echo("".join(map(_escape, line)), err=True)


def print_error(error: object) -> None:
    """Print an error after the program's name; its line breaks are kept."""
    for line in f"unoqa: {error}".split("\n"):
        print_message(line)


def _escape(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
