"""A logistic probe of a learned encoder's features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, final

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unoqa.benchmark.supervised.parts.contract import Reference
from unoqa.benchmark.supervised.parts.grades import by_grade, require
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from unoqa.benchmark.supervised.parts.contract import Specimens

ITERATIONS = 10_000
"""More than the solver needs: it stops where it has converged."""


@final
@settings
class Logistic(Reference):
    """Multinomial logistic regression on standardised features: a linear probe (Alain, Bengio 2016)."""

    C: Annotated[float, Field(gt=0, description="inverse strength of the L2 penalty")] = 0.003
    balanced: Annotated[bool, Field(description="let each grade weigh the same, however many images it has")] = True

    def predict(
        self, seen: Int[np.ndarray, " some"], unseen: Int[np.ndarray, " others"], specimens: Specimens, *, seed: int
    ) -> Float[np.ndarray, "others 3"]:
        """Fit the one optimum, which needs no seed."""
        del seed
        require(specimens.grades[seen], each=1)
        features = specimens.features.astype(np.float64)
        weights = "balanced" if self.balanced else None
        classifier = LogisticRegression(C=self.C, class_weight=weights, max_iter=ITERATIONS)
        probe = make_pipeline(StandardScaler(), classifier).fit(features[seen], specimens.grades[seen])
        return by_grade(probe.predict_proba(features[unseen]), probe.classes_)
