"""Grade a kept set again: not a bit of a score, a finding or a grade may have moved.

Keep some images of every kind that you meet, and check them after each update and on each new machine. The first check
writes what is expected into a file beside the images; each later one compares. The exit status is 4 if something has
moved. Another processor or library version may round otherwise: numbers that differ by less than 1e-4 are then
reported, and pass.

Examples:

  unoqa check sentinel/ -m settled
  unoqa check sentinel/ -m settled --expected sentinel-settled.json
  unoqa check sentinel/ -m settled --renew
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.benchmark.sentinel import ENDING, compare, grade_sentinel, write_expected
from unoqa.cli.parts.bars import make_progress
from unoqa.cli.parts.exit_status import ALARM
from unoqa.cli.parts.messages import print_ignored, print_left_out
from unoqa.cli.parts.options import Device, Model, Quiet
from unoqa.cli.parts.terminal import print_message
from unoqa.cli.parts.work import Threads, use_threads
from unoqa.grader.grader import load
from unoqa.grader.source import ImageSource

Sentinel = Annotated[
    Path, typer.Argument(help="Folder or file of the kept images.", metavar="SENTINEL", show_default=False)
]


def check(
    sentinel: Sentinel,
    model: Model,
    expected: Annotated[
        Path | None,
        typer.Option(
            help=f"File of what is expected. [default: beside the images, SENTINEL{ENDING}]", show_default=False
        ),
    ] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Write what is expected anew.")] = False,
    device: Device = "cpu",
    threads: Threads = 0,
    quiet: Quiet = False,
) -> None:
    """Grade the kept set and compare."""
    use_threads(threads)
    file = expected or sentinel.absolute().with_name(sentinel.absolute().name + ENDING)
    source = ImageSource.find([sentinel])
    found = grade_sentinel(load(model, device=device), source, progress=make_progress(quiet=quiet))
    print_ignored(source.ignored, quiet=quiet)
    print_left_out(source)
    if renew or not file.exists():
        write_expected(file, found)
        print_message(f"Nothing was compared: {file} now says what is expected of these {len(source)} images.")
        return
    result = compare(file, found)
    typer.echo(result.describe())
    if not result.passes:
        raise typer.Exit(ALARM)
