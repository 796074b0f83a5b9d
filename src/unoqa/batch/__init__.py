"""Many files: the only way in which a folder is graded."""

from unoqa.batch.run import Mode, grade_files

__all__ = ["Mode", "grade_files"]
