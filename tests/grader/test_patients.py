"""Images of one patient stay in one fold, else the threshold refuses more than it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unoqa import Recipe, load
from unoqa.core.errors import FitError
from unoqa.grader.cross_fitting import assign_folds

RECIPE = Recipe.named("measures")


@given(st.lists(st.integers(0, 30), min_size=1, max_size=120), st.integers(2, 7), st.integers(0, 99))
def test_a_group_is_in_one_fold_and_folds_are_as_equal_as_groups_allow(patients, folds, seed):
    groups = [str(patient) for patient in patients]
    dealt = assign_folds(len(groups), folds, seed=seed, groups=groups)
    assert all(
        len({int(dealt[place]) for place in np.flatnonzero(np.array(groups) == one)}) == 1 for one in set(groups)
    )
    sizes = np.bincount(dealt, minlength=folds)
    assert sizes.max() - sizes.min() <= max(groups.count(one) for one in set(groups))


def write(folder, scans, patients):
    lines = ["path,patient"]
    for number, (scan, patient) in enumerate(zip(scans, patients, strict=True)):
        Image.fromarray(scan.pixels).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{patient}")
    path = folder / "outstanding.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_card_says_how_many_patients_there_are(outstanding_scans, tmp_path):
    manifest = write(tmp_path, outstanding_scans, [number // 2 for number in range(24)])
    grader = RECIPE.fit(manifest)
    grader.save(tmp_path / "model")
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| patients | 12; all images of one patient, also of the fellow eye, are in one fold |" in card
    assert load(tmp_path / "model").grader.fitted.report.patients == 12


def test_the_card_says_where_nobody_names_patients(grader, tmp_path):
    grader.save(tmp_path / "model")
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| patients | not known: if several images are of one patient" in card


def test_too_few_patients_are_refused(outstanding_scans, tmp_path):
    manifest = write(tmp_path, outstanding_scans, ["one", "two"] * 12)
    with pytest.raises(FitError, match="24 images are of 2 patients, and images of one patient stay in one of 5 folds"):
        RECIPE.fit(manifest)


def test_repeats_of_a_patient_are_scored_by_modules_that_know_neither(outstanding_scans, tmp_path):
    numbers = range(len(outstanding_scans))
    for number in numbers:
        Image.fromarray(outstanding_scans[number].pixels).save(tmp_path / f"{number}.png")
    rows = "\n".join(f"{number}.png,patient {number // 3}" for number in numbers)
    thresholds = []
    for column in ("patient", "other"):
        (tmp_path / "scans.csv").write_text(f"path,{column}\n{rows}", encoding="utf-8")
        thresholds.append(RECIPE.fit(tmp_path / "scans.csv").threshold.value)
    assert thresholds[0] != thresholds[1]
