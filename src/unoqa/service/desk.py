"""Single images: each is graded on one thread, as many side by side as the service has threads."""

from __future__ import annotations

import asyncio
import base64
import math
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, final

from unoqa.batch.grading import grade_each
from unoqa.batch.worker import Task, Worker
from unoqa.core.assessment import Failure
from unoqa.core.errors import UsageError
from unoqa.core.parallel import limit_to_one_thread
from unoqa.formats import FORMATS, ImageReference
from unoqa.grader.cohort import SETTLE_FIRST
from unoqa.grader.privacy import NOTHING_KEPT
from unoqa.grader.source import ImageSource, open_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unoqa.core.grading import Grading
    from unoqa.grader.choice_of_model import Models
    from unoqa.grader.source import LazyImage

LONGEST = 200
"""Characters of the name of a file that are kept."""

SUFFIX = re.compile(r"[^.0-9A-Za-z]")
"""What no suffix of an image file has."""

WANTED = Path("wanted")
"""Stands for the file of an overlay that is returned, not written."""


@final
class Desk:
    """Grades images with settled models; a grade does not depend on what is graded beside it.

    Attributes:
        models: by name.
    """

    def __init__(self, models: Mapping[str, Models], *, threads: int) -> None:
        """Start the threads.

        Raises:
            UsageError: a model is not settled.
        """
        for name, one in models.items():
            if any(grader.frozen_split is None for grader in one.graders):
                raise UsageError(f"The model {name} cannot be served. {SETTLE_FIRST}")
        self.models = models
        self._threads = ThreadPoolExecutor(threads, "grading")

    def close(self) -> None:
        """Finish the images that were begun."""
        self._threads.shutdown(cancel_futures=True)

    def find(self, name: str | None) -> Models:
        """Return the models of a name; without one, the only ones.

        Raises:
            UsageError: there are none of this name, or several and none is named.
        """
        if name is None and len(self.models) == 1:
            return next(iter(self.models.values()))
        if name is None or name not in self.models:
            raise UsageError(f"Name one of the models: {', '.join(self.models)}.")
        return self.models[name]

    async def grade(self, name: str, data: bytes, models: Models, *, heat: bool) -> dict[str, Any]:
        """Grade the image of a file that was sent.

        Args:
            name: of the file.

        Returns:
            what `describe_grading` gives, and with heat the overlay.

        Raises:
            UsageError: the file holds several images.
        """
        future = self._threads.submit(self._grade, name, data, models, heat=heat)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.cancel()
            raise

    def _grade(self, name: str, data: bytes, models: Models, *, heat: bool) -> dict[str, Any]:
        with limit_to_one_thread(), TemporaryDirectory(prefix="unoqa-") as folder:
            image = _open(Path(folder), name, data)
            assessed, overlay = Worker(models).assess(Task(image, None, WANTED if heat else None))
        if assessed is None:
            raise AssertionError("an image without an earlier digest is assessed")
        grading = grade_each(models, [assessed], cohort=False).result.gradings[0]
        warnings = [] if isinstance(assessed, Failure) else list(assessed.warnings)
        described = {**describe_grading(grading), "warnings": warnings}
        if heat:
            described["heat"] = None if overlay is None else base64.b64encode(overlay).decode()
        return described


def clean_name(name: str) -> str:
    """Return the last part of the name that a client gave a file, without what no name of a file should have."""
    kept = "".join(letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable())
    return kept[-LONGEST:].strip(". ") or "image"


def _open(folder: Path, name: str, data: bytes) -> LazyImage:
    """Return the only image of a file, under the name that the client gave it.

    Raises:
        UsageError: the file holds several, or is no image.
    """
    shown = clean_name(name)
    path = folder / f"image{SUFFIX.sub('', Path(shown).suffix)}"
    path.write_bytes(data)
    images = ImageSource.find_below([path], folder).images
    if not images:
        raise UsageError(f"{shown} is no image; send one of these: {', '.join(FORMATS.names())}.")
    if len(images) > 1:
        raise UsageError(f"{shown} holds {len(images)} images; send it as a batch (/v1/batches).")
    return open_image(ImageReference(shown, path, images[0].page), NOTHING_KEPT)


def describe_grading(grading: Grading) -> dict[str, Any]:
    """Return a grading as JSON: the columns of `grades.csv`, the flag `unsure`, and the whole findings."""
    grade = grading.grade
    return {
        "image": grading.image,
        "grade": None if grade is None else grade.word,
        "grade_code": None if grade is None else int(grade),
        "score": grading.score,
        "threshold": None if math.isnan(grading.threshold) else grading.threshold,
        "certainty": grading.certainty,
        "reasons": list(grading.reasons),
        "error": grading.error,
        "percentile": grading.percentile,
        "out_of_scope": grading.out_of_scope,
        "unsure": grading.unsure,
        "findings": [asdict(finding) for finding in grading.findings],
    }
