"""A cohort graded by one run of one process: what shards and workers give must equal it."""

from __future__ import annotations

import pytest

from records import contents, rows
from unoqa.batch import GradeOptions
from unoqa.grader.choice_of_model import Models
from unoqa.outputs.parts.run import grade_to_folder


def grade(model, images, folder, *, progress=None, **options):
    """Grade into a folder without a report; return the folder."""
    loaded = Models.load([model], device="cpu")
    options = GradeOptions(**options)
    grade_to_folder(loaded, images, folder, options, progress=progress, leave_out=("report_html",)).close()
    return folder


def same(folder, whole):
    """Check that two results folders are the same."""
    assert rows(folder) == rows(whole)
    assert contents(folder) == contents(whole)


@pytest.fixture(scope="module")
def images(clinic, tmp_path_factory):
    """Return a folder of 16 scans, one of which is no image."""
    folder = clinic.some(tmp_path_factory.mktemp("images") / "scans", 16)
    (folder / "scan_0004.png").write_text("no image")
    return folder


@pytest.fixture(scope="module")
def whole(model, images, tmp_path_factory):
    """Return the results folder of one run."""
    return grade(model, images, tmp_path_factory.mktemp("whole") / "results")
