"""What every format must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.image import EnfaceImage


class Format(ABC):
    """One kind of image file.

    Attributes:
        suffixes: the endings of such files' names.
        apart: whether files are decoded in a process of their own, because a damaged one may crash or hang the decoder
            or fill the memory; see `unoqa.formats.apart`.
    """

    suffixes: ClassVar[tuple[str, ...]]
    apart: ClassVar[bool] = False

    @abstractmethod
    def matches(self, head: bytes) -> bool:
        """Tell from a file's first bytes (512, or the whole file) whether it is of this kind."""

    def count_pages(self, path: Path) -> int:
        """Count the images in the file; 0 if it holds something else. By default a file holds one.

        Raises:
            ImageError: the file is damaged.
        """
        del path
        return 1

    def count_skipped(self, path: Path) -> int:
        """Count the pages that are no scans, and that `count_pages` leaves out; by default there is none.

        Raises:
            ImageError: the file is damaged.
        """
        del path
        return 0

    @abstractmethod
    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Read one page, counted from 0, as grey; divide unsigned integers by the largest of their type, clip nothing.

        Raises:
            ImageError: the file is damaged, too large or of an unsupported kind.
        """
