"""Fitting on outstanding images: panel, threshold, reasons, and what is odd about the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float

from unoqa.core.allocation import release_freed_memory
from unoqa.core.assessment import Failure
from unoqa.core.errors import FitError
from unoqa.core.parallel import map_in_order
from unoqa.core.work import NoCheckpoints, Work
from unoqa.grader.cohort import FittedThreshold
from unoqa.grader.cross_fitting import assign_folds
from unoqa.grader.findings import FittedFindings
from unoqa.grader.groups import Groups, find_groups
from unoqa.grader.heat import HeatLevels
from unoqa.grader.source import LazyImage
from unoqa.grader.statistics import describe_statistics
from unoqa.store.workspace import make_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from unoqa.core.contracts import Threshold
    from unoqa.core.features import FeatureSet
    from unoqa.core.progress import Progress
    from unoqa.grader.cached_features import CachedFeatures
    from unoqa.grader.open_encoders import OpenEncoders
    from unoqa.grader.panel import FittedPanel, HeldOut, Panel
    from unoqa.grader.source import ImageSource

Contents = Sequence[Float[np.ndarray, "4 statistics"] | None]
"""Statistics of images by their places; None of one that cannot be used."""

FEWEST_HELD_OUT = 5
"""Smallest number of images by which a held-out calibration standardises scores; fewer give no usable deviation."""

UNUSUAL = 3.5
"""Robust standard deviations above the median from which an image does not look like the rest."""


@final
@dataclass(frozen=True)
class FitReport:
    """What became of the images given.

    Attributes:
        used: number of images fitted on.
        failures: images that could not be read.
        duplicates: images left out because an earlier one has the same pixels, each with the name of that one.
        unusual: images fitted on that do not look like the rest, the worst first.
        ignored: number of files that are not images.
        notices: sentences of modules about their fit.
        patients: number of patients whose images are of one fold each; 0 if nobody says whose the images are.
        held_out: of each image given, the position of the panel's module that was not fitted on it, and which gave its
            calibration score; -1 if there is none.
        groups: sizes of the two groups that the images fall into; empty if they are of one population.
    """

    used: int
    failures: tuple[Failure, ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()
    unusual: tuple[str, ...] = ()
    ignored: int = 0
    notices: tuple[str, ...] = ()
    patients: int = 0
    held_out: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()


@final
@dataclass(frozen=True)
class Fitted:
    """All that is fitted on outstanding images.

    Attributes:
        reference: scores of outstanding images, each by modules that were not fitted on it.
    """

    panel: FittedPanel
    threshold: FittedThreshold
    findings: FittedFindings
    heat: HeatLevels
    reference: Float[np.ndarray, " images"]
    report: FitReport

    def percentile(self, score: float) -> float:
        """Return the conformal p-value of a score among outstanding images (Vovk et al. 2005, equation 2.20).

        The share of them, the image itself counted, whose score is at least as high: from 1 / (images + 1) to 1.
        """
        return float(1 + (self.reference >= score).sum()) / (len(self.reference) + 1)


def fit_on_outstanding(
    panel: Panel,
    threshold: Threshold,
    cache: CachedFeatures,
    source: ImageSource,
    *,
    seed: int,
    progress: Progress,
    contents: Contents = (),
) -> Fitted:
    """Fit on outstanding images; with a persistent workspace an interrupted fit continues where it stopped.

    Args:
        contents: what kind of picture each image is, as `describe_content` returns it; without them nobody looks
            whether the images are of two populations.

    Raises:
        FitError: fewer images can be used than the panel or the threshold needs.
    """
    encoders, workspace = cache.encoders, cache.workspace
    images = _encode(cache, source, progress)
    if len(images.used) < (needed := _count_needed(panel, threshold)):
        raise _too_few(len(images.used), needed, source, images.failures)
    patients = _list_patients(images)
    _check_patients(panel, threshold, patients, seed=seed)
    release_freed_memory()
    notices: list[str] = []
    key = make_key(repr(panel), seed, list(images.used), encoders.keys, patients)
    kept = workspace.checkpoints(key) if workspace.persistent else NoCheckpoints()
    work = Work(progress, kept, notify=notices.append)
    features = images.features[: len(panel.encoders())]
    names = [image.name for image in images.used.values()]
    fitted, held_out = panel.fit(features, seed=seed, work=work, groups=patients, names=names)
    groups = _find_groups(encoders, images, contents)
    report = FitReport(
        len(names),
        tuple(images.failures),
        tuple(images.duplicates),
        _find_unusual(names, held_out, partial(_score, fitted, features)),
        source.ignored,
        (*groups.describe(names), *sorted(notices)),
        0 if patients is None else len(set(patients)),
        _list_held_out(held_out, images.positions, len(source)),
        groups.sizes,
    )
    findings = _fit_findings(images.features[encoders.measures])
    fitted_threshold = FittedThreshold.fit(threshold, held_out.scores, seed=seed)
    levels = HeatLevels.from_pairs(held_out.levels)
    return Fitted(fitted, fitted_threshold, findings, levels, np.sort(held_out.scores), report)


def _fit_findings(measured: FeatureSet) -> FittedFindings:
    with map_in_order(FittedFindings.fit, [measured]) as results:
        return next(results)


@final
@dataclass
class _EncodedImages:
    """The images by the digests of their pixels, in order, what each encoder makes of them, and their places."""

    used: dict[str, LazyImage] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    features: list[FeatureSet] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)


def _encode(cache: CachedFeatures, source: ImageSource, progress: Progress) -> _EncodedImages:
    images = _EncodedImages()
    encoding = cache.encode(source.images)
    with progress.task("reading outstanding images", len(source)) as step, encoding as digests:
        for position, (image, digest) in enumerate(zip(source.images, digests, strict=True)):
            step()
            if isinstance(digest, Failure):
                images.failures.append(digest)
            elif digest in images.used:
                images.duplicates.append((image.name, images.used[digest].name))
            else:
                images.used[digest] = image
                images.positions.append(position)
    if images.used:
        images.features = [cache.read_rotatable(encoder, images.used) for encoder in range(len(cache.encoders.all))]
    return images


def _list_held_out(held_out: HeldOut, positions: Sequence[int], given: int) -> tuple[int, ...]:
    modules = np.full(given, -1)
    modules[np.array(positions)[held_out.rows]] = held_out.modules
    return tuple(modules.tolist())


def _find_groups(encoders: OpenEncoders, images: _EncodedImages, contents: Contents) -> Groups:
    """Look for two populations among the images, by the statistics of each; none if one of them has none."""
    known = [content for place in images.positions if contents and (content := contents[place]) is not None]
    if len(known) < len(images.positions):
        return find_groups(np.empty((0, 0)))
    measured = images.features[encoders.measures].batches(size=1)
    each = [describe_statistics(encoders, *one) for one in zip(measured, known, strict=True)]
    return find_groups(np.array([list(one.values()) for one in each]))


def _count_needed(panel: Panel, threshold: Threshold) -> int:
    """Return how many images a fit takes: the module of a fold sees all folds but that one."""
    most = max(member.module.min_images for member in panel.members)
    for_modules = -(-most * panel.folds // (panel.folds - 1))
    # The first fold is the largest.
    calibrating = max(threshold.min_images, FEWEST_HELD_OUT)
    for_threshold = (calibrating - 1) * panel.folds + 1 if panel.final == "held-out" else threshold.min_images
    return max(for_modules, panel.folds, for_threshold)


def _list_patients(images: _EncodedImages) -> list[str] | None:
    """Return the patient of each image, or None if nobody says whose any of them is.

    An image without a patient counts as one of a patient of its own.
    """
    facts = [(digest, image.facts.patient) for digest, image in images.used.items()]
    if not any(patient for _, patient in facts):
        return None
    return [f"patient {patient.value}" if patient else digest for digest, patient in facts]


def _check_patients(panel: Panel, threshold: Threshold, patients: list[str] | None, *, seed: int) -> None:
    """Refuse images of so few patients that a fold, or the images beside it, are too few.

    Raises:
        FitError: they are.
    """
    if patients is None:
        return
    sizes = np.bincount(assign_folds(len(patients), panel.folds, seed=seed, groups=patients), minlength=panel.folds)
    modules = max(member.module.min_images for member in panel.members)
    calibrating = max(threshold.min_images, FEWEST_HELD_OUT) if panel.final == "held-out" else 1
    if sizes.min() < 1 or sizes[0] < calibrating or len(patients) - sizes.max() < modules:
        raise FitError(
            f"The {len(patients)} images are of {len(set(patients))} patients, and images of one patient stay in one "
            f"of {panel.folds} folds, which leaves too few in one of them; give images of more patients."
        )


def _too_few(used: int, needed: int, source: ImageSource, failures: Sequence[Failure]) -> FitError:
    unread = f" ({len(failures)} of {len(source)} could not be read: {failures[0].message})" if failures else ""
    return FitError(
        f"At least {needed} different outstanding images are needed, and {used} can be used{unread}; "
        "give more images, choose a recipe that needs fewer, or set a larger alpha "
        "(the share of outstanding images above the threshold)."
    )


def _score(panel: FittedPanel, features: Sequence[FeatureSet], rows: np.ndarray) -> Float[np.ndarray, " images"]:
    batches = [one.subset(rows).batches(size=1) for one in features]
    with map_in_order(panel.predict, zip(*batches, strict=True)) as predictions:
        return np.array([prediction.score for prediction in predictions])


def _find_unusual(
    names: Sequence[str], held_out: HeldOut, score: Callable[[np.ndarray], Float[np.ndarray, " images"]]
) -> tuple[str, ...]:
    """Name the images far from the rest, the farthest first.

    A module scores images it was fitted on lower than others, so images held out and images fitted on are compared
    among themselves only.
    """
    fitted_on = np.setdiff1d(np.arange(len(names)), held_out.rows)
    distance = np.empty(len(names))
    distance[held_out.rows] = measure_distance_above_median(held_out.scores)
    if len(fitted_on):
        distance[fitted_on] = measure_distance_above_median(score(fitted_on))
    return tuple(names[row] for row in np.argsort(-distance, kind="stable") if distance[row] > UNUSUAL)


def measure_distance_above_median(scores: Float[np.ndarray, " images"]) -> Float[np.ndarray, " images"]:
    """Return how far scores lie above their median, in units of the median absolute deviation (Hampel 1974)."""
    middle = np.median(scores)
    deviation = 1.4826 * np.median(np.abs(scores - middle))
    return (scores - middle) / max(float(deviation), 1e-9)
