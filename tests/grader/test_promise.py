"""An outstanding image that was not fitted on is refused with probability alpha; no label is needed to know."""

import numpy as np
import pytest
import torch

from unoqa.core.features import FeatureSet, Scale
from unoqa.encoders.measures import Measures
from unoqa.grader.panel import Member, Panel
from unoqa.lowquality.gaussian import Gaussian
from unoqa.lowquality.signed import Signed
from unoqa.thresholds.conformal import Conformal

SCALES = (Scale("grid", ("a", "b", "c", "d"), (1, 1, -1, -1)),)
MEMBERS = (Member(Measures(), Gaussian(global_pooling=True)), Member(Measures(), Signed(scale="grid", floor=0.1)))
PANELS = {"folds": Panel(MEMBERS), "held-out": Panel(MEMBERS, folds=3, final="held-out")}
SEEDS = range(24)


def clinic(images, seed):
    """Draw features of scans that differ in quality all over and place by place, with a heavy tail."""
    random = np.random.default_rng(seed)
    whole = random.lognormal(0, 0.5, (images, 4, 1, 1))
    values = (whole * random.normal(1, 0.3, (images, 4, 3, 3))).astype(np.float32)
    return FeatureSet(SCALES, (values,), np.arange(images), torch.device("cpu"))


def refused(final, alpha, fitted, seed):
    panel, unseen = PANELS[final].fit([clinic(fitted, seed)], seed=seed)
    threshold = Conformal(alpha=alpha).fit(unseen.scores)
    scores = [panel.predict([pyramid]).score for pyramid in clinic(30, 1000 + seed).batches(size=1)]
    return float(np.mean(np.array(scores) > threshold))


@pytest.mark.parametrize(("final", "alpha", "fitted"), [("folds", 0.1, 60), ("folds", 0.2, 40), ("held-out", 0.1, 87)])
@pytest.mark.requirement("R3")
def test_realised_refusal_is_near_alpha(final, alpha, fitted):
    shares = [refused(final, alpha, fitted, seed) for seed in SEEDS]
    assert np.mean(shares) == pytest.approx(alpha, abs=0.03)


@pytest.mark.requirement("R3")
def test_the_threshold_alone_keeps_its_promise_exactly():
    random = np.random.default_rng(0)
    above = [random.gamma(2.0) > Conformal(alpha=0.1).fit(random.gamma(2.0, size=29)) for _ in range(4000)]
    assert np.mean(above) == pytest.approx(0.1, abs=0.02)
