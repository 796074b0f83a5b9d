"""What every output must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.store.results import Results


class Output(ABC):
    """One view of a record; it can be made again at any time.

    Attributes:
        file: its name in the results folder.
        default: whether every run makes it; else it is made on request.
        needs_images: whether it reads the images besides the record.
        needs_heat: whether it reads their heat overlays and cannot be made without them.
        folder: whether it is a folder of files.
    """

    file: ClassVar[str]
    default: ClassVar[bool] = True
    needs_images: ClassVar[bool] = False
    needs_heat: ClassVar[bool] = False
    folder: ClassVar[bool] = False

    @abstractmethod
    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Write the view.

        Args:
            images: folder where the images lie now; None if they lie where they were graded.

        Raises:
            ResultsError: an image that is needed cannot be found.
        """
