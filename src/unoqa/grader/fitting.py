"""Learning from outstanding images: panel, gate, reasons, and what is odd about the images."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float

from unoqa.core.errors import FitError, ImageError
from unoqa.grader.heat import HeatLevels
from unoqa.grader.intake import Failure
from unoqa.grader.reasons import Reasons
from unoqa.store.feature_files import FeatureFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.contracts import Threshold
    from unoqa.core.progress import Progress
    from unoqa.grader.intake import Intake
    from unoqa.grader.panel import FittedPanel, Panel
    from unoqa.grader.viewing import Viewer

UNUSUAL = 3.5
"""Robust standard deviations above the median at which an image does not look like the rest."""


@final
@dataclass(frozen=True)
class FitReport:
    """What became of the images given.

    Attributes:
        used: images learned from.
        failures: images that could not be read.
        duplicates: images left out because the same pixels were there before, with the name of the first.
        unusual: images learned from that do not look like the rest, the worst first.
        ignored: files that are no images.
    """

    used: int
    failures: tuple[Failure, ...]
    duplicates: tuple[tuple[str, str], ...]
    unusual: tuple[str, ...]
    ignored: int


@final
@dataclass(frozen=True)
class Learned:
    """Everything that outstanding images teach.

    Attributes:
        threshold: the score above which an image is not outstanding.
        spread: standard deviation of outstanding images' scores, by models that have not seen them.
    """

    panel: FittedPanel
    threshold: float
    spread: float
    reasons: Reasons
    heat: HeatLevels
    report: FitReport


def learn(
    panel: Panel,
    threshold: Threshold,
    viewer: Viewer,
    intake: Intake,
    *,
    seed: int,
    progress: Progress,
) -> Learned:
    """Learn from outstanding images.

    Raises:
        FitError: fewer images can be used than the panel or the threshold needs.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(FeatureFiles(encoder.scales)) for encoder in viewer.encoders]
        names, failures, duplicates = _encode(viewer, intake, files, progress)
        _check(len(names), _needed(panel, threshold), intake, failures)
        features = [file.read(len(names), viewer.device) for file in files]
        with progress.task("learning", panel.folds * len(panel.members)) as step:
            fitted, unseen = panel.fit(features, seed=seed, step=step)
        report = FitReport(
            len(names), tuple(failures), tuple(duplicates), _unusual(names, unseen.scores), intake.ignored
        )
        return Learned(
            panel=fitted,
            threshold=threshold.fit(unseen.scores),
            spread=float(max(unseen.scores.std(), 1e-9)),
            reasons=Reasons.learned(features[viewer.measures]),
            heat=HeatLevels.of(unseen.levels),
            report=report,
        )


def _encode(
    viewer: Viewer, intake: Intake, files: Sequence[FeatureFiles], progress: Progress
) -> tuple[list[str], list[Failure], list[tuple[str, str]]]:
    names: list[str] = []
    failures: list[Failure] = []
    duplicates: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    with progress.task("reading outstanding images", len(intake)) as step:
        for image in intake:
            step()
            if isinstance(image, Failure):
                failures.append(image)
                continue
            original = first.setdefault(image.digest(), image.name)
            if original != image.name:
                duplicates.append((image.name, original))
                continue
            try:
                pyramids = viewer.view(image)
            except ImageError as error:
                failures.append(Failure(image.name, error.code, str(error)))
                continue
            for file, pyramid in zip(files, pyramids, strict=True):
                file.add(pyramid)
            names.append(image.name)
    return names, failures, duplicates


def _needed(panel: Panel, threshold: Threshold) -> int:
    """Return how many images it takes: each fold's model sees all but one fold."""
    most = max(member.module.needs for member in panel.members)
    for_modules = -(-most * panel.folds // (panel.folds - 1))
    return max(for_modules, panel.folds, threshold.needs)


def _check(used: int, needed: int, intake: Intake, failures: Sequence[Failure]) -> None:
    if used >= needed:
        return
    unread = f" ({len(failures)} of {len(intake)} could not be read: {failures[0].sentence})" if failures else ""
    raise FitError(
        f"At least {needed} different outstanding images are needed, and {used} can be used{unread}; "
        "give more images, or a recipe that needs fewer (a larger --alpha refuses more of them)."
    )


def _unusual(names: Sequence[str], scores: Float[np.ndarray, " images"]) -> tuple[str, ...]:
    """Name the images far above the median in units of the median absolute deviation (Hampel 1974)."""
    middle = np.median(scores)
    deviation = 1.4826 * np.median(np.abs(scores - middle))
    far = (scores - middle) / max(float(deviation), 1e-9)
    return tuple(names[row] for row in np.argsort(-far, kind="stable") if far[row] > UNUSUAL)
