"""What is known of one image before the images of its cohort are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float

from unoqa.core.facts import NO_FACTS, Facts
from unoqa.core.findings import Finding

OTHER_SIZE = "other-size"
"""Code of a warning: the image has another size than all those that the model was fitted on."""

DARK_RANGE = "dark-range"
"""Code of a warning: the image uses so little of the intensity range that the range may not be meant for it."""

OTHER_CONTENT = "other-content"
"""Code of scope: the image is a picture of another kind than the scans that the model knows."""


@final
@dataclass(frozen=True)
class Assessment:
    """One image's score, and what its grade will be made from.

    Attributes:
        image: its name.
        score: higher = worse.
        digest: SHA-256 of the pixels.
        size: rows and columns of the image as read.
        percentile: conformal p-value among outstanding images: the share of them, itself counted, that score at least
            as high. It compares between models.
        members: the weighted standardised score of each member of the panel.
        spread: standard error of the score: how much it depends on the outstanding images that the model was fitted on.
        point: the numbers by which the image is clustered; empty if it is outstanding, since then it is not clustered.
        fingerprint: what copies of a scan have in common; see `unoqa.grader.duplicates`.
        model: number of the model that scored it, from 0.
        findings: the worst first; empty if it is outstanding, unless all findings are wanted.
        warnings: codes of how the image differs from those that the model was fitted on: `other-size`, `dark-range`.
        statistics: numbers of the whole image by name, by which cohorts are compared; see `unoqa.grader.statistics`.
    """

    image: str
    score: float
    digest: str = ""
    size: tuple[int, int] = (0, 0)
    percentile: float | None = None
    members: tuple[float, ...] = ()
    spread: float = 0.0
    point: Float[np.ndarray, " high"] = field(default_factory=lambda: np.empty(0))
    findings: tuple[Finding, ...] = ()
    facts: Facts = NO_FACTS
    out_of_scope: str = ""
    warnings: tuple[str, ...] = ()
    fingerprint: str = ""
    model: int = 0
    statistics: Mapping[str, float] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Failure:
    """An image that cannot be read or used: a stable code and one sentence.

    Attributes:
        facts: what is known of it nevertheless.
        out_of_scope: empty, or the code of why it is not such a scan as the model knows.
    """

    name: str
    code: str
    message: str
    facts: Facts = NO_FACTS
    out_of_scope: str = ""
