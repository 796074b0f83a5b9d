"""Freeze the split of a cohort, so that single images can be graded.

Give a mixed cohort like those to come. The new model gives an image the same grade alone or in company.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.cli.parts.bars import progress
from unoqa.cli.parts.exits import SOME_FAILED
from unoqa.cli.parts.messages import say, say_failures, say_ignored, say_replaced
from unoqa.cli.parts.options import Device, FollowLinks, Images, Model, Quiet, Threads, use_threads
from unoqa.grader.grader import SettledGrader
from unoqa.grader.model import load
from unoqa.grader.source import ImageSource
from unoqa.store.model_folder import check_model_folder


def settle(
    images: Images,
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="Model folder to make.")],
    device: Device = "cpu",
    threads: Threads = 0,
    follow_links: FollowLinks = False,
    quiet: Quiet = False,
) -> None:
    """Settle a model on a cohort and save it."""
    use_threads(threads)
    check_model_folder(output)
    loaded = load(model, device=device)
    grader = loaded.grader if isinstance(loaded, SettledGrader) else loaded
    source = ImageSource.of(images, follow_links=follow_links)
    settled = grader.settle(source, progress=progress(quiet=quiet))
    say_replaced(output)
    settled.save(output)
    say_failures(settled.failures)
    say_ignored(source.ignored)
    for warning in settled.warnings:
        say(f"Warning: {warning}")
    counts = f"{settled.cohort} images, {settled.refused} of them not outstanding"
    say(f"Settled on {counts}; model in {output}.", quiet=quiet)
    if settled.failures:
        raise typer.Exit(SOME_FAILED)
