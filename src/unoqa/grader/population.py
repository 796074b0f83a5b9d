"""Whether images are of another population than those that a model knows: of another device, or exported otherwise.

A linear classifier learns to tell the two sets apart by the statistics of whole images. If they are of one population,
it does no better than chance on images that it has not seen: the classifier two-sample test of Lopez-Paz and Oquab
(2017). What counts is how well it does and not whether that is significant: better or worse scans of the same device
are told apart too, but not nearly as well as those of another device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unoqa.core.assessment import Assessment
from unoqa.core.auroc import auroc
from unoqa.grader.statistics import FEWEST, CohortStatistics, is_of_pixels, list_numbers, name_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float, Float32

    from unoqa.core.assessment import Failure

LIMIT = 0.93
"""Area under the ROC curve from which two sets are of different populations.

Of real cohorts of the same device none has more than .66, of outstanding or of poor scans alone none more than .91;
those of another device have .94 and more (docs/accuracy.md).
"""

FOLDS = 5

FARTHEST = 8.0
"""Standard deviations beyond which a number counts as this far: one broken scan shall not stretch the scale."""

NAMED = 3
"""Numbers that a sentence names."""


def describe_other_population(
    kept: CohortStatistics | None, assessed: Sequence[Assessment | Failure]
) -> tuple[str, ...]:
    """Return one sentence if images are clearly of another population than those whose numbers a model keeps.

    Fewer than 20 images, copies not counted, are not compared.
    """
    scans = {one.digest: one for one in assessed if isinstance(one, Assessment) and not one.out_of_scope}
    if kept is None or min(len(kept), len(scans)) < FEWEST:
        return ()
    cohort = CohortStatistics.stack([list_numbers(one) for one in scans.values()]).thin()
    names = [name for name in kept.names if is_of_pixels(name) and name in cohort.names]
    if not names or measure_difference(*(_standardise(one, kept, names) for one in (kept, cohort))) < LIMIT:
        return ()
    return (
        f"These {len(scans)} images are unlike those that the model was settled on, above all in "
        f"{_list_farthest(kept, cohort, names)}: if they are of another device, or exported otherwise, their grades "
        "mean little; fit a model of such images, or adapt this one (unoqa settle --adapt).",
    )


def measure_difference(some: Float[np.ndarray, "images numbers"], others: Float[np.ndarray, "others numbers"]) -> float:
    """Return how well a linear discriminant tells images from others that it was not fitted on.

    It is the area under the ROC curve by five-fold cross-validation: about .5 if both are of one population.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # noqa: PLC0415 - grading few needs none of it
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415 - as above

    values = np.concatenate([some, others]).astype(np.float64)
    is_other = np.repeat([False, True], [len(some), len(others)])
    scores = np.empty(len(values))
    for fitted, unseen in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(values, is_other):
        discriminant = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
        discriminant.fit(values[fitted], is_other[fitted])
        scores[unseen] = discriminant.decision_function(values[unseen])
    return auroc(scores[is_other], scores[~is_other])


def _standardise(
    cohort: CohortStatistics, kept: CohortStatistics, names: Sequence[str]
) -> Float32[np.ndarray, "images numbers"]:
    """Return the numbers by mean and standard deviation of those kept; what they have all alike counts as it is."""
    columns = []
    for name in names:
        usual = kept.column(name)
        columns.append((cohort.column(name) - usual.mean()) / (usual.std() or 1))
    return np.clip(np.stack(columns, axis=1), -FARTHEST, FARTHEST)


def _list_farthest(kept: CohortStatistics, cohort: CohortStatistics, names: Sequence[str]) -> str:
    """Name the numbers whose distributions are farthest apart by the distance of Kolmogorov and Smirnov."""
    from scipy.stats import ks_2samp  # noqa: PLC0415 - as above

    distances = [float(ks_2samp(kept.column(name), cohort.column(name), method="asymp").statistic) for name in names]
    farthest = [name_number(names[place]) for place in np.argsort(-np.array(distances), kind="stable")[:NAMED]]
    return " and ".join(filter(None, [", ".join(farthest[:-1]), farthest[-1]]))
