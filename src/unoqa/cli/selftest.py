"""Try which damage a model sees: plant it in good scans.

Give outstanding scans that the model was not fitted on. Into copies of them unoqa plants each kind of damage at rising
severities, and counts which are refused and what the findings say. selftest.html shows it; selftest.json and
selftest.csv hold the figures. Synthetic damage is not real damage: what is not seen here is hardly seen in a clinic,
but what is seen here may be missed there.

Examples:

  unoqa selftest held-out/ -m model -o selftest
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.benchmark.selftest.page import describe
from unoqa.benchmark.selftest.results import FILES, write_selftest
from unoqa.benchmark.selftest.run import FEWEST, run_selftest
from unoqa.cli.parts.bars import make_progress
from unoqa.cli.parts.exit_status import SOME_FAILED
from unoqa.cli.parts.messages import print_failures, print_ignored, print_left_out
from unoqa.cli.parts.options import Device, Model, Quiet, check_range
from unoqa.cli.parts.terminal import print_message
from unoqa.cli.parts.work import Threads, use_threads
from unoqa.grader.grader import load
from unoqa.grader.recipe import LARGEST_SEED
from unoqa.grader.source import ImageSource
from unoqa.store.files import refuse_others

Outstanding = Annotated[
    list[Path],
    typer.Argument(
        help="Outstanding images that the model was not fitted on: files, or folders.",
        metavar="OUTSTANDING",
        show_default=False,
    ),
]


def selftest(
    outstanding: Outstanding,
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    images: Annotated[int, typer.Option(callback=check_range(FEWEST, 1000), help="Images to use, at most.")] = 20,
    seed: Annotated[int, typer.Option(callback=check_range(0, LARGEST_SEED), help="Random seed of the damage.")] = 0,
    device: Device = "cpu",
    threads: Threads = 0,
    quiet: Quiet = False,
) -> None:
    """Run the self-test, write its page, and say in sentences what was found."""
    use_threads(threads)
    refuse_others(output, FILES, "a self-test")
    grader = load(model, device=device).grader
    source = ImageSource.find(outstanding)
    test = run_selftest(grader, source, images=images, seed=seed, progress=make_progress(quiet=quiet))
    write_selftest(test, grader, output)
    print_failures(test.failures)
    print_ignored(source.ignored, quiet=quiet)
    print_left_out(source)
    for sentence in describe(test):
        typer.echo(sentence)
    typer.echo("Synthetic damage is not real damage.")
    print_message(f"Look at {output / 'selftest.html'}.", quiet=quiet)
    if test.failures:
        raise typer.Exit(SOME_FAILED)
