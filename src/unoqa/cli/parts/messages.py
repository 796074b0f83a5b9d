"""What commands print for people: to stderr, so that stdout stays for results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.cli.parts.terminal import tell
from unoqa.core.grading import Grade
from unoqa.store.files import is_empty

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from unoqa.grader.cohort import CohortResult
    from unoqa.grader.fitting import FitReport
    from unoqa.grader.source import Failure

SCATTERS_BELOW = 40
"""Images learned from below which the user is warned (docs/guide.md)."""

SHOWN = 5
"""Names listed before the rest are only counted."""


def say(sentence: str, *, quiet: bool = False) -> None:
    """Print a sentence unless quiet is wanted."""
    if not quiet:
        tell(sentence)


def say_fit(report: FitReport) -> None:
    """Print what became of the images given; failures and oddities are said even when quiet is wanted."""
    say_failures(report.failures)
    same = [f"{name} = {first}" for name, first in report.duplicates]
    _list("left out as exact copies of another", same)
    say_ignored(report.ignored)
    _list("learned from, but unlike the rest (outstanding?)", list(report.unusual))
    if report.used < SCATTERS_BELOW:
        few = f"{_images(report.used)} learned from: below {SCATTERS_BELOW} the share of good scans that is refused"
        say(f"Warning: {few} scatters widely.")
    for notice in report.notices:
        say(f"Warning: {notice}")


def say_failures(failures: Sequence[Failure]) -> None:
    """Print which images could not be read, and why."""
    _list("could not be read", [f"{one.name}: {one.sentence}" for one in failures])


def say_replaced(model: Path) -> None:
    """Print that a model is about to take the place of another, also when quiet is wanted: that one is gone then."""
    if model.is_dir() and not is_empty(model):
        say(f"Warning: the model that was in {model} is replaced.")


def say_ignored(files: int, *, quiet: bool = False) -> None:
    """Print how many files in the folders are no images, if any."""
    if files:
        what = "file in the folders is no image" if files == 1 else "files in the folders are no images"
        say(f"{files} {what}.", quiet=quiet)


def say_counts(result: CohortResult, *, quiet: bool) -> None:
    """Print how many images have which grade, what failed, and the warnings."""
    counts = ", ".join(f"{result.count(grade)} {grade.word}" for grade in reversed(Grade))
    failed = [grading for grading in result.gradings if grading.grade is None]
    refused = sum(grading.score is not None for grading in failed)
    without = f"{refused} not outstanding and without a grade, " if refused else ""
    say(f"{_images(len(result.gradings))}: {counts}, {without}{len(failed) - refused} failed.", quiet=quiet)
    _list("without a grade", [f"{grading.image}: {grading.error}" for grading in failed])
    for warning in result.warnings:
        say(f"Warning: {warning}")


def _list(what: str, names: Sequence[str]) -> None:
    if not names:
        return
    say(f"{_images(len(names))} {what}:")
    for name in names[:SHOWN]:
        say(f"  {name}")
    if len(names) > SHOWN:
        say(f"  … and {len(names) - SHOWN} more")


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"
