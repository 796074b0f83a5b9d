"""Finding the images among the files and folders that a user gives, and reading one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from unoqa.core.errors import ImageError, UsageError
from unoqa.core.image import EnfaceImage
from unoqa.formats.apart.reading import DECODERS
from unoqa.formats.parts.contract import Format
from unoqa.formats.parts.errors import unreadable_error, unsupported_error
from unoqa.formats.parts.folder import FolderEntry, Role, expand_patterns, is_folder, walk_folder
from unoqa.formats.parts.kinds import FORMATS, HEAD_BYTES, detect_format, has_image_suffix
from unoqa.formats.parts.naming import FoundFile, choose_unique_names
from unoqa.formats.parts.opening import open_image_file
from unoqa.formats.parts.own_outputs import refuse_own_outputs
from unoqa.formats.parts.unread import advise_on, describe_unread, find_unread_kind, recognise_unread


@final
@dataclass(frozen=True)
class ImageReference:
    """An image that is not read yet.

    Attributes:
        name: unique in its collection, except for a path that was given twice; `scan.tif#2` is the second page of
            `scan.tif`.
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
        unread: number of image files of each kind that is not read, by suffix: `{".webp": 3}`.
        own_outputs: number of folders that hold results, models or demos of unoqa, which were not entered.
        skipped_pages: number of pages of TIFFs that are reduced images, thumbnails or masks.
    """

    references: tuple[ImageReference, ...]
    ignored: int
    unread: Mapping[str, int] = field(default_factory=dict)
    own_outputs: int = 0
    skipped_pages: int = 0

    def describe_left_out(self) -> tuple[str, ...]:
        """Return one sentence each about image files, folders and pages that were left out; none if none was."""
        folders = f"{_spell(self.own_outputs, 'folder')} not searched, with results, models or demos of unoqa."
        pages = f"{_spell(self.skipped_pages, 'page')} left out, as reduced images or masks of other pages."
        left_out = {describe_unread(self.unread): self.unread, folders: self.own_outputs, pages: self.skipped_pages}
        return tuple(sentence for sentence, count in left_out.items() if count)


def collect(inputs: Sequence[Path], *, follow_links: bool = False) -> Collection:
    """Find all images in files and folders at any depth.

    A file that is named twice, or that several links lead to, is taken as often. It counts as an image by its content
    or by its suffix; one that only has the suffix keeps its row, and reading it reports what is wrong. A path that
    does not exist is taken as a pattern, as in `clinic/*.png`. What unoqa itself has written is left out.

    Args:
        follow_links: whether to enter links to folders too; links to files are always followed.

    Raises:
        UsageError: an input does not exist, was written by unoqa, or there is no image at all.
    """
    paths = expand_patterns(inputs)
    refuse_own_outputs(paths)
    search = _Search()
    for start in paths:
        root = start if is_folder(start) else start.parent
        for entry in walk_folder(start, follow_links=follow_links):
            search.add(entry, root)
    found = search.finish()
    if not found.references:
        raise _make_no_image_error(inputs, found)
    return found


def collect_named(files: Sequence[Path], folder: Path) -> Collection:
    """Find the images in files that a table names; each file has a row at least, whatever it is.

    Args:
        folder: of the table; the names of files below it are relative to it.

    Raises:
        UsageError: a file was written by unoqa.
    """
    refuse_own_outputs(files)
    search = _Search()
    for file in files:
        search.add_named(file, folder if file.is_relative_to(folder) else file.parent)
    return search.finish()


def read(reference: ImageReference) -> EnfaceImage:
    """Read an image in the format that its content has.

    Raises:
        ImageError: it is damaged, too large, of an unsupported kind, or not an image.
    """
    with open_image_file(reference.path, reference.name) as stream:
        head = stream.read(HEAD_BYTES)
    detected = detect_format(head)
    if detected is not None:
        where = (reference.path, reference.page, reference.name)
        return DECODERS.read(FORMATS.find_name(detected), *where) if detected.apart else detected.read(*where)
    if kind := recognise_unread(head):
        raise unsupported_error(reference.name, f"is a {kind} file", advise_on(kind))
    raise unreadable_error(reference.name, f"holds no image that unoqa reads ({', '.join(FORMATS.names())})")


@final
class _Search:
    """What a search has found so far."""

    def __init__(self) -> None:
        self._files: list[FoundFile] = []
        self._unread: Counter[str] = Counter()
        self._ignored = self._own_outputs = self._skipped_pages = 0

    def add(self, entry: FolderEntry, root: Path) -> None:
        """Add a file or folder that the search came upon below `root`."""
        if entry.role is Role.OWN_OUTPUT:
            self._own_outputs += 1
        elif entry.role is Role.SKIPPED:
            self._ignored += 1
        else:
            self._add_file(entry.path, root)

    def add_named(self, path: Path, root: Path) -> None:
        """Add a file that a table names: what is no image, or is not there, is reported when it is read."""
        pages, _ = self._look_into(path)
        self._files.append(FoundFile(path, root, max(pages, 1)))

    def finish(self) -> Collection:
        """Return everything that was found."""
        references = tuple(_make_references(self._files))
        return Collection(references, self._ignored, dict(self._unread), self._own_outputs, self._skipped_pages)

    def _add_file(self, path: Path, root: Path) -> None:
        pages, kind = self._look_into(path)
        if pages:
            self._files.append(FoundFile(path, root, pages))
        elif kind:
            self._unread[kind] += 1
        else:
            self._ignored += 1

    def _look_into(self, path: Path) -> tuple[int, str]:
        """Return the number of a file's images; of one that is not read, the suffix of its kind."""
        pages, kind = 0, ""
        try:
            with path.open("rb") as stream:
                head = stream.read(HEAD_BYTES)
            detected = detect_format(head)
            if detected is None:
                pages, kind = int(has_image_suffix(path.name)), find_unread_kind(path.name, head)
            else:
                pages, skipped = _count(detected, path)
                self._skipped_pages += skipped
        except ImageError:
            pages = 1  # reading it will report what is wrong
        except OSError:
            pages, kind = int(has_image_suffix(path.name) or is_folder(path)), find_unread_kind(path.name, b"")
        return pages, kind


def _make_references(found: Sequence[FoundFile]) -> Iterator[ImageReference]:
    for file, names in zip(found, choose_unique_names(found), strict=True):
        for page, name in enumerate(names):
            yield ImageReference(name, file.path, page)


def _count(detected: Format, path: Path) -> tuple[int, int]:
    """Count the images in a file, and the pages that are none."""
    if detected.apart:
        return DECODERS.count(FORMATS.find_name(detected), path)
    return detected.count_pages(path), detected.count_skipped(path)


def _spell(count: int, thing: str) -> str:
    return f"{count} {thing} was" if count == 1 else f"{count} {thing}s were"


def _make_no_image_error(inputs: Sequence[Path], found: Collection) -> UsageError:
    where = ", ".join(f"'{path}'" for path in inputs)
    verb = "holds" if len(inputs) == 1 else "hold"
    advice = f"; give files or folders of {', '.join(FORMATS.names())}."
    if left_out := found.describe_left_out():
        what = "; ".join(sentence.removesuffix(".") for sentence in left_out)
        return UsageError(f"{where} {verb} no image that unoqa reads: {what}{'.' if found.unread else advice}")
    what = {0: " and no other file", 1: ", only 1 other file"}.get(found.ignored, f", only {found.ignored} other files")
    return UsageError(f"{where} {verb} no image{what}{advice}")
