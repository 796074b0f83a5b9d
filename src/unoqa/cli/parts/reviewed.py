"""The images that readers graded outstanding, as a list of files: no grade goes further than here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unoqa.core.errors import UsageError
from unoqa.core.grading import Grade
from unoqa.grader.source import ImageSource
from unoqa.store.results import Results
from unoqa.store.results.reviews import collect_reviews


def find_reviewed(folder: Path) -> ImageSource:
    """Find the images of a results folder that were adjudicated outstanding, or that all their readers graded so.

    Raises:
        UsageError: there is none, or a file is no longer where it was graded.
    """
    with Results.open(folder) as results:
        reviews = collect_reviews(results.decisions)
        chosen = [
            entry
            for position, entry in enumerate(results.entries())
            if position in reviews and reviews[position].decided is Grade.OUTSTANDING and entry.path
        ]
    if not chosen:
        raise UsageError(f"No image of {folder} is graded outstanding by its readers; grade some with `unoqa review`.")
    source = ImageSource.find([Path(path) for path in dict.fromkeys(one.path for one in chosen)])
    wanted = {(one.path, one.page) for one in chosen}
    return replace(source, images=tuple(one for one in source.images if (one.path, one.page) in wanted))
