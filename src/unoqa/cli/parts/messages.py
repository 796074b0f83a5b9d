"""What commands tell people about a fit and a run; warnings and failures are printed even with `--quiet`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.cli.parts.terminal import print_message
from unoqa.core.grading import Grade
from unoqa.store.files import is_empty

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from unoqa.grader.cohort import CohortResult
    from unoqa.grader.fitting import FitReport
    from unoqa.grader.source import Failure

FEW_IMAGES = 40
"""A fit on fewer images prints a warning (docs/guide.md)."""

LISTED = 5
"""Names in a list; the others are only counted."""


def print_fit_report(report: FitReport) -> None:
    """Print what became of the images given."""
    print_failures(report.failures)
    same = [f"{name} = {first}" for name, first in report.duplicates]
    _print_list("left out (exact copy of another)", same)
    print_ignored(report.ignored)
    _print_list("fitted on, but unlike the others (outstanding?)", list(report.unusual))
    if report.used < FEW_IMAGES:
        fitted = f"the model is fitted on {_count(report.used)}"
        print_message(f"Warning: {fitted}; below {FEW_IMAGES} the share of good scans that it refuses varies widely.")
    for notice in report.notices:
        print_message(f"Warning: {notice}")


def print_failures(failures: Sequence[Failure]) -> None:
    """Print which images could not be read, and why."""
    _print_list("could not be read", [f"{failure.name}: {failure.message}" for failure in failures])


def print_replacement(model: Path) -> None:
    """Print a warning if a new model is about to replace another one in the folder `model`."""
    if model.is_dir() and not is_empty(model):
        print_message(f"Warning: the model that was in {model} is replaced.")


def print_ignored(files: int, *, quiet: bool = False) -> None:
    """Print how many files in the folders are not images, if any."""
    if files:
        what = "file in the folders is not an image" if files == 1 else "files in the folders are not images"
        print_message(f"{files} {what}.", quiet=quiet)


def print_counts(result: CohortResult, *, quiet: bool) -> None:
    """Print how many images have which grade, which have none, and the warnings."""
    counts = ", ".join(f"{result.count(grade)} {grade.word}" for grade in reversed(Grade))
    ungraded = [grading for grading in result.gradings if grading.grade is None]
    refused = sum(grading.score is not None for grading in ungraded)
    without = f"{refused} not outstanding and without a grade, " if refused else ""
    print_message(f"{_count(len(result.gradings))}: {counts}, {without}{len(ungraded) - refused} failed.", quiet=quiet)
    _print_list("without a grade", [f"{grading.image}: {grading.error}" for grading in ungraded])
    for warning in result.warnings:
        print_message(f"Warning: {warning}")


def _print_list(what: str, names: Sequence[str]) -> None:
    if not names:
        return
    print_message(f"{_count(len(names))} {what}:")
    for name in names[:LISTED]:
        print_message(f"  {name}")
    if len(names) > LISTED:
        print_message(f"  … and {len(names) - LISTED} more")


def _count(images: int) -> str:
    return f"{images} image{'' if images == 1 else 's'}"
