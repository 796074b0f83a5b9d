"""Which images there are to review, and in which order."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from unoqa.report.attention import rank_by_doubt
from unoqa.store.results.details import read_warnings
from unoqa.store.results.reviews import GRADE, Review, collect_reviews

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.grading import Grading
    from unoqa.store.results import Results


def list_queue(results: Results, reader: str, *, blind: bool = False) -> dict[str, Any]:
    """Return all images in the reader's order, with the reader's own grades, and those about which readers disagree.

    The order is that of the report: the most doubtful first. It tells what the machine thinks; so a blind reader has an
    order of chance, always the same one, and learns of a disagreement after grading the image.
    """
    reviews = collect_reviews(results.decisions)
    gradings = tuple(results.iterate())
    order = order_by_chance(gradings, reader) if blind else order_by_doubt(results, gradings)
    mine = {position: review.fields.get(GRADE, {}).get(reader) for position, review in reviews.items()}
    disputed = list_disagreements(reviews)
    shown = [position for position in disputed if not blind or mine[position] is not None]
    return {
        "images": [
            {"position": position, "name": gradings[position].image, "mine": mine.get(position)} for position in order
        ],
        "unsure": 0 if blind else sum(grading.unsure for grading in gradings),
        "disagreements": shown,
        "hidden": len(disputed) - len(shown),
    }


def order_by_doubt(results: Results, gradings: Sequence[Grading]) -> list[int]:
    """Return the positions of all images: those that a person decides better in the order of the report, then others.

    The others come by certainty, the least first.
    """
    flags = [
        (grading.out_of_scope, *warnings) for grading, warnings in zip(gradings, read_warnings(results), strict=True)
    ]
    doubtful = rank_by_doubt(gradings, flags)
    rest = [position for position in range(len(gradings)) if position not in doubtful]
    return [*doubtful, *sorted(rest, key=lambda position: gradings[position].certainty or 0.0)]


def order_by_chance(gradings: Sequence[Grading], reader: str) -> list[int]:
    """Return the positions of all images in an order of chance that depends on the reader and the images' names."""

    def draw(position: int) -> bytes:
        return hashlib.sha256(f"{reader}\n{gradings[position].image}".encode(errors="surrogateescape")).digest()

    return sorted(range(len(gradings)), key=draw)


def list_disagreements(reviews: dict[int, Review]) -> list[int]:
    """Return the positions of images about which readers disagree and nobody has adjudicated."""
    return sorted(position for position, review in reviews.items() if review.disagrees)


def list_faults(results: Results) -> list[str]:
    """Return the faults that a reader can name, in the words of the measures, sorted."""
    named = results.facts.get("faults")
    return results.list_words() if named is None else list(named)
