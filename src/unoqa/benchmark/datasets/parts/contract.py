"""The contract of a labelled data set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.grading import Grade
    from unoqa.formats import ImageReference


@final
@dataclass(frozen=True)
class LabelledImage:
    """One image and its reference grade."""

    reference: ImageReference
    grade: Grade


@final
@dataclass(frozen=True)
class Study:
    """The images of one device or field of view, split by one seed.

    Attributes:
        name: name of the device or field of view, such as `rossa` or `3x3`; one word, for a table.
        fit: outstanding images to fit on; none of them is in another split.
        test: images to grade.
        external: a second set of images to grade; empty if there is none.
        validation: a further labelled set, on which the paper's threshold may be chosen; often empty.
        notes: sentences for the reader: counts that differ from the published ones, images left out.
    """

    name: str
    fit: tuple[ImageReference, ...]
    test: tuple[LabelledImage, ...]
    external: tuple[LabelledImage, ...] = ()
    validation: tuple[LabelledImage, ...] = ()
    notes: tuple[str, ...] = ()


class DataSet(ABC):
    """The layout of a published data set; it reads the folder in which a user keeps the data set."""

    @abstractmethod
    def find_studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find images and grades.

        Args:
            seed: draws the images to fit on, if the data set itself has no split.

        Raises:
            DataSetError: the folder is missing (the message says where to find the data set and which layout is
                expected), or its content differs from the published layout.
        """
