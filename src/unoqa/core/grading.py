"""Grades, and the result of one image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, final


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
@dataclass(frozen=True)
class Grading:
    """The result of one image, or the reason why there is none.

    Attributes:
        image: its name.
        grade: None if the image could not be graded.
        score: higher is worse; None if the image could not be read.
        threshold: the score above which an image is not outstanding.
        certainty: from 0 (the neighbouring grade is as likely) to 1; None if there is no grade.
        reasons: why the image is not outstanding, in words, the worst first; empty for an outstanding image.
        error: a stable code and one sentence; empty if there is a grade.
    """

    image: str
    grade: Grade | None
    score: float | None
    threshold: float
    certainty: float | None
    reasons: tuple[str, ...] = ()
    error: str = ""


@final
@dataclass(frozen=True)
class RunRecord:
    """A finished run: its gradings in order, and its facts (versions, seed, model, settings, counts, times)."""

    gradings: tuple[Grading, ...]
    facts: Mapping[str, Any]
