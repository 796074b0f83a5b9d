"""Images that a record names, read again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from unoqa.core.errors import ImageError, ResultsError
from unoqa.formats import ImageReference, read
from unoqa.grader.crop import WHOLE, Crop
from unoqa.grader.intensity import IntensityRange

if TYPE_CHECKING:
    from unoqa.core.image import EnfaceImage
    from unoqa.store.results import ImageEntry, Results


def read_image(results: Results, name: str, *, images: Path | None = None) -> EnfaceImage:
    """Read an image that was graded: the scan in it, its brightness from 0 to 1 as the model saw it.

    Args:
        images: folder where the images lie now; None if they lie where they were graded.

    Raises:
        ResultsError: it lies there no longer.
    """
    return load_image(results.entry(name, images=images), find_preparation(results, name))


@final
@dataclass(frozen=True)
class Preparation:
    """What a model does to an image before it scores it.

    Attributes:
        intensity_range: None if the record does not say.
    """

    crop: Crop
    intensity_range: IntensityRange | None

    def prepare(self, image: EnfaceImage) -> EnfaceImage:
        """Return the scan in a picture, its brightness from 0 to 1.

        Raises:
            ImageError: the image is not the one that was graded.
        """
        scan = self.crop.apply(image)
        return scan if self.intensity_range is None else self.intensity_range.scale(scan)


def find_preparation(results: Results, name: str) -> Preparation:
    """Return what the model that scored an image did to it, as far as the record says."""
    model = _find_model_facts(results, name)
    stored = model.get("intensity_range")
    crop = Crop.parse(model.get("crop", str(WHOLE)))
    return Preparation(crop, None if stored is None else IntensityRange.from_values(stored))


def load_image(entry: ImageEntry, preparation: Preparation) -> EnfaceImage:
    """Read an image from where it lies.

    Raises:
        ResultsError: it lies there no longer.
    """
    try:
        image = read(ImageReference(entry.name, Path(entry.path), entry.page))
        return preparation.prepare(image)
    except ImageError as error:
        raise ResultsError(f"{error} If the images were moved, name their folder with the setting images.") from error


def _find_model_facts(results: Results, name: str) -> dict[str, Any]:
    """Return the facts of the model that scored an image: threshold, intensity range, settings, and so on."""
    models = results.facts.get("models", [])
    if len(models) < 2:
        return results.facts
    row = results.connection.execute("SELECT model FROM images WHERE name = ?", (name,)).fetchone()
    return {} if row is None or row[0] is None else dict(models[row[0]])
