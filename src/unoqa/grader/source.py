"""What a user names – files, folders, images in memory – as images, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, final

import numpy as np
import torch
from PIL import Image

from unoqa.core.assessment import Failure
from unoqa.core.errors import ImageError, UsageError
from unoqa.core.facts import NO_FACTS, Facts
from unoqa.core.image import EnfaceImage
from unoqa.formats import collect, collect_named, from_array, read
from unoqa.grader.manifest import is_manifest, read_manifest
from unoqa.grader.privacy import NOTHING_KEPT, Privacy
from unoqa.store.file_names import find_common_folder

if TYPE_CHECKING:
    from unoqa.formats import ImageReference

T = TypeVar("T")

InMemory = EnfaceImage | np.ndarray | Image.Image | torch.Tensor
"""An image that the caller has read already."""

_READ_AS_STORED = ("1", "L", "I", "F", "I;16", "I;16L", "I;16B", "RGB", "RGBA")
"""Modes of Pillow whose numbers an array holds; the others are converted to colours of 8 bits."""


@final
@dataclass(frozen=True)
class LazyImage:
    """An image that has a name and is not read yet.

    Attributes:
        path: of its file, absolute; empty for an image in memory.
        page: page of the file, from 0.
        facts: what a manifest says of it; the image that is loaded has these too.
    """

    name: str
    load: Callable[[], EnfaceImage]
    path: str = ""
    page: int = 0
    facts: Facts = NO_FACTS

    def apply(self, function: Callable[[EnfaceImage], T]) -> T | Failure:
        """Return what `function` makes of the image, or why the image cannot be read or used."""
        try:
            return function(self.load())
        except ImageError as error:
            return self.fail(error)

    def fail(self, error: ImageError, facts: Facts | None = None) -> Failure:
        """Return the image as one that cannot be read or used.

        Args:
            facts: that were read; None if the image could not be read.
        """
        return Failure(self.name, error.code, str(error), self.facts if facts is None else facts, error.scope)


@final
@dataclass(frozen=True)
class ImageSource:
    """The images that a user named.

    Attributes:
        ignored: number of files in the folders that are not images.
        left_out: sentences about what was found and is not graded, such as image files of a kind that is not read.
        root: the deepest folder that holds all that was named; empty for images in memory.
        privacy: what is kept of that which headers say of a person.
    """

    images: tuple[LazyImage, ...]
    ignored: int = 0
    root: str = ""
    left_out: tuple[str, ...] = ()
    privacy: Privacy = NOTHING_KEPT

    @classmethod
    def find(cls, images: ImagesLike, *, follow_links: bool = False, privacy: Privacy = NOTHING_KEPT) -> ImageSource:
        """Find the images; none is read yet.

        Images in memory without a name are called `image 1`, `image 2`, … in the order given. A table (CSV or Excel)
        is a manifest: it names the images, and says what is known of them.

        Raises:
            UsageError: a path does not exist, there is no image, paths and images in memory are mixed, or a manifest
                is given with anything else or is not one.
        """
        if isinstance(images, ImageSource):
            return images
        given = [images] if isinstance(images, str | Path | InMemory) else list(images)
        paths = [Path(one) for one in given if isinstance(one, str | Path)]
        in_memory = [one for one in given if isinstance(one, InMemory)]
        if len(paths) + len(in_memory) < len(given) or (paths and in_memory):
            raise UsageError(
                "Images must be paths, or images in memory (EnfaceImage, NumPy array, PIL image, tensor), "
                "and all of one kind; give a list of paths or a list of images."
            )
        if in_memory:
            return cls(tuple(_from_memory(*one, privacy) for one in enumerate(in_memory, start=1)), privacy=privacy)
        if any(map(is_manifest, paths)):
            return _from_manifest(paths, privacy)
        found = collect(paths, follow_links=follow_links)
        images_found = tuple(_from_file(reference, privacy) for reference in found.references)
        return cls(images_found, found.ignored, _find_root(paths), found.describe_left_out(), privacy)

    @classmethod
    def find_below(cls, files: Sequence[Path], folder: Path, *, privacy: Privacy = NOTHING_KEPT) -> ImageSource:
        """Find the images in files below a folder, by the names that they have if the folder itself is given.

        Files that are not images are only counted.
        """
        images = [file for file in files if _holds_image(file)]
        references = collect_named(images, folder).references if images else ()
        root = str(folder.absolute())
        return cls(tuple(_from_file(one, privacy) for one in references), len(files) - len(images), root, (), privacy)

    def select(self, declared: Mapping[tuple[str, int], Facts]) -> ImageSource:
        """Return the images with these paths and pages only, and with what is declared of each."""
        chosen = (one for one in self.images if (one.path, one.page) in declared)
        return replace(self, images=tuple(_declare(one, declared[one.path, one.page]) for one in chosen))

    def load(self, name: str) -> EnfaceImage:
        """Read one image by its name.

        Raises:
            ImageError: it cannot be read.
        """
        return next(image for image in self.images if image.name == name).load()

    def __len__(self) -> int:
        return len(self.images)


def _holds_image(file: Path) -> bool:
    try:
        return bool(collect([file]).references)
    except UsageError:
        return False


def _from_memory(number: int, image: InMemory, privacy: Privacy) -> LazyImage:
    if isinstance(image, EnfaceImage):
        kept = replace(image, name=privacy.hide_name(image.name), facts=privacy.clean(image.facts))
        return LazyImage(kept.name, lambda: kept)
    name = f"image {number}"
    return LazyImage(name, lambda: from_array(_to_array(image), name))


def _to_array(image: np.ndarray | Image.Image | torch.Tensor) -> np.ndarray:
    """Return the numbers of an image, colours last; those of a tensor are first."""
    if isinstance(image, torch.Tensor):
        array = image.detach().cpu().numpy()
        return np.moveaxis(array, 0, -1) if array.ndim == 3 else array
    if isinstance(image, Image.Image):
        return np.asarray(image if image.mode in _READ_AS_STORED else image.convert("RGB"))
    return image


def _from_file(reference: ImageReference, privacy: Privacy) -> LazyImage:
    """Return the image, which has only the name and the facts that may be kept."""
    return open_image(replace(reference, name=privacy.hide_name(reference.name, reference.page)), privacy)


def open_image(reference: ImageReference, privacy: Privacy, declared: Facts = NO_FACTS) -> LazyImage:
    """Return the image of a file, by the name that the reference has.

    Args:
        declared: what a manifest says of it.
    """

    def load() -> EnfaceImage:
        image = read(reference)
        return replace(image, facts=privacy.clean(image.facts))

    image = LazyImage(reference.name, load, str(reference.path.absolute()), reference.page)
    return image if declared == NO_FACTS else _declare(image, declared)


def _from_manifest(paths: Sequence[Path], privacy: Privacy) -> ImageSource:
    if len(paths) > 1:
        raise UsageError("A manifest is given alone; name its images in the table, and nothing beside it.")
    manifest = read_manifest(paths[0])
    files = list(manifest.files)
    found = collect_named(files, manifest.folder)
    images = tuple(_declare(_from_file(one, privacy), manifest.files[one.path]) for one in found.references)
    left_out = (*found.describe_left_out(), *manifest.describe_unused())
    return ImageSource(images, found.ignored, _find_root(files), left_out, privacy)


def _declare(image: LazyImage, facts: Facts) -> LazyImage:
    """Return the image with what a manifest says of it."""

    def load() -> EnfaceImage:
        read_image = image.load()
        return replace(read_image, facts=read_image.facts.complete(facts, image.name))

    return replace(image, load=load, facts=facts)


def _find_root(paths: Sequence[Path]) -> str:
    """Return the folder that holds all paths; of a pattern, the part before its first wildcard counts."""
    folders = (next(folder for folder in (path, *path.parents) if folder.is_dir()) for path in paths)
    return find_common_folder(str(folder.absolute()) for folder in folders)


ImagesLike = str | Path | InMemory | Iterable[str | Path] | Iterable[InMemory] | ImageSource
"""A file, a folder, several of them, or images in memory."""
