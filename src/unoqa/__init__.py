"""unoqa: quality grading of OCTA images without labels.

    >>> import unoqa
    >>> unoqa.Grade.OUTSTANDING.word
    'outstanding'

The names below are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from unoqa.version import __version__

if TYPE_CHECKING:
    from unoqa.core.errors import UnoqaError
    from unoqa.core.grading import Grade, Grading
    from unoqa.core.image import EnfaceImage
    from unoqa.grader.cohort import CohortResult
    from unoqa.grader.grader import Grader, SettledGrader
    from unoqa.grader.model import load
    from unoqa.grader.recipe import Recipe

_HOMES = {
    "CohortResult": "unoqa.grader.cohort",
    "EnfaceImage": "unoqa.core.image",
    "Grade": "unoqa.core.grading",
    "Grader": "unoqa.grader.grader",
    "Grading": "unoqa.core.grading",
    "Recipe": "unoqa.grader.recipe",
    "SettledGrader": "unoqa.grader.grader",
    "UnoqaError": "unoqa.core.errors",
    "load": "unoqa.grader.model",
}

__all__ = [
    "CohortResult",
    "EnfaceImage",
    "Grade",
    "Grader",
    "Grading",
    "Recipe",
    "SettledGrader",
    "UnoqaError",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'unoqa' has no attribute '{name}'")
