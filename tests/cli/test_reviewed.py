"""Grades of readers serve: `unoqa fit --reviewed` takes a list of files, `unoqa evaluate` a reference."""

from __future__ import annotations

import pytest

from reviewed import GRA, make_record, review
from unoqa.cli.parts.reviewed import find_reviewed
from unoqa.core.errors import UsageError
from unoqa.store.results import Results


@pytest.fixture
def record(clinic, tmp_path):
    images = {path.name: GRA for path in sorted(clinic.outstanding.iterdir())[:20]}
    return make_record(tmp_path / "results", images, clinic.outstanding)


def test_a_fit_takes_the_images_that_readers_call_outstanding(unoqa, record, tmp_path):
    for position in range(16):
        review(record, (position, "anna", "grade", "outstanding"))
    review(record, (0, "bela", "grade", "gradable"))  # they disagree
    review(record, (1, "bela", "grade", "gradable"), (1, "clara", "adjudication", "outstanding"))
    review(record, (2, "clara", "adjudication", "gradable"))
    names = [image.name for image in find_reviewed(record).images]
    assert len(names) == 14
    ended = unoqa("fit", "--reviewed", record, "-o", tmp_path / "model", "--recipe", "measures")
    assert ended.exit_code == 0, ended.output
    assert "Fitted on 14 images" in ended.stderr


def test_whose_the_images_are_is_known_still_and_hashed_names_stay_hashed(unoqa, clinic, settled_model, tmp_path):
    files = sorted(clinic.outstanding.iterdir())[:16]
    manifest = tmp_path / "scans.csv"
    rows = [f"{path},patient {number // 2}" for number, path in enumerate(files)]
    manifest.write_text("\n".join(["path,patient", *rows]), encoding="utf-8")
    record = tmp_path / "results"
    ended = unoqa("grade", manifest, "-m", settled_model, "-o", record, "--hash-names", "--no-heat", "--no-report")
    assert ended.exit_code == 0, ended.output
    review(record, *((position, "anna", "grade", "outstanding") for position in range(16)))
    images = find_reviewed(record).images
    assert [image.facts.patient.value for image in images] == [f"patient {number // 2}" for number in range(16)]
    with Results.open(record) as results:
        assert {image.name for image in images} == {entry.name for entry in results.entries()}
    fitted = unoqa("fit", "--reviewed", record, "-o", tmp_path / "model", "--recipe", "measures", "--no-selftest")
    assert fitted.exit_code == 0, fitted.output
    assert "| patients | 8; all images of one patient" in (tmp_path / "model" / "MODEL_CARD.md").read_text("utf-8")


def test_without_such_images_the_fit_says_what_to_do(record):
    with pytest.raises(UsageError, match="grade some with `unoqa review`"):
        find_reviewed(record)


def test_images_or_reviews_are_named_and_not_both(refusal, record, clinic, tmp_path):
    for words in ((), (clinic.outstanding, "--reviewed", record)):
        assert refusal("fit", *words, "-o", tmp_path / "model") == (
            "Name outstanding images, or a results folder with --reviewed; one of the two."
        )


def test_evaluation_without_a_label_file_compares_with_the_readers(unoqa, refusal, record):
    assert "No reader has graded an image" in refusal("evaluate", record)
    for position in range(12):
        review(record, (position, "anna", "grade", ("gradable", "outstanding")[position % 2]))
    ended = unoqa("evaluate", record)
    assert ended.exit_code == 0, ended.output
    assert "12 images compared (reference: 0 ungradable, 6 gradable, 6 outstanding)" in ended.stdout
