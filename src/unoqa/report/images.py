"""Images that a record names, read again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from unoqa.core.errors import ImageError, ResultsError
from unoqa.formats import ImageReference, read
from unoqa.grader.intensity import IntensityRange

if TYPE_CHECKING:
    from unoqa.core.image import EnfaceImage
    from unoqa.store.results import ImageEntry, Results


def read_image(results: Results, name: str, *, images: Path | None = None) -> EnfaceImage:
    """Read an image that was graded, its brightness from 0 to 1 as the model saw it.

    Args:
        images: folder where the images lie now; None if they lie where they were graded.

    Raises:
        ResultsError: it lies there no longer.
    """
    return load_image(results.entry(name, images=images), find_intensity_range(results, name))


def find_intensity_range(results: Results, name: str) -> IntensityRange | None:
    """Return the intensity range of the model that scored an image; None if the record does not say."""
    stored = _find_model_facts(results, name).get("intensity_range")
    return None if stored is None else IntensityRange.from_values(stored)


def load_image(entry: ImageEntry, intensity_range: IntensityRange | None) -> EnfaceImage:
    """Read an image from where it lies.

    Raises:
        ResultsError: it lies there no longer.
    """
    try:
        image = read(ImageReference(entry.name, Path(entry.path), entry.page))
        return image if intensity_range is None else intensity_range.scale(image)
    except ImageError as error:
        raise ResultsError(f"{error} If the images were moved, name their folder with the setting images.") from error


def _find_model_facts(results: Results, name: str) -> dict[str, Any]:
    """Return the facts of the model that scored an image: threshold, intensity range, settings, and so on."""
    models = results.facts.get("models", [])
    if len(models) < 2:
        return results.facts
    row = results.connection.execute("SELECT model FROM images WHERE name = ?", (name,)).fetchone()
    return {} if row is None or row[0] is None else dict(models[row[0]])
