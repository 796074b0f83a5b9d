"""The cohort on a plane: images that are alike lie near one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.report.cohort import Scan

PLANE = 2


@final
@dataclass(frozen=True)
class Embedding:
    """Where each image lies; NaN for an image that has no place.

    Attributes:
        sentence: what the two axes are.
    """

    places: Float[np.ndarray, "scans 2"]
    sentence: str


def embed(scans: Sequence[Scan]) -> Embedding | None:
    """Place the images by what they were clustered by or, if that is one number, by their members' scores.

    Returns:
        None if there is nothing but the score.
    """
    if sum(len(scan.reduced) == PLANE for scan in scans) > PLANE:
        places = np.array([scan.reduced if len(scan.reduced) == PLANE else (np.nan, np.nan) for scan in scans])
        return Embedding(places, "First two components by which images that are not outstanding are clustered.")
    members = max((len(scan.members) for scan in scans), default=0)
    if members < PLANE:
        return None
    rows = np.array([scan.members if len(scan.members) == members else (np.nan,) * members for scan in scans])
    sentence = f"First two principal components of the {members} standardised scores that make up the score."
    return Embedding(_project(rows), sentence)


def _project(rows: Float[np.ndarray, "scans members"]) -> Float[np.ndarray, "scans 2"]:
    """Project on the first two principal components; the mean component points right, so that worse is right."""
    known = np.isfinite(rows).all(axis=1)
    centred = rows - rows[known].mean(axis=0)
    _, _, axes = np.linalg.svd(centred[known], full_matrices=False)
    axes = axes[:PLANE] * np.where(axes[:PLANE].sum(axis=1, keepdims=True) < 0, -1, 1)
    return np.pad(centred @ axes.T, ((0, 0), (0, PLANE - len(axes))))
