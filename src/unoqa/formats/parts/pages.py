"""Formats whose files may hold more than scans."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from unoqa.core.contracts import Format

if TYPE_CHECKING:
    from pathlib import Path


class PagedFormat(Format, ABC):
    """A format with pages, of which some may be reduced copies or masks of others."""

    @abstractmethod
    def count_skipped(self, path: Path) -> int:
        """Count the pages that are no scans, and that `count_pages` leaves out.

        Raises:
            ImageError: the file is damaged.
        """
