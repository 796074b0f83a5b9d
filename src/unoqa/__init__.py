"""unoqa: quality grading of OCTA images without labels.

    >>> import unoqa
    >>> unoqa.Grade.OUTSTANDING.word
    'outstanding'

Fit on your own outstanding scans, then grade any scan *outstanding*, *gradable* or *ungradable*:

    grader = unoqa.Recipe.named("default").fit("outstanding/")
    settled = grader.settle("cohort/")
    print(settled.grade("scan.png"))

Images are paths, or in memory: `EnfaceImage`, NumPy arrays, PIL images, tensors.
Each name below is imported when it is first used, so that `import unoqa` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from unoqa.version import __version__

if TYPE_CHECKING:
    from unoqa import contracts
    from unoqa.core.errors import UnoqaError
    from unoqa.core.grading import Grade, Grading
    from unoqa.core.image import EnfaceImage
    from unoqa.grader.cohort import CohortResult
    from unoqa.grader.grader import Grader, SettledGrader, load
    from unoqa.grader.recipe import Recipe
    from unoqa.outputs.parts.run import grade_to_folder
    from unoqa.store.results import Results

_HOMES = {
    "CohortResult": "unoqa.grader.cohort",
    "EnfaceImage": "unoqa.core.image",
    "Grade": "unoqa.core.grading",
    "Grader": "unoqa.grader.grader",
    "Grading": "unoqa.core.grading",
    "Recipe": "unoqa.grader.recipe",
    "SettledGrader": "unoqa.grader.grader",
    "UnoqaError": "unoqa.core.errors",
    "grade_to_folder": "unoqa.outputs.parts.run",
    "load": "unoqa.grader.grader",
    "Results": "unoqa.store.results",
}

__all__ = [
    "CohortResult",
    "EnfaceImage",
    "Grade",
    "Grader",
    "Grading",
    "Recipe",
    "Results",
    "SettledGrader",
    "UnoqaError",
    "__version__",
    "contracts",
    "grade_to_folder",
    "load",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "contracts":
        return import_module("unoqa.contracts")
    raise AttributeError(f"module 'unoqa' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
