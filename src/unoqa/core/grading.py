"""Grades, and the result of one image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import final

from unoqa.core.findings import Finding, describe_findings

SURE = 0.75
"""Certainty below which a grade is unsure, so that a person should look at the image."""


@final
class Grade(IntEnum):
    """The three levels of the field's consensus scale (unusable, usable, excellent)."""

    UNGRADABLE = 0
    GRADABLE = 1
    OUTSTANDING = 2

    def __str__(self) -> str:
        return self.word

    @property
    def word(self) -> str:
        """The grade as results show it: `outstanding`, `gradable` or `ungradable`."""
        return self.name.lower()


@final
@dataclass(frozen=True, repr=False)
class Grading:
    """The result of one image, or the reason why there is none.

    Attributes:
        image: its name.
        grade: None if the image could not be graded.
        score: higher is worse; None if the image could not be read.
        threshold: the score above which an image is not outstanding.
        certainty: probability that a model fitted on other outstanding images of the device, and another cohort of its
            kind, give the same grade; 0 if the grade means nothing, None if there is none.
        findings: what is wrong with the image, the worst first.
        error: a stable code and one sentence; empty if there is a grade.
        percentile: share of outstanding images, this one counted, whose score is at least as high; None if the image
            could not be read.
        out_of_scope: empty, or the code of why the image is not such a scan as the model knows.
        reduced: the first two numbers by which the image was clustered; empty if it was not.
        unsure: whether the grade is so uncertain that a person should look at the image.
    """

    image: str
    grade: Grade | None
    score: float | None
    threshold: float
    certainty: float | None
    findings: tuple[Finding, ...] = ()
    error: str = ""
    percentile: float | None = None
    out_of_scope: str = ""
    reduced: tuple[float, ...] = ()
    unsure: bool = False

    def __repr__(self) -> str:
        grade = "no grade" if self.grade is None else self.grade.word
        score = "" if self.score is None else f", score={self.score:.4g}, threshold={self.threshold:.4g}"
        reasons = "".join(f", {reason}" for reason in self.reasons)
        return f"Grading({self.image!r}: {grade}{score}{reasons})"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the image is not outstanding, in words, the worst first; empty for an outstanding image."""
        if self.score is None or self.grade is Grade.OUTSTANDING:
            return ()
        return describe_findings(self.findings)
