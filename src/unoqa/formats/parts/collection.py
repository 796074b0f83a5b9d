"""From the files and folders that a user gives to images, and from one of those to its pixels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from unoqa.core.errors import ImageError, UsageError
from unoqa.core.image import EnfaceImage
from unoqa.formats.parts.errors import unreadable
from unoqa.formats.parts.folder import Entry, entries, is_folder, real
from unoqa.formats.parts.kinds import FORMATS, HEAD, has_suffix, recognised
from unoqa.formats.parts.naming import Found, distinct_names
from unoqa.formats.parts.opening import opened


@final
@dataclass(frozen=True)
class ImageReference:
    """One image that has not been read.

    Attributes:
        name: unique in its collection; `scan.tif#2` is the second page of `scan.tif`.
        path: where the file lies.
        page: from 0.
    """

    name: str
    path: Path
    page: int


@final
@dataclass(frozen=True)
class Collection:
    """The images among what a user gave.

    Attributes:
        references: in the order given, folders sorted by name.
        ignored: files that are no images, and hidden files, hidden folders and links that were passed over.
    """

    references: tuple[ImageReference, ...]
    ignored: int


def collect(inputs: Sequence[Path], *, follow_links: bool = False) -> Collection:
    """Find all images in files and folders, however deep; a file reached twice is taken once.

    A file counts as an image by its content or by its suffix: one that is only called like an image keeps
    its row, and reading it says what is wrong.

    Args:
        follow_links: also enter links to folders; links to files are always followed.

    Raises:
        UsageError: an input does not exist, or there is no image at all.
    """
    _check_existence(inputs)
    found: dict[str, Found] = {}
    ignored = 0
    for start in inputs:
        root = start if is_folder(start) else start.parent
        for entry in entries(start, follow_links=follow_links):
            pages = _pages(entry)
            ignored += pages == 0
            if pages:
                found.setdefault(real(entry.path), Found(entry.path, root, pages))
    if not found:
        raise _no_image(inputs, ignored)
    return Collection(tuple(_references(list(found.values()))), ignored)


def read(reference: ImageReference) -> EnfaceImage:
    """Read an image by whichever format its content belongs to.

    Raises:
        ImageError: it is damaged, too large, of an unsupported kind, or no image.
    """
    with opened(reference.path, reference.name) as stream:
        kind = recognised(stream.read(HEAD))
    if kind is None:
        raise unreadable(reference.name, f"holds no image that is read ({', '.join(FORMATS.names())})")
    return kind.read(reference.path, reference.page, reference.name)


def _check_existence(inputs: Sequence[Path]) -> None:
    if not inputs:
        raise UsageError("No image was given; name at least one file or folder.")
    for path in inputs:
        if not os.path.lexists(path):  # a broken link exists, and costs a row
            raise UsageError(f"There is no file or folder '{path}'; check its spelling.")


def _pages(entry: Entry) -> int:
    """Count the images in a file; 0 where it is none, 1 where only reading it can say what is wrong."""
    if entry.passed_over:
        return 0
    try:
        with entry.path.open("rb") as stream:
            kind = recognised(stream.read(HEAD))
        return kind.pages(entry.path) if kind else int(has_suffix(entry.path.name))
    except ImageError:
        return 1
    except OSError:
        return int(has_suffix(entry.path.name) or is_folder(entry.path))


def _references(found: Sequence[Found]) -> Iterator[ImageReference]:
    for file, names in zip(found, distinct_names(found), strict=True):
        for page, name in enumerate(names):
            yield ImageReference(name, file.path, page)


def _no_image(inputs: Sequence[Path], ignored: int) -> UsageError:
    where = ", ".join(f"'{path}'" for path in inputs)
    what = {0: "nothing at all", 1: "1 other file"}.get(ignored, f"{ignored} other files")
    verb = "holds" if len(inputs) == 1 else "hold"
    kinds = ", ".join(FORMATS.names())
    return UsageError(f"{where} {verb} no image: {what}; give files or folders of {kinds}.")
