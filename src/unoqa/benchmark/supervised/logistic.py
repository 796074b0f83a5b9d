"""Logistic regression on the features of a learned encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, final

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unoqa.benchmark.supervised.parts.contract import SupervisedReference
from unoqa.benchmark.supervised.parts.grade_columns import require_grades, to_grade_columns
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from unoqa.benchmark.supervised.parts.contract import LabelledData

MAX_ITERATIONS = 10_000
"""More than the solver needs: it stops at convergence."""


@final
@settings
class Logistic(SupervisedReference):
    """Multinomial logistic regression on standardised features: a linear probe (Alain, Bengio 2016)."""

    C: Annotated[float, Field(gt=0, description="inverse strength of the L2 penalty")] = 0.003
    balanced: Annotated[bool, Field(description="give each grade the same total weight")] = True

    def fit_predict(
        self, train: Int[np.ndarray, " train"], test: Int[np.ndarray, " test"], data: LabelledData, *, seed: int
    ) -> Float[np.ndarray, "test 3"]:
        """Find the one optimum; the seed is not used."""
        del seed
        require_grades(data.grades[train], each=1)
        features = data.features.astype(np.float64)
        weights = "balanced" if self.balanced else None
        classifier = LogisticRegression(C=self.C, class_weight=weights, max_iter=MAX_ITERATIONS)
        probe = make_pipeline(StandardScaler(), classifier).fit(features[train], data.grades[train])
        return to_grade_columns(probe.predict_proba(features[test]), probe.classes_)
