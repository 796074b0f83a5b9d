"""What the images that a model was fitted on have in common, and which of other images differ from them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float

from unoqa.core.assessment import DARK_RANGE, OTHER_CONTENT, OTHER_SIZE, Assessment, Failure
from unoqa.core.facts import Fact, Facts
from unoqa.core.parallel import map_in_order
from unoqa.grader.content import FittedContent, describe_content, find_odd
from unoqa.grader.crop import WHOLE, Crop
from unoqa.grader.duplicates import Print, compute_fingerprint, find_duplicates
from unoqa.grader.intensity import IntensityRange, StoredValues, choose_range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unoqa.core.image import EnfaceImage
    from unoqa.grader.source import ImageSource, LazyImage

Size = tuple[int, int]
"""Rows and columns."""

KINDS = ("device", "field_of_view")
"""Facts that all images of a model have in common; the slab is a setting of the recipe."""

NAMED = 5
"""Odd images that a notice names."""

DARK = 1 / 8
"""Largest share of the range that such an image uses: 12 bits in a file of 16 use a sixteenth."""


@final
@dataclass(frozen=True)
class FittedScans:
    """What the images that a model was fitted on have in common.

    Attributes:
        smallest: rows and columns that each of them has at least.
        largest: rows and columns that each of them has at most.
        crop: how the scan is cut out of each picture.
        kinds: the devices and fields of view that occur, each if it is known of all images.
        content: what kind of pictures they are; None if there are fewer than two.
    """

    intensity_range: IntensityRange
    smallest: Size
    largest: Size
    crop: Crop = WHOLE
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    content: FittedContent | None = field(default=None, compare=False)

    def has_size_of(self, image: EnfaceImage) -> bool:
        """Tell whether the model was fitted on images of this size, or smaller and larger ones."""
        sides = zip(self.smallest, image.pixels.shape, self.largest, strict=True)
        return all(low <= side <= high for low, side, high in sides)

    def find_warnings(self, scaled: EnfaceImage) -> tuple[str, ...]:
        """Return the codes of how an image differs, without being refused; it was scaled by the intensity range."""
        other_size = not self.has_size_of(scaled)
        dark = float(scaled.pixels.max()) <= DARK
        return (OTHER_SIZE,) * other_size + (DARK_RANGE,) * dark

    def find_other_content(self, content: Float[np.ndarray, "4 statistics"]) -> str:
        """Return the code of scope of another kind of picture by its content; empty for a scan."""
        return OTHER_CONTENT if self.content is not None and self.content.is_other(content) else ""

    def prepare(self, image: EnfaceImage) -> EnfaceImage:
        """Return the scan in a picture, its pixels from 0 (black) to 1 (white).

        Raises:
            ImageError: as `Crop.apply` and `IntensityRange.scale`.
        """
        return self.intensity_range.scale(self.crop.apply(image))

    def scale(self, source: ImageSource) -> ImageSource:
        """Return scans, each scaled by the intensity range when it is read; one that does not fit is refused."""
        return replace(source, images=tuple(self._scale_lazily(image) for image in source.images))

    def to_values(self) -> dict[str, Any]:
        """Return plain values, which `from_values` reads back; the content's arrays are kept elsewhere."""
        size = {"smallest": list(self.smallest), "largest": list(self.largest)}
        kinds = {key: list(values) for key, values in self.kinds.items()}
        return {
            "intensity_range": self.intensity_range.to_values(),
            "image_size": size,
            "kinds": kinds,
            "crop": str(self.crop),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any], content: FittedContent | None = None) -> FittedScans:
        """Return what gave the values, which do not hold the content.

        Raises:
            LookupError, ValueError: nothing gave them.
        """
        sizes = (values["image_size"][end] for end in ("smallest", "largest"))
        smallest, largest = ((int(rows), int(columns)) for rows, columns in sizes)
        kinds = {key: tuple(values["kinds"][key]) for key in KINDS if key in values.get("kinds", {})}
        crop = Crop.parse(values.get("crop", str(WHOLE)))
        return cls(IntensityRange.from_values(values["intensity_range"]), smallest, largest, crop, kinds, content)

    def _scale_lazily(self, image: LazyImage) -> LazyImage:
        return replace(image, load=lambda: self.intensity_range.scale(image.load()))


@final
@dataclass(frozen=True)
class _Look:
    """What is seen of one image at a first look."""

    values: StoredValues
    size: Size
    facts: Facts
    mark: Print
    content: Float[np.ndarray, "4 statistics"]


@final
@dataclass(frozen=True)
class Survey:
    """What is seen of all images that a model is to be fitted on.

    Attributes:
        scans: what they have in common.
        source: the scans, with what their files and the manifest say of them.
        notices: sentences about what is odd.
        contents: statistics of each image, as `describe_content` returns them; None of one that cannot be used.
    """

    scans: FittedScans
    source: ImageSource
    notices: tuple[str, ...]
    contents: tuple[Float[np.ndarray, "4 statistics"] | None, ...]


def survey(source: ImageSource, declared: tuple[float, float] | None, crop: Crop = WHOLE) -> Survey:
    """Look at all images that a model is to be fitted on; those that cannot be used do not count.

    Args:
        declared: black and white of the intensity range; None learns them.
        crop: how the scan is cut out of each picture.

    Raises:
        FitError: they hold numbers of different types.
    """
    source = replace(source, images=tuple(_crop_lazily(image, crop) for image in source.images))
    with map_in_order(lambda image: image.apply(_look_at), source.images) as results:
        found = list(results)
    looks = [look for look in found if not isinstance(look, Failure)]
    chosen = choose_range([look.values for look in looks], declared)
    rows, columns = zip(*(look.size for look in looks), strict=True) if looks else ((0,), (0,))
    content = FittedContent.fit([look.content for look in looks]) if len(looks) > 1 else None
    scans = FittedScans(chosen, (min(rows), min(columns)), (max(rows), max(columns)), crop, _find_kinds(looks), content)
    near = replace(find_duplicates([look.mark for look in looks]), exact=())  # a fit leaves exact ones out, and says so
    odd = [_note_sizes(looks), _note_learned_ends(chosen, declared), _note_dark(looks, chosen), _note_odd(looks)]
    notices = [*odd, *near.describe()]
    told = [
        image if isinstance(look, Failure) else replace(image, facts=look.facts)
        for image, look in zip(source.images, found, strict=True)
    ]
    contents = tuple(None if isinstance(look, Failure) else look.content for look in found)
    return Survey(scans, replace(source, images=tuple(told)), tuple(filter(None, notices)), contents)


def describe_warnings(assessed: Sequence[Assessment | Failure], scans: FittedScans) -> tuple[str, ...]:
    """Turn the warnings of all images of a run into one sentence per code, with counts and an example."""
    images = [one for one in assessed if isinstance(one, Assessment)]
    sentences = []
    if others := [one for one in images if OTHER_SIZE in one.warnings]:
        fitted = " to ".join(dict.fromkeys(map(_format_size, (scans.smallest, scans.largest))))
        sentences.append(
            f"{_count(others, images, 'has', 'have')} another size ({_format_size(others[0].size)}: {others[0].image}) "
            f"than those that the model was fitted on ({fitted}): grades may move; export at the fitted size or fit "
            "again."
        )
    if foreign := [one for one in images if one.out_of_scope == OTHER_CONTENT]:
        sentences.append(
            f"{_count(foreign, images, 'is', 'are')} unlike the scans that the model was fitted on, such as "
            f"{foreign[0].image}: another kind of picture, inverted, or little is left of the scan. They are "
            "ungradable with certainty 0, and move no other grade."
        )
    if dark := [one for one in images if DARK_RANGE in one.warnings]:
        sentences.append(
            f"{_count(dark, images, 'uses', 'use')} at most an eighth of the model's intensity range "
            f"({scans.intensity_range}; {dark[0].image}), which counts as dark: if files hold fewer bits than their "
            "type can, convert them as the images that the model was fitted on."
        )
    return tuple(sentences)


def _crop_lazily(image: LazyImage, crop: Crop) -> LazyImage:
    return replace(image, load=lambda: crop.apply(image.load()))


def _look_at(image: EnfaceImage) -> _Look:
    image.check()
    mark = Print(image.name, image.digest(), compute_fingerprint(image.pixels))
    size = (image.pixels.shape[0], image.pixels.shape[1])
    return _Look(StoredValues.of(image), size, image.facts, mark, describe_content(image))


def _find_kinds(looks: Sequence[_Look]) -> dict[str, tuple[str, ...]]:
    """Return the values of each fact that is known of all images."""
    found = {}
    for key in KINDS:
        facts: list[Fact | None] = [getattr(look.facts, key) for look in looks]
        values = tuple(dict.fromkeys(fact.value for fact in facts if fact is not None))
        if values and all(facts):
            found[key] = values
    return found


def _note_sizes(looks: Sequence[_Look]) -> str:
    if len({look.size for look in looks}) < 2:
        return ""
    ends = (pick(looks, key=lambda look: look.size) for pick in (min, max))
    smallest, largest = (f"{_format_size(look.size)} ({look.values.name})" for look in ends)
    return (
        f"The images have several sizes, such as {smallest} and {largest}: the same scan gets another score at another "
        "size; export all images at one size."
    )


def _note_learned_ends(chosen: IntensityRange, declared: tuple[float, float] | None) -> str:
    if declared is not None or chosen.is_full:
        return ""
    return (
        f"The intensity range of the model is what these images hold, {chosen}, and an image with values beyond it "
        "cannot be graded; if the scale of the values is known, declare it (intensity range)."
    )


def _note_dark(looks: Sequence[_Look], chosen: IntensityRange) -> str:
    white = chosen.low + DARK * (chosen.high - chosen.low)
    dark = [look for look in looks if look.values.high <= white]
    if not dark:
        return ""
    brightest = max(looks, key=lambda look: look.values.high).values
    return (
        f"{_count(dark, looks, 'uses', 'use')} at most an eighth of the intensity range, {chosen}, such as "
        f"{dark[0].values.name}; if the largest value ({brightest.high:.6g} in {brightest.name}) is not the scan's, "
        "leave that image out, or declare the intensity range."
    )


def _note_odd(looks: Sequence[_Look]) -> str:
    odd = [looks[row].values.name for row in find_odd([look.content for look in looks])] if looks else []
    if not odd:
        return ""
    return (
        f"{_count(odd, looks, 'is', 'are')} unlike the rest ({', '.join(odd[:NAMED])}{', …' * (len(odd) > NAMED)}): "
        "another kind of picture, or inverted. The model takes them for outstanding scans; leave them out and fit "
        "again."
    )


def _count(some: Sequence[object], images: Sequence[object], one: str, several: str) -> str:
    return f"{len(some)} of {len(images)} images {one if len(some) == 1 else several}"


def _format_size(size: Size) -> str:
    rows, columns = size
    return f"{columns}×{rows}"
