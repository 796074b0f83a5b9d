"""Grades, and what is reported of one image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, final


@final
class Grade(IntEnum):
    """The three levels of the field's consensus scale: unusable, usable, excellent."""

    UNGRADABLE = 0
    GRADABLE = 1
    OUTSTANDING = 2

    def __str__(self) -> str:
        return self.word

    @property
    def word(self) -> str:
        """Return the grade as written in results: `outstanding`, `gradable`, `ungradable`."""
        return self.name.lower()


@final
@dataclass(frozen=True)
class Grading:
    """One image's result, or why there is none.

    Attributes:
        image: its name.
        grade: None where the image could not be graded.
        score: higher = worse; None where the image could not be read.
        threshold: the score above which an image is not outstanding.
        certainty: from 0 (could as well be the neighbouring grade) to 1.
        reasons: in words, the worst first; empty for an outstanding image.
        error: a stable code and one sentence; empty where there is a grade.
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
