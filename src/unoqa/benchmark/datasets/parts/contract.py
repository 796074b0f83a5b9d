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
class Labelled:
    """One image and its reference grade."""

    reference: ImageReference
    grade: Grade


@final
@dataclass(frozen=True)
class Study:
    """The images of one device or field of view, as one seed splits them.

    Attributes:
        name: of the device or field of view, such as `rossa` or `3x3`; one word for a table.
        fit: outstanding images to learn from; none of them is in another split.
        test: what is graded.
        external: a second set to be graded; empty where there is none.
        validation: a labelled set besides, on which the paper's threshold may be chosen; often empty.
        notes: sentences for the reader: counts that differ from the published ones, images left out.
    """

    name: str
    fit: tuple[ImageReference, ...]
    test: tuple[Labelled, ...]
    external: tuple[Labelled, ...] = ()
    validation: tuple[Labelled, ...] = ()
    notes: tuple[str, ...] = ()


class DataSet(ABC):
    """A published layout; opened from the folder that a user has it in."""

    @abstractmethod
    def studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find images and grades.

        Args:
            seed: draws the images to fit on, where the data set itself has no split.

        Raises:
            DataSetError: the folder is missing (the sentence says where the data set is found and what layout is
                expected), or something in it is not as published.
        """
