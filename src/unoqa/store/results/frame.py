"""Gradings as a data frame, for those who analyse them in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from unoqa.core.grading import Grading


def make_frame(gradings: Iterable[Grading]) -> pd.DataFrame:
    """Return one row per image; the columns are those of `grades.csv` without the grade's code.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415 - of the extra `tables`
    except ImportError:
        raise UsageError("Data frames need pandas: pip install 'unoqa[tables]'.") from None
    return pd.DataFrame(
        {
            "image": one.image,
            "grade": None if one.grade is None else one.grade.word,
            "score": one.score,
            "threshold": one.threshold,
            "certainty": one.certainty,
            "reasons": "; ".join(one.reasons),
            "error": one.error,
            "percentile": one.percentile,
            "out_of_scope": one.out_of_scope,
        }
        for one in gradings
    )
