"""What a user names — files, folders, images in memory — as images one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, final

from unoqa.core.errors import ImageError, UsageError
from unoqa.core.image import EnfaceImage
from unoqa.formats import collect, read

if TYPE_CHECKING:
    from unoqa.formats import ImageReference

T = TypeVar("T")


@final
@dataclass(frozen=True)
class LazyImage:
    """One image that is yet to be read."""

    name: str
    open: Callable[[], EnfaceImage]

    def read(self, use: Callable[[EnfaceImage], T]) -> T | Failure:
        """Return what `use` makes of the image, or why the image cannot be read or used."""
        try:
            return use(self.open())
        except ImageError as error:
            return Failure(self.name, error.code, str(error))


@final
@dataclass(frozen=True)
class Failure:
    """One image that could not be read or used: a stable code and a sentence."""

    name: str
    code: str
    sentence: str


@final
@dataclass(frozen=True)
class ImageSource:
    """Images to come.

    Attributes:
        ignored: files in the folders that are no images.
    """

    images: tuple[LazyImage, ...]
    ignored: int = 0

    @classmethod
    def of(cls, source: Source, *, follow_links: bool = False) -> ImageSource:
        """Find the images of a source; none is opened yet.

        Raises:
            UsageError: a path does not exist, or there is no image.
        """
        if isinstance(source, ImageSource):
            return source
        given = [source] if isinstance(source, str | Path | EnfaceImage) else list(source)
        images = [one for one in given if isinstance(one, EnfaceImage)]
        paths = [Path(one) for one in given if isinstance(one, str | Path)]
        if len(paths) + len(images) < len(given) or (paths and images):
            raise UsageError(
                "Images come as paths or as EnfaceImage objects, one kind at a time; give a list of either."
            )
        if images:
            return cls(tuple(LazyImage(image.name, _given(image)) for image in images))
        found = collect(paths, follow_links=follow_links)
        return cls(tuple(LazyImage(one.name, _reader(one)) for one in found.references), found.ignored)

    def open(self, name: str) -> EnfaceImage:
        """Read one image by its name.

        Raises:
            ImageError: it cannot be read.
        """
        return next(one for one in self.images if one.name == name).open()

    def __len__(self) -> int:
        return len(self.images)


def _given(image: EnfaceImage) -> Callable[[], EnfaceImage]:
    return lambda: image


def _reader(reference: ImageReference) -> Callable[[], EnfaceImage]:
    return lambda: read(reference)


Source = str | Path | EnfaceImage | Iterable[str | Path] | Iterable[EnfaceImage] | ImageSource
"""A file, a folder, several of them, or images in memory."""
