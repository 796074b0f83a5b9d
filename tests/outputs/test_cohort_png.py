"""The picture of a cohort shows each grade, for any mix of grades."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from unoqa.core.assessment import Assessment
from unoqa.core.errors import ResultsError
from unoqa.core.findings import Finding
from unoqa.core.grading import Grade, Grading
from unoqa.outputs.cohort_png import CohortPng, choose_examples
from unoqa.store.results import ImageEntry, Results, RunPlan, begin_run
from unoqa.store.results.folder import heat_path

DARK = Finding("black_area", "dark area", 9.0, False, "upper left", 0.2, 0.9, 0.0, 0.1, "share", 1)


def grading(name, grade, score):
    findings = () if grade in (None, Grade.OUTSTANDING) else (DARK,)
    return Grading(name, grade, score, 2.0, None if grade is None else 0.5, findings)


def cohort(outstanding=0, gradable=0, ungradable=0):
    counts = {Grade.OUTSTANDING: outstanding, Grade.GRADABLE: gradable, Grade.UNGRADABLE: ungradable}
    return [grading(f"{g.word}/{place}.png", g, float(place)) for g, count in counts.items() for place in range(count)]


def draw(gradings, folder, *, overlays=True):
    """Write a record with its images and overlays, and draw the picture."""
    folder.mkdir(exist_ok=True)
    results, images = folder / "results", folder / "images"
    entries = [ImageEntry(one.image, str(images / one.image)) for one in gradings]
    with begin_run(results, RunPlan(entries, str(images), "model", "conditions")) as run:
        for position, one in enumerate(gradings):
            if one.score is None:
                continue
            run.add(position, Assessment(one.image, one.score, "digest", findings=one.findings))
            pixels = np.random.default_rng(len(one.image)).integers(0, 256, (70, 90), dtype=np.uint8)
            (images / one.image).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(images / one.image)
            if overlays:
                overlay = heat_path(results, one.image)
                overlay.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (90, 70), (200, 40, 30)).save(overlay)
        run.finish(gradings, threshold=2.0, facts={})
    with Results.open(results) as record:
        CohortPng().write(record, folder / "cohort.png")
    return Image.open(folder / "cohort.png")


MIXES = {
    "every grade": cohort(12, 7, 6),
    "no outstanding": cohort(0, 3, 1),
    "no ungradable": cohort(2, 3, 0),
    "one image": cohort(0, 0, 1),
    "no image graded": [grading("broken.png", None, None)],
    "too few to be split": [*cohort(3), grading("refused.png", None, 3.0)],
    "names of the world": [grading("Größe/眼底 $x_1$ {}.png", Grade.GRADABLE, 3.0)],
    "a long name": [grading(f"{'x' * 200}.png", Grade.GRADABLE, 3.0)],
}


@pytest.mark.parametrize("gradings", MIXES.values(), ids=MIXES)
def test_a_picture_of_any_mix_is_a_png_of_sane_size(gradings, tmp_path):
    with draw(gradings, tmp_path) as picture:
        assert picture.format == "PNG"
        assert 600 < picture.width < 2000
        assert picture.height < 2000
    assert (tmp_path / "cohort.png").stat().st_size < 5_000_000


def test_images_and_their_heat_are_in_the_picture(tmp_path):
    with draw(cohort(1, 1, 1), tmp_path) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert (pixels == (200, 40, 30)).all(axis=1).mean() > 0.01


def test_images_that_are_not_outstanding_and_have_no_grade_are_shown(tmp_path):
    refused = [grading("refused.png", None, 3.0), grading("broken.png", None, None)]
    with draw(cohort(3), tmp_path / "a") as without, draw([*cohort(3), *refused], tmp_path / "b") as picture:
        assert picture.height > 1.5 * without.height


def test_grades_that_do_not_occur_take_no_space(tmp_path):
    with draw(cohort(0, 0, 1), tmp_path / "a") as one, draw(cohort(12, 7, 6), tmp_path / "b") as many:
        assert one.width < many.width
        white = (np.asarray(one.convert("L")) == 255).mean()
    assert white < 0.5


def test_names_stand_below_the_tiles(tmp_path):
    short, long = ([grading(name, Grade.GRADABLE, 3.0)] for name in ("i.png", "mmmmmmmmmmmmmmm.png"))
    with draw(short, tmp_path / "a") as first, draw(long, tmp_path / "b") as second:
        dark = [(np.asarray(one.convert("L")) < 100).sum() for one in (first, second)]
    assert dark[1] != dark[0]


def test_up_to_six_examples_go_evenly_from_the_best_score_to_the_worst():
    members = cohort(gradable=26)
    assert [one.score for one in choose_examples(members[::-1])] == [0, 5, 10, 15, 20, 25]
    assert choose_examples(members[:4]) == members[:4]
    assert choose_examples([]) == []


def test_a_failed_drawing_leaves_the_old_picture(tmp_path):
    (tmp_path / "cohort.png").write_bytes(b"old")
    with pytest.raises(ResultsError, match="grade the images again with heat"):
        draw(cohort(1), tmp_path, overlays=False)
    assert (tmp_path / "cohort.png").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cohort.png", "images", "results"]
