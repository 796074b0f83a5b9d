"""Copies of a scan among the images of a cohort: exact ones, and those that were saved again.

The fingerprint is the perceptual hash of Zauner (2010): which low frequencies of the cosine transform lie above their
median. Among 881 different scans of two devices the nearest two differ in 22 of 255 bits. A scan that is saved as a
JPEG of quality 50, halved, blurred, or made brighter differs in 16 at most (lab/LOG.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy.fft import dctn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIDE = 64
"""Pixels a side of the reduced image that is transformed."""

FREQUENCIES = 16
"""Lowest frequencies a side that count; that of the mean does not."""

BITS = FREQUENCIES**2 - 1

NEAR = 16
"""Largest number of bits in which copies differ."""

MOST = 100_000
"""Images among which near copies are looked for; exact ones are found among any number."""

MAX_NAMED = 3
"""Pairs that a sentence names."""


@final
@dataclass(frozen=True)
class Print:
    """What an image is compared by.

    Attributes:
        digest: of its pixels.
        fingerprint: as `compute_fingerprint` gives it; empty if it has none.
    """

    name: str
    digest: str
    fingerprint: str


@final
@dataclass(frozen=True)
class Duplicates:
    """Images that are copies of earlier ones, each with the name of the first such.

    Attributes:
        exact: with equal pixels.
        near: nearly so.
        searched: whether near ones were looked for.
    """

    exact: tuple[tuple[str, str], ...] = ()
    near: tuple[tuple[str, str], ...] = ()
    searched: bool = True

    def describe(self) -> tuple[str, ...]:
        """Return one sentence for each kind that there is."""
        sentences = []
        if self.exact:
            sentences.append(f"{_count(self.exact, 'an exact copy', 'exact copies')}: {_name(self.exact)}.")
        if self.near:
            sentences.append(
                f"{_count(self.near, 'nearly a copy', 'nearly copies')}: {_name(self.near)}; "
                "they may be the same scan, saved again."
            )
        if not self.searched:
            sentences.append(f"With more than {MOST:,} images, only exact copies were looked for.")
        return tuple(sentences)


def compute_fingerprint(pixels: Float[np.ndarray, "rows columns"]) -> str:
    """Return the fingerprint of an image with brightness 0–1, as 64 hexadecimal digits."""
    picture = Image.fromarray(pixels.astype(np.float32), mode=None)
    reduced = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    lowest = dctn(reduced, norm="ortho")[:FREQUENCIES, :FREQUENCIES].ravel()[1:]
    return np.packbits(lowest > np.median(lowest)).tobytes().hex()


def find_duplicates(images: Sequence[Print]) -> Duplicates:
    """Find the copies among images."""
    first: dict[str, str] = {}
    exact, different = [], []
    for image in images:
        if image.digest in first:
            exact.append((image.name, first[image.digest]))
        elif image.digest:
            first[image.digest] = image.name
            different.append(image)
    if len(different) > MOST:
        return Duplicates(tuple(exact), searched=False)
    return Duplicates(tuple(exact), tuple(_find_near([one for one in different if one.fingerprint])))


def _find_near(images: Sequence[Print]) -> Iterator[tuple[str, str]]:
    """Yield the images that have an earlier one within `NEAR` bits.

    Of NEAR + 1 bands of the bits, such images have one that is equal (the pigeonhole principle), so only images that
    share a band are compared.
    """
    if not images:
        return
    packed = np.stack([np.frombuffer(bytes.fromhex(one.fingerprint), np.uint8) for one in images])
    bits = np.unpackbits(packed, axis=1)[:, :BITS].astype(bool)
    earliest = np.full(len(images), len(images))
    for band in np.array_split(np.arange(BITS), NEAR + 1):
        for members in _group_equal(bits[:, band]):
            for place, member in enumerate(members[1:], start=1):
                before = members[:place]
                near = before[_count_different(packed[before], packed[member]) <= NEAR]
                earliest[member] = min(earliest[member], near.min(initial=len(images)))
    for member, first in enumerate(earliest.tolist()):
        if first < len(images):
            yield images[member].name, images[first].name


def _group_equal(bits: Bool[np.ndarray, "images bits"]) -> Iterator[np.ndarray]:
    """Yield the rows, in order, of images that have the same bits."""
    codes = bits @ (1 << np.arange(bits.shape[1]))
    order = np.argsort(codes, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        if len(members) > 1:
            yield members


def _count_different(some: UInt8[np.ndarray, "images bytes"], one: UInt8[np.ndarray, " bytes"]) -> np.ndarray:
    return np.unpackbits(some ^ one, axis=1).sum(axis=1, dtype=np.int64)


def _count(pairs: Sequence[tuple[str, str]], one: str, several: str) -> str:
    return f"1 image is {one} of another" if len(pairs) == 1 else f"{len(pairs)} images are {several} of others"


def _name(pairs: Sequence[tuple[str, str]]) -> str:
    named = ", ".join(f"{copy} = {first}" for copy, first in pairs[:MAX_NAMED])
    return named if len(pairs) <= MAX_NAMED else f"{named}, …"
