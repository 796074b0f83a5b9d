"""The DICOM objects that a record's images came from, each with the grades of its frames."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, final

from unoqa.core.errors import ResultsError, UsageError
from unoqa.formats import FORMATS
from unoqa.formats.dicom.format import OURS
from unoqa.formats.parts.kinds import HEAD_BYTES
from unoqa.store.files import replace_file
from unoqa.store.results.reviews import Review, collect_reviews
from unoqa.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydicom import Dataset

    from unoqa.core.facts import Facts
    from unoqa.core.grading import Grade, Grading
    from unoqa.store.results import Results
    from unoqa.store.results.reviews import Source

SCHEME = "99UNOQA"
"""Designator of codes that no standard has (PS3.3, 8.2: private schemes begin with 99)."""


@final
@dataclass(frozen=True)
class GradedFrame:
    """One frame and what became of it.

    Attributes:
        number: from 1.
        final: the final grade, which may be a reader's.
        source: whose it is.
    """

    number: int
    grading: Grading
    facts: Facts
    final: Grade
    source: Source


@final
@dataclass(frozen=True)
class GradedObject:
    """One object with at least one grade."""

    path: Path
    frames: tuple[GradedFrame, ...]

    @property
    def name(self) -> str:
        """Name of its first image."""
        return self.frames[0].grading.image


def import_library() -> SimpleNamespace:
    """Return pydicom and the parts of highdicom that write reports.

    Raises:
        UsageError: they are not installed.
    """
    try:
        return _import_all()
    except ImportError as error:
        raise UsageError('Writing DICOM needs pydicom and highdicom; run pip install "unoqa[dicom]".') from error


@cache
def _import_all() -> SimpleNamespace:
    import highdicom as hd  # noqa: PLC0415 - optional
    import pydicom  # noqa: PLC0415 - optional
    from pydicom.sr.codedict import codes  # noqa: PLC0415 - optional

    return SimpleNamespace(pydicom=pydicom, sr=hd.sr, codes=codes)


def list_graded_objects(results: Results, *, images: Path | None = None) -> list[GradedObject]:
    """List the objects in the order of the record; images of other formats, and without a final grade, have none.

    Raises:
        ResultsError: an object is no longer where it lay, or there is none.
    """
    reviews = collect_reviews(results.decisions)
    found: dict[Path, list[GradedFrame]] = {}
    for position, (entry, grading) in enumerate(zip(results.entries(), results.iterate(), strict=True)):
        final_, source = reviews.get(position, Review()).settle(grading.grade)
        if final_ is None or grading.score is None:
            continue
        path = Path(results.entry(entry.name, images=images).path)
        frame = GradedFrame(entry.page + 1, grading, results.facts_of(position), final_, source)
        found.setdefault(path, []).append(frame)
    objects = [GradedObject(path, tuple(frames)) for path, frames in found.items() if _is_dicom(path, frames[0])]
    if not objects:
        raise ResultsError(f"{results.folder} has no graded image from a DICOM object; grade DICOM objects first.")
    return objects


def _read_source(one: GradedObject, *, pixels: bool) -> Dataset:
    pydicom = import_library().pydicom
    try:
        source: Dataset = pydicom.dcmread(one.path, stop_before_pixels=not pixels, force=True)
    except Exception as error:  # a damaged object makes pydicom raise any exception
        raise ResultsError(f"{one.name} can no longer be read; name the folder of the objects (images).") from error
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        if not source.get(keyword):
            raise ResultsError(f"{one.name} has no {keyword}, so that nothing can refer to it; send it anew.")
    return source


def make_uid(results: Results, source: Dataset, one: GradedObject, what: str) -> str:
    """Make a UID that is the same for the same grades of the same object, so that nothing is stored twice."""
    grades = [f"{frame.number}:{frame.grading.score!r}:{frame.final.word}:{frame.source.value}" for frame in one.frames]
    entropy = [what, str(source.SOPInstanceUID), str(results.facts.get("model")), *grades]
    return str(import_library().pydicom.uid.generate_uid(entropy_srcs=entropy))


def set_times(results: Results, made: Dataset) -> None:
    """Date an object by the end of the run, so that it is the same each time."""
    moment = datetime.fromisoformat(results.facts["finished"])
    made.ContentDate = made.InstanceCreationDate = f"{moment:%Y%m%d}"
    made.ContentTime = made.InstanceCreationTime = f"{moment:%H%M%S}"


def write_objects(
    objects: Sequence[GradedObject],
    folder: Path,
    make: Callable[[GradedObject, Dataset], Dataset | None],
    *,
    pixels: bool,
) -> int:
    """Write what `make` makes of each object, and return how many there are; None makes nothing.

    Raises:
        ResultsError: some could not be made; the others are written by then.
    """
    written, failures = 0, []
    for one in objects:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they quote the header
                made = make(one, _read_source(one, pixels=pixels))
        except ResultsError as error:
            failures.append(str(error))
        except (AttributeError, LookupError, TypeError, ValueError):  # a header that the standard does not allow
            failures.append(f"{one.name} has patient or study elements that are not valid; correct its header.")
        else:
            if made is not None:
                _sign(made)
                with replace_file(folder / f"{made.SOPInstanceUID}.dcm") as fresh:
                    made.save_as(fresh, enforce_file_format=True)
                written += 1
    if failures:
        raise ResultsError(f"{len(failures)} of {len(objects)} objects were not written; the first: {failures[0]}")
    return written


def _sign(made: Dataset) -> None:
    """Say who wrote an object; by this it is never taken for a scan."""
    made.file_meta.ImplementationClassUID = import_library().pydicom.uid.PYDICOM_IMPLEMENTATION_UID
    made.file_meta.ImplementationVersionName = f"{OURS}_{__version__}"[:16]


def _is_dicom(path: Path, frame: GradedFrame) -> bool:
    try:
        with path.open("rb") as stream:
            return FORMATS.load("dicom")().matches(stream.read(HEAD_BYTES))
    except OSError as error:
        raise ResultsError(
            f"{frame.grading.image} cannot be opened ({error.strerror}); if the images were moved, name their folder "
            "(images)."
        ) from error
