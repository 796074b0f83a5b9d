"""The images that readers graded outstanding, as a list of files: no grade goes further than here."""

from __future__ import annotations

from pathlib import Path

from unoqa.core.errors import UsageError
from unoqa.core.facts import DECLARED, Facts
from unoqa.core.grading import Grade
from unoqa.grader.privacy import Privacy
from unoqa.grader.source import ImageSource
from unoqa.store.hidden_names import is_hidden
from unoqa.store.results import Results
from unoqa.store.results.reviews import collect_reviews


def find_reviewed(folder: Path) -> ImageSource:
    """Find the images of a results folder that were adjudicated outstanding, or that all their readers graded so.

    What a manifest said of them when they were graded – above all whose they are – is known of them still; names that
    were hashed are hashed again.

    Raises:
        UsageError: there is none, or a file is no longer where it was graded.
        ResultsError: the record does not say where an image lay, or only another machine knows.
    """
    with Results.open(folder) as results:
        reviews = collect_reviews(results.decisions)
        entries = results.entries()
        chosen = [position for position, one in sorted(reviews.items()) if one.decided is Grade.OUTSTANDING]
        places = [results.entry(entries[position].name) for position in chosen if entries[position].path]
        declared = [_declared(results.facts_of(position)) for position in chosen if entries[position].path]
        hashed = any(is_hidden(one.path) for one in entries)
    if not places:
        raise UsageError(f"No image of {folder} is graded outstanding by its readers; grade some with `unoqa review`.")
    files = [Path(path) for path in dict.fromkeys(one.path for one in places)]
    known = {(one.path, one.page): facts for one, facts in zip(places, declared, strict=True)}
    return ImageSource.find(files, privacy=Privacy(hash_names=hashed)).select(known)


def _declared(facts: Facts) -> Facts:
    """Return what a manifest said."""
    return Facts(**{name: fact for name, fact in facts.known() if fact.source == DECLARED})
