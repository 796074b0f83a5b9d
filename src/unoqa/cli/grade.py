"""Grade images as outstanding, gradable or ungradable, with reasons.

An image with a score above the model's threshold is not outstanding. The images that are not outstanding are clustered
into two groups; the group with the higher mean score is ungradable, the other one gradable. This takes at least 10 such
images. A settled model (see unoqa settle) has fixed groups and grades single images too.

The output folder receives grades.csv (one row per image), run.json, heat/ (overlays that show where an image is poor)
and cohort.png. If a run is killed, the same command continues it.

Examples:

  unoqa grade clinic/ -m model -o results
  unoqa grade one.png -m settled -o result-of-one --alone
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from unoqa.batch import Mode, grade_files
from unoqa.cli.parts.bars import make_progress
from unoqa.cli.parts.exit_status import NOTHING_DONE, SOME_FAILED
from unoqa.cli.parts.messages import print_counts, print_ignored
from unoqa.cli.parts.options import Device, FollowLinks, Images, Model, Quiet, Threads, use_threads
from unoqa.cli.parts.terminal import print_message
from unoqa.core.errors import UsageError
from unoqa.grader.grader import load
from unoqa.grader.source import ImageSource
from unoqa.report.cohort_picture import draw_cohort


def grade(
    images: Images,
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="Results folder to make.")],
    alone: Annotated[bool, typer.Option("--alone", help="Grade each image by itself; needs a settled model.")] = False,
    cohort: Annotated[
        bool, typer.Option("--cohort", help="Cluster these images, even if the model is settled.")
    ] = False,
    no_heat: Annotated[bool, typer.Option("--no-heat", help="Write no heat/ and no cohort.png; faster.")] = False,
    device: Device = "cpu",
    threads: Threads = 0,
    follow_links: FollowLinks = False,
    quiet: Quiet = False,
) -> None:
    """Grade images into a results folder."""
    if alone and cohort:
        raise UsageError("--alone and --cohort exclude each other; give only one of them.")
    if any(_is_inside(output, folder) for folder in images):
        raise UsageError(f"The results folder {output} is inside the folder of images; name a folder outside it.")
    if _is_inside(output, model):
        raise UsageError(f"The results folder {output} is inside the model folder; name a folder outside it.")
    use_threads(threads)
    mode = Mode.ALONE if alone else Mode.COHORT if cohort else Mode.AS_MODEL
    grader = load(model, device=device)
    source = ImageSource.find(images, follow_links=follow_links)
    with grade_files(
        grader,
        source,
        output,
        mode=mode,
        heat=not no_heat,
        progress=make_progress(quiet=quiet),
    ) as result:
        if not no_heat:
            draw_cohort(result.gradings, source.load, output, output / "cohort.png")
    print_counts(result, quiet=quiet)
    print_ignored(source.ignored, quiet=quiet)
    print_message(f"Results in {output}: grades.csv, run.json{'' if no_heat else ', heat/, cohort.png'}.", quiet=quiet)
    failed = sum(grading.grade is None for grading in result.gradings)
    if failed:
        raise typer.Exit(NOTHING_DONE if failed == len(result.gradings) else SOME_FAILED)


def _is_inside(path: Path, folder: Path) -> bool:
    """Compare the real paths. `Path.resolve` would fail on a link that leads to itself; `os.path.realpath` does not."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
