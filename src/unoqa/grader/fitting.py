"""Learning from outstanding images: panel, gate, reasons, and what is odd about the images."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float

from unoqa.core.allocation import release_freed_memory
from unoqa.core.errors import FitError
from unoqa.core.parallel import map_in_order
from unoqa.core.work import NoCheckpoints, Work
from unoqa.grader.heat import HeatLevels
from unoqa.grader.open_encoders import keep
from unoqa.grader.reasons import Reasons
from unoqa.grader.rotation import RotatedImages
from unoqa.grader.source import Failure, LazyImage
from unoqa.store.workspace import make_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unoqa.core.contracts import Threshold
    from unoqa.core.features import FeaturePyramid, FeatureSet
    from unoqa.core.image import EnfaceImage
    from unoqa.core.progress import Progress
    from unoqa.grader.open_encoders import OpenEncoders
    from unoqa.grader.panel import FittedPanel, HeldOut, Panel
    from unoqa.grader.source import ImageSource
    from unoqa.store.feature_files import FeatureFiles
    from unoqa.store.workspace import Workspace

FEWEST_HELD_OUT = 5
"""Images at least by which a held-out calibration standardises scores: of fewer, a spread says nothing."""

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
        notices: sentences of modules about how they learned.
    """

    used: int
    failures: tuple[Failure, ...]
    duplicates: tuple[tuple[str, str], ...]
    unusual: tuple[str, ...]
    ignored: int
    notices: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class Fitted:
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
    encoders: OpenEncoders,
    source: ImageSource,
    *,
    seed: int,
    progress: Progress,
    workspace: Workspace,
) -> Fitted:
    """Learn from outstanding images; in a workspace that is kept, an interrupted fit goes on where it was.

    Raises:
        FitError: fewer images can be used than the panel or the threshold needs.
    """
    needed = _needed(panel, threshold)
    seen = _encode(encoders, source, encoders.feature_files(workspace), progress)
    if len(seen.names) < needed:
        raise _too_few(len(seen.names), needed, source, seen.failures)
    release_freed_memory()
    notices: list[str] = []
    key = make_key(repr(panel), seed, list(seen.rows), encoders.keys)
    work = Work(progress, workspace.checkpoints(key) if workspace.persistent else NoCheckpoints(), tell=notices.append)
    features = seen.features[: len(panel.encoders())]
    fitted, unseen = panel.fit(features, seed=seed, work=work)
    report = FitReport(
        len(seen.names),
        tuple(seen.failures),
        tuple(seen.duplicates),
        _unusual(seen.names, unseen, partial(_scores, fitted, features)),
        source.ignored,
        tuple(sorted(notices)),
    )
    with map_in_order(Reasons.fit, [seen.features[encoders.measures]]) as learned:
        reasons = next(learned)
    return Fitted(
        panel=fitted,
        threshold=threshold.fit(unseen.scores),
        spread=float(max(unseen.scores.std(), 1e-9)),
        reasons=reasons,
        heat=HeatLevels.of(unseen.levels),
        report=report,
    )


@final
@dataclass
class _Seen:
    """What reading the images gave; `rows` are those learned from by their digests, in order."""

    names: list[str] = field(default_factory=list)
    rows: dict[str, LazyImage] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    features: list[FeatureSet] = field(default_factory=list)


def _encode(encoders: OpenEncoders, source: ImageSource, files: Sequence[FeatureFiles], progress: Progress) -> _Seen:
    seen = _Seen()
    encoding = map_in_order(lambda lazy: lazy.read(lambda image: _encode_one(encoders, image, files)), source.images)
    with progress.task("reading outstanding images", len(source)) as step, encoding as read:
        for lazy, one in zip(source.images, read, strict=True):
            step()
            if isinstance(one, Failure):
                seen.failures.append(one)
                continue
            original = seen.rows.get(one.digest)
            if original is not None:
                seen.duplicates.append((lazy.name, original.name))
                continue
            keep(one.pyramids, one.digest, files)
            seen.rows[one.digest] = lazy
            seen.names.append(lazy.name)
    if seen.names:
        seen.features = [_features(encoders, number, file, seen) for number, file in enumerate(files)]
    return seen


@final
@dataclass(frozen=True)
class _Encoded:
    """An image by its digest, and what is new of its features."""

    digest: str
    pyramids: list[FeaturePyramid | None]


def _encode_one(encoders: OpenEncoders, image: EnfaceImage, files: Sequence[FeatureFiles]) -> _Encoded:
    digest = image.digest()
    return _Encoded(digest, encoders.encoded(image, digest, files))


def _features(encoders: OpenEncoders, number: int, file: FeatureFiles, seen: _Seen) -> FeatureSet:
    """Return what one encoder made of the images, which can be asked for again turned."""
    rows = {file.row(digest): (digest, lazy) for digest, lazy in seen.rows.items()}
    turning = RotatedImages(encoders.encoders[number], rows, encoders.size)
    return replace(file.read(list(rows), encoders.device), rotate=turning)


def _needed(panel: Panel, threshold: Threshold) -> int:
    """Return how many images it takes: each fold's model sees all but one fold."""
    most = max(member.module.needs for member in panel.members)
    for_modules = -(-most * panel.folds // (panel.folds - 1))
    # The first fold is the largest.
    calibrating = max(threshold.needs, FEWEST_HELD_OUT)
    for_threshold = (calibrating - 1) * panel.folds + 1 if panel.final == "held-out" else threshold.needs
    return max(for_modules, panel.folds, for_threshold)


def _too_few(used: int, needed: int, source: ImageSource, failures: Sequence[Failure]) -> FitError:
    unread = f" ({len(failures)} of {len(source)} could not be read: {failures[0].sentence})" if failures else ""
    return FitError(
        f"At least {needed} different outstanding images are needed, and {used} can be used{unread}; "
        "give more images, or a recipe that needs fewer (a larger --alpha refuses more of them)."
    )


def _scores(panel: FittedPanel, features: Sequence[FeatureSet], rows: np.ndarray) -> Float[np.ndarray, " images"]:
    batches = [one.subset(rows).batches(size=1) for one in features]
    with map_in_order(panel.predict, zip(*batches, strict=True)) as judged:
        return np.array([prediction.score for prediction in judged])


def _unusual(
    names: Sequence[str], unseen: HeldOut, score: Callable[[np.ndarray], Float[np.ndarray, " images"]]
) -> tuple[str, ...]:
    """Name the images far from the rest, the farthest first; those that were learned from, among themselves.

    A module scores what it has learned from lower than what it has not, so the two are not compared.
    """
    others = np.setdiff1d(np.arange(len(names)), unseen.rows)
    far = np.empty(len(names))
    far[unseen.rows] = _above_the_median(unseen.scores)
    if len(others):
        far[others] = _above_the_median(score(others))
    return tuple(names[row] for row in np.argsort(-far, kind="stable") if far[row] > UNUSUAL)


def _above_the_median(scores: Float[np.ndarray, " images"]) -> Float[np.ndarray, " images"]:
    """Return how far scores lie above their median, in units of the median absolute deviation (Hampel 1974)."""
    middle = np.median(scores)
    deviation = 1.4826 * np.median(np.abs(scores - middle))
    return (scores - middle) / max(float(deviation), 1e-9)
