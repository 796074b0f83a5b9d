"""A recipe whose encoders are open and whose images were looked at: all that a fit needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, final

from unoqa.grader.cached_features import CachedFeatures, EncodeImages, encode_here
from unoqa.grader.fitting import fit_on_outstanding
from unoqa.grader.grader import Grader
from unoqa.grader.model import Model

if TYPE_CHECKING:
    from unoqa.core.contracts import Threshold
    from unoqa.core.progress import Progress
    from unoqa.grader.open_encoders import OpenEncoders
    from unoqa.grader.panel import Panel
    from unoqa.grader.scans import Survey
    from unoqa.grader.source import ImageSource
    from unoqa.grader.split import Split
    from unoqa.store.workspace import Workspace


@final
@dataclass(frozen=True)
class Preparation:
    """All that a fit needs.

    Attributes:
        recipe: its name.
        settings: every setting of it as plain values, in the precision that the device has.
        found: what is seen of the images.
        lack: what the device lacks for the precision that was asked for; empty if nothing.
    """

    recipe: str
    settings: dict[str, Any]
    panel: Panel
    threshold: Threshold
    split: Split
    encoders: OpenEncoders
    found: Survey
    lack: str = ""

    @property
    def source(self) -> ImageSource:
        """The scans, as the fit reads them: cut out of their pictures, and scaled by the intensity range."""
        return self.found.scans.scale(self.found.source)

    def fit(self, *, seed: int, progress: Progress, workspace: Workspace, encode: EncodeImages = encode_here) -> Grader:
        """Fit; features and checkpoints go into the workspace, which its owner removes when the grader is saved.

        Args:
            encode: who encodes the images; whoever it is, the grader is the same.

        Raises:
            FitError, ImageError: as `Recipe.fit`.
        """
        cache = CachedFeatures(self.encoders, workspace, encode)
        fitted = fit_on_outstanding(
            self.panel,
            self.threshold,
            cache,
            self.source,
            seed=seed,
            progress=progress,
            contents=self.found.contents,
        )
        report = replace(fitted.report, notices=(*self._list_notices(), *fitted.report.notices))
        return Grader(
            Model(
                encoders=self.encoders,
                fitted=replace(fitted, report=report),
                scans=self.found.scans,
                split=self.split,
                recipe=self.recipe,
                settings=self.settings,
                seed=seed,
                date=datetime.now(UTC).date().isoformat(),
                precision=self.panel.precision,
            )
        )

    def _list_notices(self) -> tuple[str, ...]:
        if not self.lack:
            return self.found.notices
        notice = f"{self.lack}: the model is fitted in single precision, and grades in it everywhere."
        return (notice, *self.found.notices)
