"""Freeze the split into gradable and ungradable, to grade single images.

To settle a model, unoqa clusters one cohort, as unoqa grade does, and keeps the two groups in a new model. Give a
cohort with the same mix of quality as the images to come; it needs at least 10 images that are not outstanding. A
settled model gives an image the same grade, alone or among others.

A device that has no outstanding set yet: with --adapt, MODEL, of another device, ranks the cohort, and a new model is
fitted on the images that it ranks best. The cohort then needs at least 75 images of the new device, good and poor ones
as they come; the new threshold keeps no promise, since nobody has looked at these images.

Examples:

  unoqa settle clinic/ -m model -o settled
  unoqa settle new-device/ -m model -o adapted --adapt
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.cli.parts.bars import make_progress
from unoqa.cli.parts.exit_status import SOME_FAILED
from unoqa.cli.parts.messages import print_failures, print_fit_report, print_ignored, print_left_out
from unoqa.cli.parts.options import (
    Device,
    FollowLinks,
    Images,
    Log,
    Model,
    Overwrite,
    ProgressTo,
    Quiet,
    check_output,
)
from unoqa.cli.parts.terminal import print_message
from unoqa.cli.parts.work import Threads, use_threads
from unoqa.grader.adaptation import adapt as adapt_to_device
from unoqa.grader.grader import SettledGrader, load
from unoqa.grader.source import ImageSource


def settle(
    images: Images,
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="Settled model folder to make.")],
    adapt: Annotated[bool, typer.Option("--adapt", help="Fit anew on the best of the cohort.")] = False,
    device: Device = "cpu",
    threads: Threads = 0,
    follow_links: FollowLinks = False,
    overwrite: Overwrite = False,
    log: Log = None,
    progress: ProgressTo = None,
    quiet: Quiet = False,
) -> None:
    """Settle a model on a cohort and save it."""
    del log
    use_threads(threads)
    check_output(output, overwrite=overwrite)
    loaded = load(model, device=device)
    grader = loaded.grader if isinstance(loaded, SettledGrader) else loaded
    source = ImageSource.find(images, follow_links=follow_links)
    bars = make_progress(quiet=quiet, file=progress)
    if adapt:
        grader = adapt_to_device(grader, source, progress=bars)
        print_fit_report(grader.fitted.report)
    settled = grader.settle(source, progress=bars)
    settled.save(output)
    print_failures(settled.failures)
    print_ignored(source.ignored)
    print_left_out(source)
    for warning in settled.warnings:
        print_message(f"Warning: {warning}")
    counts = f"{settled.cohort} images, {settled.not_outstanding} of them not outstanding"
    print_message(f"Settled on {counts}; model in {output}.", quiet=quiet)
    if settled.failures:
        raise typer.Exit(SOME_FAILED)
