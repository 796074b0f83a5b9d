"""One image for a reader: its pictures, and what may be shown of what others say."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from unoqa.app.review.sight import open_sight, read_review
from unoqa.core.errors import UsageError
from unoqa.report.images import read_image
from unoqa.store.results.reviews import ADJUDICATION, CAUSE, FAULTS, GRADE, NOTE, Review

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.grading import Grading
    from unoqa.store.results import Decision, Results

LONGEST_SIDE = 2048
"""Pixels of a picture; larger images are reduced."""


def describe_image(
    results: Results, position: int, reader: str, *, blind: bool = False, adjudicating: bool = False
) -> dict[str, Any]:
    """Return what the page shows of an image.

    What other readers say is left out until the reader has graded the image, or adjudicates it openly. So is, of a
    blind reader, what the machine says.
    """
    grading = results.grading(check_position(results, position))
    sight = open_sight(results, position, reader, blind=blind, adjudicating=adjudicating)
    review = read_review(results, position)
    return {
        "position": position,
        "name": grading.image,
        "mine": {name: review.fields.get(name, {}).get(reader) for name in (GRADE, FAULTS, CAUSE, NOTE)},
        "machine": _describe_machine(grading) if sight.machine else None,
        "heat": sight.machine and results.heat_path(grading.image).is_file(),
        "others": _describe_readers(review, "" if adjudicating else reader) if sight.others else None,
        "adjudicated": _describe_adjudication(review) if sight.others else None,
        "trail": [_describe_decision(one) for one in review.trail if sight.others or one.reader == reader],
    }


def check_position(results: Results, position: int) -> int:
    """Return the position if there is such an image.

    Raises:
        UsageError: there is none.
    """
    if not 0 <= position < len(results):
        raise UsageError(f"There is no image {position + 1}; the results have {len(results)}. Reload the page.")
    return position


def check_name(results: Results, position: int, name: str) -> None:
    """Check that a position still has the image that the page showed; a run that goes on may have moved it.

    Raises:
        UsageError: it has another one.
    """
    if results.grading(check_position(results, position)).image != name:
        raise UsageError(f"The images have moved since the page was opened; reload it and look at {name} again.")


def draw_image(results: Results, position: int, *, images: Path | None) -> bytes:
    """Return an image as a PNG, as bright as the model saw it.

    Raises:
        ResultsError: its file is not where it was graded.
    """
    name = results.grading(check_position(results, position)).image
    pixels = read_image(results, name, images=images).pixels
    picture = Image.fromarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    file = io.BytesIO()
    picture.save(file, format="PNG", compress_level=1)
    return file.getvalue()


def find_heat(results: Results, position: int, reader: str, *, blind: bool, adjudicating: bool) -> Path:
    """Return the file of an image's overlay, a PNG.

    Raises:
        UsageError: the reader is not to see it yet, or there is none.
    """
    name = results.grading(check_position(results, position)).image
    path = results.heat_path(name)
    if not open_sight(results, position, reader, blind=blind, adjudicating=adjudicating).machine:
        raise UsageError("Heat is hidden until you have graded the image.")
    if not path.is_file():
        raise UsageError(f"There is no heat of {name}; grade the images again with heat.")
    return path


def _describe_machine(grading: Grading) -> dict[str, Any]:
    return {
        "grade": None if grading.grade is None else grading.grade.word,
        "score": grading.score,
        "threshold": grading.threshold,
        "certainty": grading.certainty,
        "unsure": grading.unsure,
        "findings": list(grading.reasons),
        "error": grading.error.partition(": ")[2],
    }


def _describe_readers(review: Review, without: str) -> list[dict[str, Any]]:
    names = sorted({name for by_reader in review.fields.values() for name in by_reader} - {without})
    shown = (GRADE, FAULTS, CAUSE, NOTE)
    others = [{"reader": name, **{one: review.fields.get(one, {}).get(name) for one in shown}} for name in names]
    return [one for one in others if any(one[name] for name in shown)]


def _describe_adjudication(review: Review) -> dict[str, str] | None:
    grade = review.adjudicated
    return None if grade is None else {"reader": review.adjudicator, "grade": grade.word}


def _describe_decision(decision: Decision) -> dict[str, Any]:
    names = {GRADE: "grade", ADJUDICATION: "final grade"}
    return {
        "time": decision.time,
        "reader": decision.reader,
        "field": names.get(decision.field, decision.field),
        "old": decision.old,
        "new": decision.new,
        "reason": decision.reason,
    }
