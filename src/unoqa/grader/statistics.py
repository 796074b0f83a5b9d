"""Statistics of whole images, by which cohorts are compared: the measures, and what kind of picture the image is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Float32

from unoqa.core.assessment import Assessment
from unoqa.encoders.measures import MEASURES
from unoqa.grader.content import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unoqa.core.assessment import Failure
    from unoqa.core.contracts import State
    from unoqa.core.features import FeaturePyramid
    from unoqa.grader.open_encoders import OpenEncoders

KEPT = 2000
"""Images of a cohort whose numbers a settled model keeps, at most."""

Numbers = tuple[tuple[str, ...], Float32[np.ndarray, " numbers"]]
"""Names and values of the numbers of one image."""

FEWEST = 20
"""Images that are compared at least; fewer tell nothing of a distribution."""

MEMBER = "member_"
"""What the name of a member's score begins with; the number of the member follows, from 1."""

CONTENT = {
    "across": "lines across or down",
    "oblique": "oblique lines",
    "tones": "distribution of grey",
    "skewness": "bright or dark details",
    "kurtosis": "contrast of details",
}
"""What the statistics of content stand for, by the beginning of their names."""


def is_of_pixels(name: str) -> bool:
    """Tell whether a number is of the pixels alone, and depends on no model and on no size."""
    return name in NAMES or name in MEASURES.names()


def name_number(name: str) -> str:
    """Return what a number of the pixels is called."""
    if name in NAMES:
        what, _, part = name.partition("_")
        return f"{CONTENT[what]} ({part})"
    return name.replace("_", " ")


def describe_statistics(
    encoders: OpenEncoders, measured: FeaturePyramid | None, content: Float[np.ndarray, "4 statistics"]
) -> dict[str, float]:
    """Return the statistics of one image by name.

    Args:
        measured: the measures of the image, whose means over the image count; None where it was not measured.
        content: of each quarter, as `describe_content` returns it; the mean over the quarters counts.
    """
    found = dict(zip(NAMES, content.mean(axis=0).tolist(), strict=True))
    if measured is not None:
        scales = encoders.all[encoders.measures].scales
        number = [scale.name for scale in scales].index("image")
        found |= dict(zip(scales[number].channels, measured.scales[number].flatten().tolist(), strict=True))
    return found


@final
@dataclass(frozen=True)
class CohortStatistics:
    """Numbers of many images: score, members' scores, rows and columns of pixels, and the statistics.

    Attributes:
        names: of the numbers; those that one of the images lacks are left out.
        values: in single precision.
    """

    names: tuple[str, ...]
    values: Float32[np.ndarray, "images numbers"]

    @classmethod
    def of(cls, assessed: Iterable[Assessment | Failure]) -> CohortStatistics:
        """Return the numbers of the images that have any."""
        return cls.stack([list_numbers(one) for one in assessed if isinstance(one, Assessment)])

    @classmethod
    def stack(cls, images: Sequence[Numbers]) -> CohortStatistics:
        """Return the numbers that all images have."""
        kinds = list(dict.fromkeys(names for names, _ in images))  # nearly always one
        common = tuple(name for name in (kinds[0] if kinds else ()) if all(name in names for names in kinds))
        places = {names: [names.index(name) for name in common] for names in kinds}
        values = np.array([row[places[names]] for names, row in images], dtype=np.float32)
        return cls(common, values.reshape(len(images), len(common)))

    def __len__(self) -> int:
        return len(self.values)

    def thin(self) -> CohortStatistics:
        """Return the numbers of 2,000 images at most, taken evenly from all of them."""
        rows = np.unique(np.linspace(0, len(self) - 1, min(len(self), KEPT)).round().astype(int))
        return CohortStatistics(self.names, self.values[rows])

    def column(self, name: str) -> Float32[np.ndarray, " images"]:
        """Return one number of all images."""
        return self.values[:, self.names.index(name)]

    def state(self) -> State:
        """Return the array; the names are kept elsewhere."""
        return {"values": torch.from_numpy(self.values)}

    @classmethod
    def restore(cls, names: Sequence[str], state: State) -> CohortStatistics:
        """Return what gave the names and the array.

        Raises:
            LookupError, ValueError: nothing gave them.
        """
        values = state["values"].numpy()
        if values.ndim != 2 or values.shape[1] != len(names):
            raise ValueError(f"statistics have {len(names)} names and the shape {values.shape}")
        return cls(tuple(map(str, names)), values)


def list_numbers(image: Assessment) -> Numbers:
    """Return the names and values of all numbers of one image, in the least memory."""
    members = {f"{MEMBER}{number}": score for number, score in enumerate(image.members, 1)}
    rows, columns = image.size
    every = {"score": image.score, **members, "rows": rows, "columns": columns, **image.statistics}
    known = {name: value for name, value in every.items() if np.isfinite(value)}
    return _share(tuple(known)), np.array([*known.values()], dtype=np.float32)


@cache
def _share(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the same object for the same names."""
    return names
