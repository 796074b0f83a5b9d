"""Grading into a results folder, with the views that every run makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unoqa.batch import GradeOptions, grade_files
from unoqa.core.progress import ignore
from unoqa.grader.source import ImageSource
from unoqa.outputs import write_default_outputs
from unoqa.store.results import Results

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from unoqa.core.progress import Progress
    from unoqa.grader.choice_of_model import Models
    from unoqa.grader.grader import AnyGrader
    from unoqa.grader.source import ImagesLike

DEFAULTS = GradeOptions()


def grade_to_folder(
    model: AnyGrader | Models,
    images: ImagesLike,
    folder: str | Path,
    options: GradeOptions = DEFAULTS,
    *,
    progress: Progress | None = None,
    notify: Callable[[str], None] = ignore,
    leave_out: Collection[str] = (),
) -> Results:
    """Grade images into a results folder: record and views of it, and with heat `heat/` and `cohort.png`.

    The same call continues a run that was interrupted. If earlier images of the folder, or their overlays, are gone,
    `cohort.png` is not made.

    Args:
        model: as `load` reads it from its folder; or several, as `Models.load` reads them, of which each image goes to
            the one that was fitted on such scans.
        notify: takes sentences for the user.
        leave_out: names of outputs that are not wanted, such as `report_html`.

    Raises:
        UsageError: the model is not settled, and images are to be graded alone or added.
        CohortError: a cohort of fewer than 10 images.
        ResultsError: the folder holds something else.

    Example:
        results = unoqa.grade_to_folder(unoqa.load("model/"), "clinic/", "results/")
    """
    source, folder = ImageSource.find(images), Path(folder)
    from_files = bool(source.root)
    with grade_files(model, source, folder, options, progress=progress, notify=notify) as results:
        graded = results.facts.get("shard", {"graded": True})["graded"]
        write_default_outputs(results, pictures=from_files and graded, notify=notify, leave_out=leave_out)
    return Results.open(folder)
