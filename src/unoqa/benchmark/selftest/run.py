"""Runs the self-test of a model on outstanding scans that it was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from unoqa.benchmark.selftest.detection import DamageSeen, summarise
from unoqa.benchmark.selftest.trial import Picture, Trial, try_scan
from unoqa.core.assessment import Failure
from unoqa.core.errors import UsageError
from unoqa.core.parallel import map_all
from unoqa.core.progress import NoProgress
from unoqa.grader.source import ImageSource

if TYPE_CHECKING:
    from unoqa.core.intervals import Share
    from unoqa.core.progress import Progress
    from unoqa.grader.grader import Grader
    from unoqa.grader.source import ImagesLike

FEWEST = 5
"""Scans that a self-test takes at least: of fewer, a share of 80 % means nothing."""

NEEDED = f"A self-test takes at least {FEWEST} outstanding scans that the model was not fitted on"


@final
@dataclass(frozen=True)
class SelfTest:
    """What a self-test found.

    Attributes:
        undamaged: share of the scans that are refused without damage; about α is expected.
        detections: how each kind of damage is seen.
        pictures: of the first scan, undamaged and with each damage.
    """

    undamaged: Share
    detections: tuple[DamageSeen, ...]
    trials: tuple[Trial, ...]
    pictures: tuple[Picture, ...]
    failures: tuple[Failure, ...]


def run_selftest(
    grader: Grader, outstanding: ImagesLike, *, images: int = 20, seed: int = 0, progress: Progress | None = None
) -> SelfTest:
    """Plant damage in outstanding scans and count what the model sees.

    Args:
        outstanding: scans that the model was not fitted on.
        images: how many of them to use, the first by name.

    Raises:
        UsageError: fewer than five of them can be used.
    """
    source = ImageSource.find(outstanding)
    chosen = replace(source, images=source.images[:images])
    task = (progress or NoProgress()).task("planting damage", len(chosen))

    def try_image(number: int) -> list[Trial] | Failure:
        return chosen.images[number].apply(
            lambda image: [picture.trial for picture in try_scan(grader, image, seed=seed + number)]
        )

    if len(chosen) < FEWEST:
        raise UsageError(f"{NEEDED}, and there are {len(chosen)}; give more.")
    tried = map_all(try_image, range(len(chosen)), task)
    scans = {number: one for number, one in enumerate(tried) if not isinstance(one, Failure)}
    failures = tuple(one for one in tried if isinstance(one, Failure))
    if len(scans) < FEWEST:
        raise UsageError(f"{NEEDED}, and {len(scans)} of {len(chosen)} can be used{_give_reason(failures)}.")
    first = min(scans)
    drawing = (progress or NoProgress()).task("drawing", 1)
    (pictures,) = map_all(
        lambda number: tuple(try_scan(grader, chosen.images[number].load(), seed=seed + number)), [first], drawing
    )
    trials = tuple(trial for scan in scans.values() for trial in scan)
    return SelfTest(*summarise(trials), trials, pictures, failures)


def _give_reason(failures: Sequence[Failure]) -> str:
    return f": {failures[0].message.rstrip('.')}" if failures else ""
