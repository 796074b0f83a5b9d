"""What the report says, read from its file; tests/report/test_report_page.py looks at it in a browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from cohorts import SEVERAL, draw_images, write_cohort
from reviewed import review
from unoqa.app.review.queue import list_queue
from unoqa.core.errors import ResultsError
from unoqa.core.grading import Grade
from unoqa.outputs.report_html import ReportHtml
from unoqa.report.attention import choose_hints
from unoqa.report.cohort import Cohort, ScoringModel
from unoqa.report.data import make_data
from unoqa.report.embedding import embed
from unoqa.report.exclusion import make_exclusion
from unoqa.report.methods import write_methods
from unoqa.report.pictures import find_thumbnail_bytes
from unoqa.report.reviewing import tabulate_review
from unoqa.report.tables import make_tables
from unoqa.store.results import ImageEntry, Results, RunPlan, begin_run

NAMES = [f"clinic {number % 2}/scan {number:03}.png" for number in range(40)]

HOSTILE = ["<img src=x onerror=alert(1)>.png", "</script><script>alert(2)</script>.png", "a\u202egnp.png", "ü" * 127]


@pytest.fixture
def results(tmp_path):
    folder = write_cohort(tmp_path / "results", NAMES, failed={NAMES[5]})
    draw_images(folder, NAMES)
    with Results.open(folder) as opened:
        yield opened


@pytest.fixture
def cohort(results):
    return Cohort.read(results)


def write(results, **settings):
    path = results.folder / "report.html"
    ReportHtml(**settings).write(results, path)
    return path.read_text(encoding="utf-8")


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def test_the_page_holds_every_image_and_its_pictures(results):
    page = write(results)
    images = data_of(page)["images"]
    assert [image["name"] for image in images] == NAMES
    pictures = json.loads(re.search(r'id="pictures-0">(.*?)</script>', page, re.S)[1])
    assert [bool(thumbnail) for thumbnail, _ in pictures] == [name != NAMES[5] for name in NAMES]
    assert all(heat for thumbnail, heat in pictures if thumbnail)


def test_the_page_names_its_one_script_and_style_by_hash_and_nothing_else(results):
    page = write(results)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "default-src 'none'" in policy
    assert not re.search("unsafe|https?:", policy)
    assert policy.count("sha256-") == 2
    assert len(re.findall(r"<script>", page)) == 1
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", page)


def test_nothing_on_the_page_says_who_was_scanned_or_where_files_lie(results):
    page = write(results)
    assert "secret" not in page
    assert str(results.folder.parent) not in page


def test_the_page_needs_no_image_that_has_heat(results):
    before = write(results)
    (results.folder.parent / "images").rename(results.folder.parent / "moved")
    assert write(results) == before


def test_a_damaged_overlay_is_told(results):
    path = results.heat_path(NAMES[0])
    path.write_bytes(path.read_bytes()[:90])
    with pytest.raises(ResultsError, match=re.escape(f"{path} is damaged")):
        write(results)


def test_hostile_names_stand_on_the_page_as_plain_text(tmp_path):
    names = HOSTILE + NAMES[: 12 - len(HOSTILE)]
    folder = write_cohort(tmp_path / "results", names)
    draw_images(folder, names, heat=False)
    with Results.open(folder) as results:
        page = write(results)
    assert [image["name"] for image in data_of(page)["images"]] == names
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert HOSTILE[3] in page


def test_an_unfinished_run_has_no_report(tmp_path):
    with begin_run(tmp_path / "results", RunPlan([ImageEntry("a.png", "/a.png")], "/", "m", "c")):
        pass
    with Results.open(tmp_path / "results") as results, pytest.raises(ResultsError, match="is not finished"):
        write(results)
    assert not (tmp_path / "results" / "report.html").exists()


def test_what_to_look_at_first_is_failed_flagged_or_doubtful(cohort):
    hints = choose_hints(cohort)
    assert len(hints) == 10
    assert len({hint.scan.position for hint in hints}) == 10
    assert hints[0].scan.position == 5
    assert "export it again" in hints[0].why
    assert any(hint.scan.position == 3 and "another size" in hint.why for hint in hints)
    assert all(hint.scan.grading.unsure for hint in hints if hint.scan.position not in (3, 5))


def test_the_review_goes_on_in_the_order_of_the_report(results, cohort):
    hints = [hint.scan.grading.image for hint in choose_hints(cohort)]
    queue = [one["name"] for one in list_queue(results, "Anna")["images"]]
    assert queue[:10] == hints
    assert sorted(queue) == sorted(NAMES)


def test_the_least_certain_come_first(cohort):
    doubtful = [hint.scan.grading for hint in choose_hints(cohort) if hint.why.startswith("outstanding or")]
    assert [one.certainty for one in doubtful] == sorted(one.certainty for one in doubtful)


def test_tables_count_every_image_once(cohort):
    tables = {table.title: table for table in make_tables(cohort)}
    assert set(tables) == {
        "Grades",
        "Grades by device",
        "Grades by laterality",
        "Grades by folder",
        "Findings by grade",
    }
    assert tables["Grades"].header[2:6] == ("outstanding", "gradable", "ungradable", "no grade")
    for title in ("Grades by device", "Grades by laterality", "Grades by folder"):
        assert sum(int(row[1]) for row in tables[title].rows) == len(NAMES)
    assert "patient" not in " ".join(tables)


def test_without_a_review_the_report_has_no_word_of_one(results):
    assert "Final grades" not in write(results)


def test_readers_and_final_grades_are_counted_and_each_image_has_its_own(results):
    review(
        results.folder,
        (0, "Anna", "view", "blind"),
        (0, "Anna", "grade", "outstanding"),
        (1, "Anna", "grade", "gradable"),
        (1, "Bela", "grade", "ungradable"),
        (2, "Anna", "grade", "gradable"),
        (2, "Bela", "grade", "ungradable"),
        (2, "Clara", "adjudication", "ungradable"),
    )
    tables = {table.title: table for table in make_tables(Cohort.read(results))}
    assert "Readers" not in tables
    tables = {table.title: table for table in tabulate_review(Cohort.read(results))}
    assert [row[:3] for row in tables["Readers"].rows] == [("Anna", "3 (7.5 %)", "1"), ("Bela", "2 (5.0 %)", "0")]
    header, rows = tables["Final grades"].header, tables["Final grades"].rows
    assert header[2:] == ("adjudicated", "of all readers", "readers disagree", "of unoqa", "of nobody")
    assert sum(int(row[1]) for row in rows) == len(NAMES)
    assert [sum(int(row[column]) for row in rows) for column in range(2, 7)] == [1, 1, 1, 36, 1]
    page = write(results)
    finals = [image.get("final") for image in data_of(page)["images"]]
    assert finals[:4] == ["outstanding, of all readers", "readers disagree", "ungradable, adjudicated", None]
    assert "<title>Image quality of 40 scans – unoqa</title>" in page


def test_the_paragraph_has_every_number_and_the_citation(cohort):
    text = write_methods(cohort)
    counts = [f"{cohort.count(grade)} (" for grade in Grade]
    for words in (
        "40 OCTA en-face images",
        "60 outstanding images",
        "10 % of outstanding",
        "arXiv:2212.10541",
        *counts,
    ):
        assert words in text
    assert "nan" not in text.lower()


def model_with(panel, members, representation="score"):
    """Return a scoring model of 40 images and a threshold that was set on 20."""
    split = {"representation": representation, "clustering": {"choice": "kmeans"}}
    settings = {"panel": panel, "members": members, "split": split}
    facts = {"fitted": {"images": 40, "date": "2026-11-30"}, "settings": settings}
    return ScoringModel(facts, 1.0, np.zeros(20))


CFLOW = {
    "encoder": {"choice": "timm", "model": "resnet18.tv_in1k", "layers": [2, 3]},
    "module": {"choice": "cflow"},
}
BLUR = {"encoder": {"choice": "measures"}, "module": {"choice": "signed", "channels": ["sharpness", "row_steps"]}}


def test_the_paragraph_names_what_the_score_is_made_of_and_is_the_papers_method_only_if_it_is(cohort):
    paper = replace(cohort, models=(model_with({"final": "held-out"}, [CFLOW], "maps"),))
    text = write_methods(paper)
    assert (
        ": the method of UNO-QA (Chen et al. 2022); it learns from outstanding images only, and uses no labels." in text
    )
    assert "fitted on 20 outstanding images, and its threshold was set on 20 others, on 2026-11-30." in text
    assert "The score is from CFLOW of the features of the network resnet18.tv_in1k (layers 2, 3)." in text
    panel = replace(cohort, models=(model_with({"final": "folds"}, [BLUR, CFLOW]),))
    text = write_methods(panel)
    assert (
        ": a method that begins with the method of UNO-QA (Chen et al. 2022) and has another score and split;" in text
    )
    assert "The model was fitted on 40 outstanding images on 2026-11-30." in text
    assert (
        "The score combines 2 standardised scores, from hand-made measures (sharpness, row steps), each compared with "
        "outstanding images in its bad direction only, and CFLOW of the features" in text
    )


def test_the_paragraph_of_an_adapted_model_promises_nothing_of_outstanding_images(cohort):
    model = model_with({"final": "folds"}, [BLUR])
    adapted = replace(model, facts={**model.facts, "adapted": {"images": 100, "fitted": 40}, "alpha": 0.1})
    text = write_methods(replace(cohort, models=(adapted,)))
    assert "it learns from unlabelled images, and uses no labels." in text
    assert "fitted on the 40 of 100 unlabelled images that a model of another device ranked best." in text
    assert "conformal" not in text


@pytest.fixture
def several(tmp_path):
    folder = write_cohort(tmp_path / "several", NAMES, facts=SEVERAL)
    draw_images(folder, NAMES)
    with Results.open(folder) as opened:
        yield opened


def test_of_several_models_each_is_described_with_its_own_numbers(several):
    page = write(several)
    assert "None" not in re.sub(r"<script.*?</script>", "", page, flags=re.S).replace("None:", "")
    for words in ("Model 1", "Model 2", "1" * 64, "2" * 64, "measures, seed 1", "measures, seed 2", "20 of 40"):
        assert words in page
    assert data_of(page)["threshold"] == 0
    assert data_of(page)["border"] is None


def test_the_paragraph_is_true_of_several_models(several):
    text = write_methods(Cohort.read(several))
    assert "None" not in text
    assert "Of 2 models, each image was graded by the one that was fitted on such scans." in text
    for number in (1, 2):
        assert f"Model {number} (recipe measures, model {f'{number}' * 12}, seed {number}) graded 20 of" in text
    assert text.count("aims to refuse no more than 10 %") == 2
    assert text.count("Of the 40 images") == 1


def test_a_sample_of_several_models_is_seeded_too(several):
    cohort = Cohort.read(several)
    assert [scan.position for scan in cohort.choose(9)] == [scan.position for scan in cohort.choose(9)]


def test_what_to_look_at_is_counted_once(results):
    page = write(results)
    card = re.search(r"to look at</span>\s*<strong>(\d+)</strong>\s*<span[^>]*>(.*?)</span>", page, re.S)
    cohort = Cohort.read(results)
    doubtful = [one for one in cohort.scans if one.grading.unsure or one.flags or one.grading.grade is None]
    assert int(card[1]) == len(doubtful)
    assert card[2].endswith("1 flagged, 1 without a grade; an image may be two of these")


def test_the_plane_is_of_the_members_or_of_what_was_clustered(cohort):
    placed = embed(cohort.scans)
    assert "4 standardised scores" in placed.sentence
    assert np.isfinite(placed.places).all(axis=1).sum() == len(NAMES) - 1
    scores = [scan.grading.score for scan in cohort.scans if scan.members]
    assert np.corrcoef(placed.places[np.isfinite(placed.places[:, 0]), 0], scores)[0, 1] > 0.5


def test_bins_count_every_score_and_reference(cohort):
    found = make_data(cohort, cohort.scans, [""] * len(NAMES))["scores"]
    assert sum(map(sum, found["counts"])) == len(NAMES) - 1
    assert sum(found["reference"]) == 60


def test_of_too_many_images_the_poor_ones_come_first_and_the_rest_are_a_seeded_sample(cohort):
    poor = [scan.position for scan in cohort.scans if scan.grading.grade is not Grade.OUTSTANDING]
    chosen = [scan.position for scan in cohort.choose(len(poor) + 4)]
    assert chosen == sorted(chosen)
    assert len(chosen) == len(poor) + 4
    assert set(poor) <= set(chosen)
    assert chosen == [scan.position for scan in cohort.choose(len(poor) + 4)]
    assert len(cohort.choose(7)) == 7


@pytest.mark.parametrize(("images", "most"), [(10, 300e3), (500, 15e6), (1000, 30e6), (2000, 60e6), (5000, 60e6)])
def test_a_page_of_any_length_keeps_to_its_bytes(images, most):
    whole = images * (1500 + 4 / 3 * (find_thumbnail_bytes(images) + 2200))
    assert whole <= most * 1.001


def test_who_is_lost_is_told_by_group_with_intervals(cohort):
    covariates = {
        name: {"sex": "fm"[number % 2], "age": str(20 + number), "site": ""} for number, name in enumerate(NAMES)
    }
    sex, age, site = make_exclusion(cohort, covariates)
    assert [row[0] for row in sex.rows] == ["f", "m", "all"]
    assert [row[1] for row in sex.rows] == ["20", "20", "40"]
    assert re.fullmatch(r"\d+\.\d % \(\d+\.\d–\d+\.\d\)", sex.rows[0][2])
    assert age.rows[0][0] == "20 to below 29.75"
    assert sum(int(row[1]) for row in age.rows[:-1]) == 40
    assert [row[0] for row in site.rows] == ["not given", "all"]


def test_a_covariate_of_many_words_is_told_instead_of_a_giant_table(cohort):
    towns = {name: {"town": f"town {number}"} for number, name in enumerate(NAMES)}
    (table,) = make_exclusion(cohort, towns)
    assert [row[0] for row in table.rows] == ["all"]
    assert table.note.startswith("'town' has 40 different words, too many groups to compare; give 12 at most")


def test_who_is_lost_stands_on_the_page(results):
    assert "Who is lost by this gate" not in write(results)
    page = write(results, covariates={name: {"sex": "f"} for name in NAMES})
    assert "Who is lost by this gate" in page
