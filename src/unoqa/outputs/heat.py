"""`heat/`: each image, tinted where it differs from outstanding ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from PIL import Image

from unoqa.core.contracts import Output
from unoqa.outputs.parts.overlay import blend_heat
from unoqa.store.file_names import find_clashes, make_portable_path, make_short_digest
from unoqa.store.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    import numpy as np

    from unoqa.core.grading import RunRecord
    from unoqa.core.image import EnfaceImage

HEAT = "heat"
"""The folder of the overlays."""

SUFFIX = ".png"
"""What the file of an overlay has after the name of its image."""


@final
class Heat(Output):
    """A PNG per image, of its size: grey where it is like outstanding ones, yellow to red where it differs."""

    def write_image(self, folder: Path, image: EnfaceImage, heat: Callable[[], np.ndarray]) -> None:
        """Write the overlay."""
        with replace_file(heat_path(folder, image.name)) as fresh:
            Image.fromarray(blend_heat(image.pixels, heat())).save(fresh, format="PNG", compress_level=3)

    def has_image(self, folder: Path, image: str) -> bool:
        """Tell whether the overlay exists; a user may have removed it."""
        path = heat_path(folder, image)
        return path.is_file() and path.stat().st_size > 0

    def write_run(self, folder: Path, record: RunRecord) -> None:
        """Write nothing: each overlay is written with its image."""
        del folder, record


def heat_path(folder: Path, name: str) -> Path:
    """Return the file of an image's overlay: the image's name below `heat/`, with `.png` after it.

    Forbidden parts are replaced by their digest, since the name may hold characters that another system forbids in file
    names. The name may be an absolute path, where several folders hold files of the same name; the overlay is still
    below `heat/`. If `separate_overlays` made a folder for the overlay, it is in that folder.
    """
    path = make_portable_path(name, SUFFIX)
    own = _own_folder(folder, name)
    return own / path.name if own.is_dir() else folder / HEAT / path


def find_clashing_overlays(names: Collection[str]) -> list[str]:
    """Return, sorted, the images whose overlays some system would write to the same file."""
    return find_clashes(names, SUFFIX)


def separate_overlays(folder: Path, names: Iterable[str]) -> None:
    """Make a folder for the overlay of each of these images; from then on, `heat_path` leads there."""
    for name in names:
        _own_folder(folder, name).mkdir(parents=True, exist_ok=True)


def _own_folder(folder: Path, name: str) -> Path:
    return folder / HEAT / make_short_digest(name)
