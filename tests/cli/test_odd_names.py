"""Names of files that are no Unicode: every command takes them, and every view can be made again."""

from __future__ import annotations

import csv
import os

import pytest

from unoqa.store.results import Results


@pytest.fixture
def odd(clinic, tmp_path):
    """Return a folder of three scans whose own name, and that of one of them, is no Unicode."""
    folder = tmp_path / os.fsdecode(b"clinic-\xff")
    try:
        clinic.some(folder, 3)
        first = min(folder.iterdir())
        first.rename(first.with_name(os.fsdecode(b"a-\xfe.png")))
    except OSError:
        pytest.skip("this file system takes Unicode only")
    return folder


@pytest.mark.parametrize("more", [(), ("--hash-names", "--no-heat")], ids=["plain", "hashed"])
def test_names_that_are_no_unicode_are_graded_and_found_again(unoqa, odd, settled_model, tmp_path, more):
    results = tmp_path / "results"
    words = ("grade", odd, "-m", settled_model, "-o", results, *more)
    for _ in range(2):
        ended = unoqa(*words)
        assert ended.exit_code == 0, ended.output
    assert "Continuing at 3 of 3" in ended.stderr
    with (results / "grades.csv").open(encoding="utf-8", newline="") as file:
        names = [row["image"] for row in csv.DictReader(file)]
    assert more or names[0] == "a-\\udcfe.png"
    with Results.open(results) as record:
        assert os.fsencode(record.entry(names[0]).path) == os.fsencode(odd / os.fsdecode(b"a-\xfe.png"))
    odd.rename(tmp_path / "moved")
    ended = unoqa("report", results, "--images", tmp_path / "moved")
    assert ended.exit_code == 0, ended.output
    assert unoqa("export", results, "-o", tmp_path / "final.csv").exit_code == 0
    assert unoqa("info", results).exit_code == 0


def test_results_and_models_lie_where_the_name_is_no_unicode(unoqa, odd, settled_model, tmp_path):
    model = odd.with_name(os.fsdecode(b"model-\xff"))
    settled_model_copy = unoqa("grade", odd, "-m", settled_model, "-o", model, "--no-heat", "--no-report")
    assert settled_model_copy.exit_code == 0, settled_model_copy.output
    assert unoqa("info", model).exit_code == 0
