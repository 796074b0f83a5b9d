"""The command line: one short file per command, found by its name."""

from __future__ import annotations

import sys

from unoqa.cli.parts.application import application
from unoqa.cli.parts.exit_status import NOTHING_DONE, WRONG_USE
from unoqa.cli.parts.process import keep_console
from unoqa.cli.parts.terminal import print_error


def main() -> None:
    """Run the command that `sys.argv` names; see `unoqa --help`.

    Raises:
        SystemExit: always; its code is the exit status. The process lives on where the caller catches it, and what it
            has one of is as before.
    """
    with keep_console():
        if "" in sys.argv[1:]:  # pathlib takes it for the current folder
            print_error("One of the arguments is empty, perhaps an unset shell variable; give its value.")
            sys.exit(WRONG_USE)
        try:
            application()
        except OSError as error:  # of the console; those of commands are reported already
            print_error(f"The output cannot be written ({error.strerror}); redirect it to another place.")
            sys.exit(NOTHING_DONE)
