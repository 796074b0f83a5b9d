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

from unoqa.benchmark.supervised.parts.contract import Reference
from unoqa.benchmark.supervised.parts.grades import by_grade, require
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from unoqa.benchmark.supervised.parts.contract import Specimens

CALIBRATING_FOLDS = 5


@final
@settings
class Svm(Reference):
    """A machine with Gaussian kernel on saliency joined with a network's features (Yu et al. 2017).

    One machine a grade, against the rest; the kernel's width is that of scikit-learn's `scale`. Probabilities come
    from a sigmoid for each grade (Platt 1999), fitted to decisions on images that the machines have not seen.
    """

    C: Annotated[float, Field(gt=0, description="cost of an image on the wrong side of the margin")] = 1.0
    balanced: Annotated[bool, Field(description="let each grade weigh the same, however many images it has")] = True

    def predict(
        self, seen: Int[np.ndarray, " some"], unseen: Int[np.ndarray, " others"], specimens: Specimens, *, seed: int
    ) -> Float[np.ndarray, "others 3"]:
        """Fit machines and sigmoids; the seed decides the folds of the latter."""
        grades = specimens.grades[seen]
        require(grades, each=2)
        rarest = int(np.unique(grades, return_counts=True)[1].min())
        folds = StratifiedKFold(min(CALIBRATING_FOLDS, rarest), shuffle=True, random_state=seed)
        weights = "balanced" if self.balanced else None
        machine = OneVsRestClassifier(SVC(C=self.C, class_weight=weights, random_state=seed))
        joined = np.hstack([specimens.features, specimens.saliency]).astype(np.float64)
        calibrated = CalibratedClassifierCV(make_pipeline(StandardScaler(), machine), cv=folds, ensemble=False)
        calibrated.fit(joined[seen], grades)
        return by_grade(calibrated.predict_proba(joined[unseen]), calibrated.classes_)
