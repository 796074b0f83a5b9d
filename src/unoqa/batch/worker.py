"""One image becomes an assessment and its heat overlay; nothing else is known here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, final

from PIL import Image

from unoqa.core.errors import ImageError
from unoqa.core.facts import NO_FACTS
from unoqa.grader.overlay import blend_heat
from unoqa.grader.privacy import NOTHING_KEPT, Privacy
from unoqa.store.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.assessment import Assessment, Failure
    from unoqa.core.image import EnfaceImage
    from unoqa.grader.choice_of_model import Models
    from unoqa.grader.source import LazyImage


@final
@dataclass(frozen=True)
class Task:
    """One image to assess.

    Attributes:
        digest: of the pixels that an earlier run assessed; None if it did not.
        heat: file of the overlay; None if none is wanted.
    """

    image: LazyImage
    digest: str | None
    heat: Path | None


@final
@dataclass(frozen=True)
class Worker:
    """Assesses images, each with the model that was fitted on such scans.

    Attributes:
        all_findings: whether outstanding images get findings too.
        privacy: what is kept of that which headers say of a person.
    """

    models: Models
    all_findings: bool = False
    privacy: Privacy = NOTHING_KEPT

    def __call__(self, task: Task) -> Assessment | Failure | None:
        """Assess an image and write its overlay; None if an earlier run did so and the image has not changed."""
        result, overlay = self.assess(task)
        if overlay is not None and task.heat is not None:
            write_overlay(task.heat, overlay)
        return result

    def assess(self, task: Task) -> tuple[Assessment | Failure | None, bytes | None]:
        """Return the same, and the overlay as a PNG; None if there is none or none is wanted."""
        facts = NO_FACTS
        try:
            image = task.image.load()
            facts = image.facts
            if task.digest is not None and image.digest() == task.digest and _exists(task.heat):
                return None, None
            return self._assess(image, heat=task.heat is not None)
        except ImageError as error:
            return task.image.fail(error, facts), None

    def _assess(self, image: EnfaceImage, *, heat: bool) -> tuple[Assessment, bytes | None]:
        number = self.models.choose(image)
        grader = self.models.graders[number].grader
        scan = grader.prepare(image)
        assessment, make_heat = grader.assess_scan(image, scan, all_findings=self.all_findings)
        overlay = None
        if heat:
            file = BytesIO()
            Image.fromarray(blend_heat(scan.pixels, make_heat())).save(file, format="PNG", compress_level=3)
            overlay = file.getvalue()
        return replace(assessment, model=number), overlay


def write_overlay(path: Path, overlay: bytes) -> None:
    """Write an overlay whole or not at all."""
    with replace_file(path) as fresh:
        fresh.write_bytes(overlay)


def _exists(heat: Path | None) -> bool:
    """Tell whether the overlay is there; a user may have removed it."""
    return heat is None or (heat.is_file() and heat.stat().st_size > 0)
