"""The command line: one thin file per command, found by its name."""

from __future__ import annotations

from unoqa.cli.parts.application import application


def main() -> None:
    """Run the command line; see `unoqa --help`."""
    application()
