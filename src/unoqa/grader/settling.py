"""How a model was settled, read from its folder without anything that grades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from unoqa.core.contracts import select_prefix
from unoqa.grader.model_checks import explain
from unoqa.grader.statistics import CohortStatistics
from unoqa.store.model_folder import read_model_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from unoqa.store.model_folder import ModelFiles

COHORT = "cohort."
"""What the names of arrays begin with that hold the statistics of the cohort a model was settled on."""


@final
@dataclass(frozen=True)
class Settling:
    """What a model folder says of how it was settled, without anything that grades.

    Attributes:
        members: of the panel, as the settings of the recipe have them.
        statistics: of the cohort that the model was settled on; None if it keeps none.
    """

    checksum: str
    threshold: float
    members: Sequence[Mapping[str, Any]]
    is_settled: bool
    statistics: CohortStatistics | None


def read_settling(folder: Path) -> Settling:
    """Read of a model folder only what monitoring needs, in a fraction of the time of `read_model`.

    Raises:
        ModelError: as `read_model`.
    """
    files = read_model_folder(folder)
    document = files.document
    try:
        return Settling(
            files.checksum,
            float(document["threshold"]),
            document["settings"]["members"],
            "settled" in document,
            restore_statistics(files),
        )
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise explain(folder, error) from error


def restore_statistics(files: ModelFiles) -> CohortStatistics | None:
    """Return the statistics of the cohort that a model was settled on; None if its folder keeps none."""
    names = files.document.get("settled", {}).get("statistics")
    return None if names is None else CohortStatistics.restore(names, select_prefix(files.arrays, COHORT))
