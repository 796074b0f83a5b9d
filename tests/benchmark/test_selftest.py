"""The self-test plants damage in good scans and says what the model sees of it."""

import csv
import json
import math
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from unoqa import EnfaceImage
from unoqa.benchmark.phantom.cohort import draw_scans
from unoqa.benchmark.phantom.contract import load_damages
from unoqa.benchmark.selftest.detection import _find_severity, summarise
from unoqa.benchmark.selftest.page import describe
from unoqa.benchmark.selftest.results import FILES, write_selftest
from unoqa.benchmark.selftest.run import run_selftest
from unoqa.benchmark.selftest.trial import SEVERITIES, Trial, try_scan
from unoqa.core.errors import ResultsError, UsageError
from unoqa.grader.crop import Crop
from unoqa.store.files import refuse_others

KINDS = list(load_damages())


@pytest.fixture(scope="module")
def scans():
    drawn = draw_scans(outstanding=5, gradable=0, ungradable=0, seed=91, size=128)
    return [EnfaceImage(one.name, one.pixels / np.float32(255)) for one in drawn]


@pytest.fixture(scope="module")
def tested(grader, scans):
    return run_selftest(grader, scans)


def make_trials(kind, shares, images=10, named=True):
    return [
        Trial(f"{number}.png", kind, severity, 1.0, number < share * images, named, math.nan, ())
        for severity, share in zip((0.0, *SEVERITIES), shares, strict=True)
        for number in range(images)
    ]


def test_every_kind_at_every_severity_is_tried_in_every_scan(tested):
    tried = [(trial.image, trial.kind, trial.severity) for trial in tested.trials]
    assert len(set(tried)) == len(tried) == 5 * (1 + len(KINDS) * len(SEVERITIES))
    assert [one.kind for one in tested.detections] == KINDS
    assert tested.undamaged.total == 5
    assert len(tested.pictures) == 1 + len(KINDS) * len(SEVERITIES)


def test_the_score_of_an_undamaged_scan_is_that_of_the_scan(tested, grader, scans):
    first = tested.trials[0]
    assert (first.image, first.kind) == (scans[0].name, "undamaged")
    assert first.score == pytest.approx(grader.assess(scans[0])[0].score, abs=1e-4)


@pytest.mark.requirement("R11")
def test_a_missing_part_is_seen_named_and_found_where_it_is(tested):
    blink = next(one for one in tested.detections if one.kind == "blink")
    assert blink.refused[-1].value == blink.named[-1].value == 1
    assert blink.place[-1] > 0.9
    assert blink.seen_from < 0.5


def test_the_severity_of_eighty_percent_lies_between_those_around_it():
    assert _find_severity([0.1, 0.0, 0.6, 1.0, 1.0]) == pytest.approx(0.25 + 0.25 * 0.5)
    assert _find_severity([0.1, 0.9, 0.7, 0.9, 1.0]) == pytest.approx(0.25 + 0.25 * 0.5)  # from there on, for good
    assert _find_severity([0.0, 0.0, 0.0, 0.0, 0.79]) is None
    assert _find_severity([0.9, 1.0, 1.0, 1.0, 1.0]) == 0


def test_what_no_finding_names_is_not_counted_as_named_wrong():
    trials = make_trials("stretch", [0, 0, 0, 0.5, 1]) + make_trials("blink", [0, 1, 1, 1, 1], named=False)
    _, found = summarise([*trials, *make_trials("undamaged", [0.1, 0, 0, 0, 0])[:10]])
    by_kind = {one.kind: one for one in found}
    assert by_kind["stretch"].named is None
    assert by_kind["blink"].named[0].value == 0
    assert by_kind["stretch"].refused[2].count == 5
    assert math.isnan(by_kind["blink"].place[0])


def test_sentences_tell_what_is_seen_and_what_is_not(tested):
    text = " ".join(describe(tested))
    assert text.startswith("Of 5 undamaged scans, ")
    assert all(kind in text for kind in KINDS)


def test_the_files_of_a_self_test(tested, grader, tmp_path):
    refuse_others(tmp_path / "new", FILES, "a self-test")
    write_selftest(tested, grader, tmp_path / "new")
    refuse_others(tmp_path / "new", FILES, "a self-test")
    assert {path.name for path in (tmp_path / "new").iterdir()} == FILES
    values = json.loads((tmp_path / "new" / "selftest.json").read_text(encoding="utf-8"))
    assert values["note"].startswith("Synthetic damage is not real damage.")
    assert list(values["kinds"]) == KINDS
    with (tmp_path / "new" / "selftest.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(tested.trials)
    page = (tmp_path / "new" / "selftest.html").read_text(encoding="utf-8")
    assert "Synthetic damage is not real damage." in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.doc").write_text("x", encoding="utf-8")
    with pytest.raises(ResultsError, match="holds something that is not a self-test"):
        refuse_others(tmp_path, FILES, "a self-test")


def test_too_few_scans_are_refused(grader, scans):
    with pytest.raises(UsageError, match=r"at least 5 outstanding scans .* and there are 4; give more"):
        run_selftest(grader, scans[:4])


def test_damage_is_planted_in_the_scan_not_in_the_margin_of_its_picture(grader, scans):
    crop = Crop.parse("60,20,128,128")
    cropping = replace(grader, model=replace(grader.model, scans=replace(grader.model.scans, crop=crop)))
    picture = np.zeros((180, 240), dtype=np.float32)
    picture[20:148, 60:188] = scans[0].pixels
    in_picture = list(islice(try_scan(cropping, EnfaceImage(scans[0].name, picture), seed=3), 3))
    alone = list(islice(try_scan(grader, scans[0], seed=3), 3))
    assert [one.trial for one in in_picture] == [one.trial for one in alone]
    assert in_picture[-1].pixels.shape == (128, 128)


def test_names_that_a_spreadsheet_would_compute_are_text(tested, grader, tmp_path):
    first, *others = tested.trials
    hostile = replace(first, image="=HYPERLINK(1)")
    write_selftest(replace(tested, trials=(hostile, *others)), grader, tmp_path)
    with (tmp_path / "selftest.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["image"] == "'=HYPERLINK(1)"
