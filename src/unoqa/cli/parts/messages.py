"""What commands tell people about a fit and a run; warnings and failures are printed even with `--quiet`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from unoqa.cli.parts.exit_status import NOTHING_DONE, SOME_FAILED
from unoqa.cli.parts.terminal import print_message
from unoqa.core.grading import Grade
from unoqa.outputs import list_added_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.assessment import Failure
    from unoqa.grader.fitting import FitReport
    from unoqa.grader.source import ImageSource
    from unoqa.store.results import Results

FEW_IMAGES = 40
"""A fit on fewer images prints a warning (docs/guide.md)."""

MADE = ("record.sqlite", "grades.csv", "run.json", "heat/", "cohort.png", "report.html")
"""What a run makes in the results folder: overlays and the picture only with heat, the report unless unwanted."""

MAX_LISTED = 5
"""Names in a list; the others are only counted."""


def print_fit_report(report: FitReport) -> None:
    """Print what became of the images given."""
    print_failures(report.failures)
    same = [f"{name} = {first}" for name, first in report.duplicates]
    _print_list("left out (exact copy of another)", same)
    print_ignored(report.ignored)
    _print_list("fitted on, but unlike the others (check that each is outstanding)", list(report.unusual))
    if report.used < FEW_IMAGES:
        fitted = f"the model is fitted on {_count(report.used)}"
        print_message(f"Warning: {fitted}; below {FEW_IMAGES} the share of good scans that it refuses varies widely.")
    for notice in report.notices:
        print_message(f"Warning: {notice}")


def print_failures(failures: Sequence[Failure]) -> None:
    """Print which images could not be read, and why."""
    _print_list("could not be read", [f"{failure.name}: {failure.message}" for failure in failures])


def print_ignored(files: int, *, quiet: bool = False) -> None:
    """Print how many files in the folders are not images, if any."""
    if files:
        what = "file in the folders is not an image" if files == 1 else "files in the folders are not images"
        print_message(f"{files} {what}.", quiet=quiet)


def print_left_out(source: ImageSource) -> None:
    """Print what was found and is not used, such as image files of a kind that is not read."""
    for sentence in source.left_out:
        print_message(sentence)


def print_counts(results: Results, *, quiet: bool) -> None:
    """Print how many images have which grade, which have none, and the warnings."""
    counts = ", ".join(f"{results.count(grade)} {grade.word}" for grade in reversed(Grade))
    ungraded, refused = results.count(None), results.count_scored_without_grade()
    out = results.count_out_of_scope()
    without = f"{refused} not outstanding and without a grade, " if refused else ""
    outside = f"{out} out of scope, " if out else ""
    failed = ungraded - refused - out
    print_message(f"{_count(len(results))}: {counts}, {without}{outside}{failed} failed.", quiet=quiet)
    _print_list("without a grade", [f"{name}: {error}" for name, error in results.list_errors(MAX_LISTED)], ungraded)
    for warning in results.facts["warnings"]:
        print_message(f"Warning: {warning}")


def is_ungraded_shard(results: Results) -> bool:
    """Tell whether the results are a shard of a cohort, which gets its grades when all shards are joined."""
    return not results.facts.get("shard", {"graded": True})["graded"]


def print_shard(results: Results, *, quiet: bool) -> None:
    """Print how many images of such a shard were scored."""
    shard, scored = results.facts["shard"], results.count_scored_without_grade()
    failed = len(results) - scored - results.count_out_of_scope()
    print_message(
        f"Shard {shard['number']}/{shard['of']}: {_count(scored)} scored, {failed} failed; grades come with all "
        f"{shard['of']} shards: unoqa join RESULTS… -o RESULTS.",
        quiet=quiet,
    )


def finish_grading(results: Results, *, quiet: bool) -> None:
    """Print what was made, and end the command with a status that says whether all images have grades.

    Raises:
        typer.Exit: some have none.
    """
    made = [name for name in MADE if (results.folder / name).exists()]
    made += [name for name in list_added_files(results.folder) if name not in made]
    print_message(f"Results in {results.folder}: {', '.join(made)}.", quiet=quiet)
    without = results.count(None) - (results.count_scored_without_grade() if is_ungraded_shard(results) else 0)
    if without == len(results):
        raise typer.Exit(NOTHING_DONE)
    if without > results.count_out_of_scope():
        raise typer.Exit(SOME_FAILED)


def _print_list(what: str, names: Sequence[str], total: int | None = None) -> None:
    total = len(names) if total is None else total
    if not total:
        return
    print_message(f"{_count(total)} {what}:")
    for name in names[:MAX_LISTED]:
        print_message(f"  {name}")
    if total > MAX_LISTED:
        print_message(f"  … and {total - MAX_LISTED} more")


def _count(images: int) -> str:
    return f"{images} image{'' if images == 1 else 's'}"
