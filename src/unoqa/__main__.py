"""The command `unoqa`, and `python -m unoqa`: a process of its own."""

import gc

from unoqa.cli import main


def run() -> None:
    """Run the command, then end the process without a look through the million objects that libraries made."""
    try:
        main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    run()
