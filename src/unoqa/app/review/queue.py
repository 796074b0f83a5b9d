"""Which images there are to review, the most doubtful first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unoqa.store.results.reviews import GRADE, Review, collect_reviews

if TYPE_CHECKING:
    from unoqa.core.grading import Grading
    from unoqa.store.results import Results


def list_queue(results: Results, reader: str) -> dict[str, Any]:
    """Return all images by doubt, with the reader's own grades, and those about which readers disagree.

    Nothing in it tells what the machine or another reader says, but the order: by certainty, images without a score
    last; and how many of the first are unsure.
    """
    reviews = collect_reviews(results.decisions)
    nobody = Review()
    gradings = sorted(enumerate(results.iterate()), key=lambda one: _measure_doubt(*one))
    return {
        "images": [
            {
                "position": position,
                "name": grading.image,
                "mine": reviews.get(position, nobody).fields.get(GRADE, {}).get(reader),
            }
            for position, grading in gradings
        ],
        "unsure": sum(grading.unsure for _, grading in gradings),
        "disagreements": list_disagreements(reviews),
    }


def list_disagreements(reviews: dict[int, Review]) -> list[int]:
    """Return the positions of images about which readers disagree and nobody has adjudicated."""
    return sorted(position for position, review in reviews.items() if review.disagrees)


def list_faults(results: Results) -> list[str]:
    """Return the faults that a reader can name, in the words of the measures, sorted."""
    named = results.facts.get("faults")
    return results.list_words() if named is None else list(named)


def _measure_doubt(position: int, grading: Grading) -> tuple[bool, float, int]:
    certainty = -1.0 if grading.certainty is None else grading.certainty  # no grade: as doubtful as can be
    return grading.score is None, certainty, position
