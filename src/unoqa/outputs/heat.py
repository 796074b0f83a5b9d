"""`heat/`: each image with the places that differ from outstanding ones."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from unoqa.core.contracts import Output
from unoqa.store.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from unoqa.core.grading import RunRecord
    from unoqa.core.image import EnfaceImage

HEAT = "heat"
"""The folder of the overlays."""

MILDEST, HOTTEST = 1.0, 4.0
"""Standard deviations above outstanding at which the colour begins and is full; the same for every image."""

LONGEST_NAME = 240
"""Bytes of a file's or folder's name; file systems end at 255."""

FORBIDDEN = frozenset('<>:"|?*\\')
"""Letters that a file name of Windows cannot hold."""

RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
)
"""File names that Windows keeps for devices, whatever their suffix."""

ROWS = 512
"""Rows of an overlay that are mixed at once."""

STRONGEST = 0.65
"""Share of the colour in the mixture at its hottest, so that the image shows through."""

COLOURS = np.array([[255, 235, 120], [255, 150, 40], [225, 40, 30]], dtype=np.float64)
"""From mild to hottest; ordered by lightness too, for readers who do not tell red from green."""


@final
class Heat(Output):
    """A PNG per image, of its size: untinted where it is like outstanding ones, yellow to red where not."""

    def each(self, folder: Path, image: EnfaceImage, heat: Callable[[], np.ndarray]) -> None:
        """Write the overlay."""
        with replace_file(heat_path(folder, image.name)) as fresh:
            Image.fromarray(overlay(image.pixels, heat())).save(fresh, format="PNG", compress_level=3)

    def has(self, folder: Path, image: str) -> bool:
        """Tell whether the overlay is there: somebody may have taken it away."""
        path = heat_path(folder, image)
        return path.is_file() and path.stat().st_size > 0

    def finish(self, folder: Path, record: RunRecord) -> None:
        """Write nothing more."""
        del folder, record


def heat_path(folder: Path, name: str) -> Path:
    """Return where the overlay of an image stands: its own path below `heat/`, with `.png` after it.

    A name is a whole path where folders hold files alike, and may hold what another system's file names
    cannot; its overlay stays below `heat/` all the same, such parts replaced by a digest of them. One that
    is kept apart stands in the folder made for it.
    """
    own = _own_folder(folder, name)
    return own / _plain(name).name if own.is_dir() else folder / HEAT / _plain(name)


def clashing(names: Collection[str]) -> list[str]:
    """Return, sorted, the images whose plain path some system would take for another's."""
    alike = Counter(map(_alike, names))
    return sorted(name for name in names if alike[_alike(name)] > 1)


def keep_apart(folder: Path, names: Iterable[str]) -> None:
    """Make a folder for the overlay of each of these images: `heat_path` then leads there."""
    for name in names:
        _own_folder(folder, name).mkdir(parents=True, exist_ok=True)


def _own_folder(folder: Path, name: str) -> Path:
    return folder / HEAT / _digest(name)


def _plain(name: str) -> PurePosixPath:
    path = PurePosixPath(f"{name}.png")
    return PurePosixPath(*(_portable(part) for part in path.parts if part != path.anchor))


def _alike(name: str) -> str:
    """Return what paths share that a system without regard for case, or for how accents are coded, takes for one."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", str(_plain(name))).casefold())


def _portable(part: str) -> str:
    stem = part.split(".", maxsplit=1)[0].upper()
    harmless = not (FORBIDDEN & set(part)) and part == part.rstrip(". ") and stem not in RESERVED
    if harmless and part.isprintable() and len(part.encode()) <= LONGEST_NAME:
        return part
    return f"{_digest(part)}{'.png' if part.endswith('.png') else ''}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def overlay(
    pixels: Float[np.ndarray, "rows columns"], heat: Float[np.ndarray, "rows columns"]
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Lay heat, in standard deviations above outstanding, over an image.

    Some rows at a time: in full precision a large image would take many times its own memory.
    """
    mixed = np.empty((*pixels.shape, 3), dtype=np.uint8)
    for start in range(0, len(pixels), ROWS):
        rows = slice(start, start + ROWS)
        mixed[rows] = _mixed(pixels[rows], heat[rows])
    return mixed


def _mixed(
    pixels: Float[np.ndarray, "rows columns"], heat: Float[np.ndarray, "rows columns"]
) -> UInt8[np.ndarray, "rows columns 3"]:
    warmth = np.clip((heat - MILDEST) / (HOTTEST - MILDEST), 0, 1)[..., None]
    stops = np.linspace(0, 1, len(COLOURS))
    colour = np.stack([np.interp(warmth[..., 0], stops, COLOURS[:, band]) for band in range(3)], axis=-1)
    share = STRONGEST * warmth
    grey = 255.0 * np.clip(pixels, 0, 1)[..., None]
    return np.rint((1 - share) * grey + share * colour).astype(np.uint8)
