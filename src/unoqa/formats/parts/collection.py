"""Finding the images among the files and folders that a user gives, and reading one of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from unoqa.core.errors import ImageError, UsageError
from unoqa.core.image import EnfaceImage
from unoqa.formats.parts.errors import unreadable_error
from unoqa.formats.parts.folder import FolderEntry, is_folder, resolve_links, walk_folder
from unoqa.formats.parts.kinds import FORMATS, HEAD_BYTES, detect_format, has_image_suffix
from unoqa.formats.parts.naming import FoundFile, choose_unique_names
from unoqa.formats.parts.opening import open_image_file


@final
@dataclass(frozen=True)
class ImageReference:
    """An image that is not read yet.

    Attributes:
        name: unique in its collection; `scan.tif#2` is the second page of `scan.tif`.
        path: the file.
        page: its number in the file, from 0.
    """

    name: str
    path: Path
    page: int


@final
@dataclass(frozen=True)
class Collection:
    """The images found in the files and folders that a user gave.

    Attributes:
        references: in the order given; within a folder, sorted by name.
        ignored: number of files that are not images, and of hidden files, hidden folders and links that were skipped.
    """

    references: tuple[ImageReference, ...]
    ignored: int


def collect(inputs: Sequence[Path], *, follow_links: bool = False) -> Collection:
    """Find all images in files and folders at any depth; a file that is reached twice is taken once.

    A file counts as an image by its content or by its suffix. One that only has the suffix keeps its row; reading it
    reports what is wrong.

    Args:
        follow_links: whether to enter links to folders too; links to files are always followed.

    Raises:
        UsageError: an input does not exist, or there is no image at all.
    """
    _check_existence(inputs)
    found: dict[str, FoundFile] = {}
    ignored = 0
    for start in inputs:
        root = start if is_folder(start) else start.parent
        for entry in walk_folder(start, follow_links=follow_links):
            pages = _count_pages(entry)
            ignored += pages == 0
            if pages:
                found.setdefault(resolve_links(entry.path), FoundFile(entry.path, root, pages))
    if not found:
        raise _no_image_error(inputs, ignored)
    return Collection(tuple(_make_references(list(found.values()))), ignored)


def read(reference: ImageReference) -> EnfaceImage:
    """Read an image in the format that its content has.

    Raises:
        ImageError: it is damaged, too large, of an unsupported kind, or not an image.
    """
    with open_image_file(reference.path, reference.name) as stream:
        detected = detect_format(stream.read(HEAD_BYTES))
    if detected is None:
        raise unreadable_error(reference.name, f"holds no image that unoqa reads ({', '.join(FORMATS.names())})")
    return detected.read(reference.path, reference.page, reference.name)


def _check_existence(inputs: Sequence[Path]) -> None:
    if not inputs:
        raise UsageError("No image was given; name at least one file or folder.")
    for path in inputs:
        if not os.path.lexists(path):  # a broken link exists, and gets a row
            raise UsageError(f"There is no file or folder '{path}'; check its spelling.")


def _count_pages(entry: FolderEntry) -> int:
    """Count the images in a file; 0 if it is not an image, 1 if only reading it can report what is wrong."""
    if entry.skipped:
        return 0
    try:
        with entry.path.open("rb") as stream:
            detected = detect_format(stream.read(HEAD_BYTES))
        return detected.count_pages(entry.path) if detected else int(has_image_suffix(entry.path.name))
    except ImageError:
        return 1
    except OSError:
        return int(has_image_suffix(entry.path.name) or is_folder(entry.path))


def _make_references(found: Sequence[FoundFile]) -> Iterator[ImageReference]:
    for file, names in zip(found, choose_unique_names(found), strict=True):
        for page, name in enumerate(names):
            yield ImageReference(name, file.path, page)


def _no_image_error(inputs: Sequence[Path], ignored: int) -> UsageError:
    where = ", ".join(f"'{path}'" for path in inputs)
    what = {0: " and no other file", 1: ", only 1 other file"}.get(ignored, f", only {ignored} other files")
    verb = "holds" if len(inputs) == 1 else "hold"
    formats = ", ".join(FORMATS.names())
    return UsageError(f"{where} {verb} no image{what}; give files or folders of {formats}.")
