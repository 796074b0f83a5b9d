"""A support vector machine on saliency and learned features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, final

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from unoqa.benchmark.supervised.parts.contract import SupervisedReference
from unoqa.benchmark.supervised.parts.grade_columns import require_grades, to_grade_columns
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from unoqa.benchmark.supervised.parts.contract import LabelledData

CALIBRATION_FOLDS = 5


@final
@settings
class Svm(SupervisedReference):
    """A support vector machine on saliency features joined with a network's features (Yu et al. 2017).

    One machine per grade, against the rest; Gaussian kernel with scikit-learn's width `scale`. Probabilities come
    from one sigmoid per grade (Platt 1999), fitted to decisions on images that the machines have not seen.
    """

    C: Annotated[float, Field(gt=0, description="cost of an image on the wrong side of the margin")] = 1.0
    balanced: Annotated[bool, Field(description="give each grade the same total weight")] = True

    def fit_predict(
        self, train: Int[np.ndarray, " train"], test: Int[np.ndarray, " test"], data: LabelledData, *, seed: int
    ) -> Float[np.ndarray, "test 3"]:
        """Fit machines and sigmoids; the seed decides the folds for the sigmoids."""
        grades = data.grades[train]
        require_grades(grades, each=2)
        rarest = int(np.unique(grades, return_counts=True)[1].min())
        folds = StratifiedKFold(min(CALIBRATION_FOLDS, rarest), shuffle=True, random_state=seed)
        weights = "balanced" if self.balanced else None
        machine = OneVsRestClassifier(SVC(C=self.C, class_weight=weights, random_state=seed))
        features = np.hstack([data.features, data.saliency]).astype(np.float64)
        calibrated = CalibratedClassifierCV(make_pipeline(StandardScaler(), machine), cv=folds, ensemble=False)
        calibrated.fit(features[train], grades)
        return to_grade_columns(calibrated.predict_proba(features[test]), calibrated.classes_)
