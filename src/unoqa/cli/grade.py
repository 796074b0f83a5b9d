"""Grade images as outstanding, gradable or ungradable, with reasons.

An image with a score above the model's threshold is not outstanding. The images that are not outstanding are clustered
into two groups; the group with the higher mean score is ungradable, the other one gradable. Clustering needs at least
10 such images. A settled model (see unoqa settle) has fixed groups, and so it also grades single images.

The output folder receives record.sqlite (all that is known of the images), grades.csv (one row per image), run.json,
heat/ (overlays that show where an image is poor), cohort.png, and report.html, the page to look at. If a run is killed,
the same command continues it.

IMAGES may be a manifest: a table (CSV or Excel) with a column path and any of eye, session, patient, site, date,
device, field of view and slab. With eye and session, grades.csv also names the best scan of each eye. With several
models (-m A -m B), each image goes to the one that was fitted on scans of its device, field of view, slab and size.

With --executor dask, workers on this machine or on others share the work; the results are the same. Without a common
scheduler, grade shards (--shard 3/8) and join them with unoqa join.

Examples:

  unoqa grade clinic/ -m model -o results
  unoqa grade one.png -m settled -o result-of-one --alone
  unoqa grade clinic/today/ -m settled -o results --append
  unoqa grade clinic/ -m model -o results --retry-errors
  unoqa grade clinic/ -m model -o results --executor dask
  unoqa grade manifest.csv -m zeiss -m heidelberg -o results
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unoqa.batch import GradeOptions, Mode
from unoqa.batch.shards import Shard
from unoqa.cli.parts.bars import make_progress
from unoqa.cli.parts.messages import (
    finish_grading,
    is_ungraded_shard,
    print_counts,
    print_ignored,
    print_left_out,
    print_shard,
)
from unoqa.cli.parts.options import (
    Device,
    FollowLinks,
    HashNames,
    Images,
    KeepDates,
    KeepIdentifiers,
    Log,
    ProgressTo,
    Quiet,
    SeveralModels,
    check_results_folder,
)
from unoqa.cli.parts.terminal import print_message
from unoqa.cli.parts.work import ExecutorName, Scheduler, Threads, make_executor, use_threads
from unoqa.core.errors import UsageError
from unoqa.grader.choice_of_model import Models
from unoqa.grader.privacy import Privacy
from unoqa.grader.source import ImageSource
from unoqa.outputs.parts.run import grade_to_folder

if TYPE_CHECKING:
    from unoqa.store.results import Results


Findings = Annotated[
    Literal["refused", "all"], typer.Option(help="Look for faults in these images: not outstanding, or all.")
]

RetryErrors = Annotated[bool, typer.Option("--retry-errors", help="Read only images again that failed before.")]

ShardName = Annotated[
    str | None, typer.Option(help="Grade only this part, such as 3/8; see unoqa join.", metavar="I/N")
]

NAMES_ARE_KEPT = (
    "The results hold the names and paths of the image files; where they say who was scanned, grade with --hash-names."
)


def grade(
    images: Images,
    model: SeveralModels,
    output: Annotated[Path, typer.Option("--output", "-o", help="Results folder to make.")],
    alone: Annotated[bool, typer.Option("--alone", help="Grade each image by itself; needs a settled model.")] = False,
    cohort: Annotated[bool, typer.Option("--cohort", help="Cluster them, even if the model is settled.")] = False,
    append: Annotated[bool, typer.Option("--append", help="Add images to the results; needs a settled model.")] = False,
    findings: Findings = "refused",
    retry_errors: RetryErrors = False,
    no_heat: Annotated[bool, typer.Option("--no-heat", help="Write no heat/ and no cohort.png; faster.")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.html.")] = False,
    shard: ShardName = None,
    executor: ExecutorName = "threads",
    scheduler: Scheduler = None,
    device: Device = "cpu",
    threads: Threads = 0,
    follow_links: FollowLinks = False,
    keep_identifiers: KeepIdentifiers = False,
    keep_dates: KeepDates = False,
    hash_names: HashNames = False,
    log: Log = None,
    progress: ProgressTo = None,
    quiet: Quiet = False,
) -> None:
    """Grade images into a results folder."""
    del log
    check_results_folder(output, images, model)
    use_threads(threads)
    privacy = Privacy(keep_identifiers=keep_identifiers, keep_dates=keep_dates, hash_names=hash_names)
    source = ImageSource.find(images, follow_links=follow_links, privacy=privacy)
    mode, part = _find_mode(alone=alone, cohort=cohort), None if shard is None else Shard.parse(shard)
    shared = make_executor(executor, scheduler)
    options = GradeOptions(mode, not no_heat, append, findings == "all", retry_errors, shared, part)
    models, bars = Models.load(model, device=device), make_progress(quiet=quiet, file=progress)
    tell, left = partial(print_message, quiet=quiet), ("report_html",) if no_report else ()
    with grade_to_folder(models, source, output, options, progress=bars, notify=tell, leave_out=left) as results:
        _finish(results, source, quiet=quiet)


def _finish(results: Results, source: ImageSource, *, quiet: bool) -> None:
    print_what = print_shard if is_ungraded_shard(results) else print_counts
    print_what(results, quiet=quiet)
    print_ignored(source.ignored, quiet=quiet)
    print_left_out(source)
    if not source.privacy.hash_names:
        print_message(NAMES_ARE_KEPT, quiet=quiet)
    finish_grading(results, quiet=quiet)


def _find_mode(*, alone: bool, cohort: bool) -> Mode:
    if alone and cohort:
        raise UsageError("--alone and --cohort exclude each other; give only one of them.")
    return Mode.ALONE if alone else Mode.COHORT if cohort else Mode.AS_MODEL
