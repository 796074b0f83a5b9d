"""Grade images outstanding, gradable or ungradable, with reasons and heat.

The output receives grades.csv (one row per image), run.json, heat/ and cohort.png. A killed run goes on where it was
when the same command is given again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from unoqa.batch import Mode, grade_files
from unoqa.cli.parts.bars import progress
from unoqa.cli.parts.exits import NOTHING_DONE, SOME_FAILED
from unoqa.cli.parts.messages import say, say_counts, say_ignored
from unoqa.cli.parts.options import Device, FollowLinks, Images, Model, Quiet, Threads, use_threads
from unoqa.core.errors import UsageError
from unoqa.grader.model import load
from unoqa.grader.source import ImageSource
from unoqa.report.cohort_picture import draw_cohort


def grade(
    images: Images,
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="Results folder to make.")],
    alone: Annotated[bool, typer.Option("--alone", help="Each image for itself; takes a settled model.")] = False,
    cohort: Annotated[bool, typer.Option("--cohort", help="Cluster these images, settled model or not.")] = False,
    no_heat: Annotated[bool, typer.Option("--no-heat", help="No overlays: faster.")] = False,
    device: Device = "cpu",
    threads: Threads = 0,
    follow_links: FollowLinks = False,
    quiet: Quiet = False,
) -> None:
    """Grade images into a results folder."""
    if alone and cohort:
        raise UsageError("--alone and --cohort exclude each other; give one of them.")
    if any(_lies_within(output, folder) for folder in images):
        raise UsageError(f"The results folder {output} lies within the images' folder; name one outside of it.")
    if _lies_within(output, model):
        raise UsageError(f"The results folder {output} lies within the model folder; name one outside of it.")
    use_threads(threads)
    mode = Mode.ALONE if alone else Mode.COHORT if cohort else Mode.AS_MODEL
    grader = load(model, device=device)
    source = ImageSource.of(images, follow_links=follow_links)
    with grade_files(
        grader,
        source,
        output,
        mode=mode,
        heat=not no_heat,
        progress=progress(quiet=quiet),
    ) as result:
        if not no_heat:
            draw_cohort(result.gradings, source.open, output, output / "cohort.png")
    say_counts(result, quiet=quiet)
    say_ignored(source.ignored, quiet=quiet)
    say(f"Results in {output}: grades.csv, run.json{'' if no_heat else ', heat/, cohort.png'}.", quiet=quiet)
    failed = sum(grading.grade is None for grading in result.gradings)
    if failed:
        raise typer.Exit(NOTHING_DONE if failed == len(result.gradings) else SOME_FAILED)


def _lies_within(path: Path, folder: Path) -> bool:
    """Tell so of where they really are; of a link that leads to itself too, which `Path.resolve` does not take."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
