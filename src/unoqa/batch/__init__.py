"""Grading of many images into a results folder; a killed run continues where it stopped."""

from unoqa.batch.driver import GradeOptions, Mode, grade_files

__all__ = ["GradeOptions", "Mode", "grade_files"]
