"""Many files into a results folder: journalled, gone on with after a kill, written whole."""

from unoqa.batch.run import Mode, grade_files

__all__ = ["Mode", "grade_files"]
