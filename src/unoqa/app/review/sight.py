"""What a reader may see of what others say: decided here, not by the page; and the record says who saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.core.errors import UsageError
from unoqa.store.results.reviews import GRADE, OPEN, VIEW, Review, collect_reviews

if TYPE_CHECKING:
    from unoqa.store.results import Results


@final
@dataclass(frozen=True)
class Sight:
    """What a reader may see of an image, beside the image and what he wrote himself.

    Attributes:
        machine: grade, findings and heat of the machine.
        others: grades, notes and history of other readers.
    """

    machine: bool
    others: bool


def read_review(results: Results, position: int) -> Review:
    """Return what readers have decided about one image."""
    return collect_reviews(results.decisions_about(position)).get(position, Review())


def open_sight(results: Results, position: int, reader: str, *, blind: bool, adjudicating: bool) -> Sight:
    """Return what a reader may see of an image, and enter that a reader sees it who has not graded yet.

    Whoever has graded an image may see all. Others see what the machine says unless they are blind; and what readers
    say only to adjudicate between several, which nobody does blind.
    """
    review = read_review(results, position)
    graded = reader in review.fields.get(GRADE, {})
    sight = Sight(graded or not blind, graded or (adjudicating and not blind and len(review.grades) > 1))
    if sight.machine and not graded:
        enter_open(results, position, reader)
    return sight


def enter_open(results: Results, position: int, reader: str) -> None:
    """Enter that a reader sees what others say of an image, unless it is entered already what the reader saw."""
    if reader not in read_review(results, position).fields.get(VIEW, {}):
        results.decide(position, reader, VIEW, OPEN)


def check_may_see_all(results: Results, reader: str, *, blind: bool) -> None:
    """Check that a reader may see a table of all grades.

    Raises:
        UsageError: the reader is blind, and some images are to be graded yet.
    """
    if not blind:
        return
    reviews = collect_reviews(results.decisions)
    graded = sum(reader in review.fields.get(GRADE, {}) for review in reviews.values())
    if missing := len(results) - graded:
        raise UsageError(
            f"The table shows what unoqa and other readers say, and you grade blind: grade the {missing} images that "
            "are left, or ask somebody who does not grade blind."
        )
