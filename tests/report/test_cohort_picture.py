"""The picture of a cohort shows each grade, for any mix of grades."""

import numpy as np
import pytest
from PIL import Image

from unoqa import EnfaceImage, Grade, Grading
from unoqa.outputs.heat import heat_path
from unoqa.report.cohort_picture import choose_examples, draw_cohort


def grading(name, grade, score):
    reasons = () if grade in (None, Grade.OUTSTANDING) else ("dark or missing area (upper left)", "blur")
    return Grading(name, grade, score, 2.0, None if grade is None else 0.5, reasons)


def cohort(outstanding=0, gradable=0, ungradable=0):
    counts = {Grade.OUTSTANDING: outstanding, Grade.GRADABLE: gradable, Grade.UNGRADABLE: ungradable}
    return [grading(f"{g.word}/{place}.png", g, float(place)) for g, count in counts.items() for place in range(count)]


def read_image(name):
    return EnfaceImage(name, np.random.default_rng(len(name)).random((70, 90), dtype=np.float32))


def draw(gradings, folder):
    for one in gradings:
        if one.score is not None:
            path = heat_path(folder, one.image)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (90, 70), (200, 40, 30)).save(path)
    draw_cohort(gradings, read_image, folder, folder / "cohort.png")
    return Image.open(folder / "cohort.png")


MIXES = {
    "every grade": cohort(12, 7, 6),
    "no outstanding": cohort(0, 3, 1),
    "no ungradable": cohort(2, 3, 0),
    "one image": cohort(0, 0, 1),
    "no image graded": [grading("broken.png", None, None)],
    "too few to be split": [*cohort(3), grading("refused.png", None, 3.0)],
    "names of the world": [grading("Größe/眼底 $x_1$ {}.png", Grade.GRADABLE, 3.0)],
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
    shown = []
    refused = [grading("refused.png", None, 3.0), grading("broken.png", None, None)]
    draw([*cohort(3), *refused], tmp_path).close()
    draw_cohort(
        [*cohort(3), *refused], lambda name: shown.append(name) or read_image(name), tmp_path, tmp_path / "c.png"
    )
    assert shown == [*(f"outstanding/{place}.png" for place in range(3)), "refused.png"]


def test_grades_that_do_not_occur_take_no_space(tmp_path):
    with draw(cohort(0, 0, 1), tmp_path) as one, draw(cohort(12, 7, 6), tmp_path) as many:
        assert one.width < many.width
        white = (np.asarray(one.convert("L")) == 255).mean()
    assert white < 0.5


def test_up_to_six_examples_go_evenly_from_the_best_score_to_the_worst():
    members = cohort(gradable=26)
    assert [one.score for one in choose_examples(members[::-1])] == [0, 5, 10, 15, 20, 25]
    assert choose_examples(members[:4]) == members[:4]
    assert choose_examples([]) == []


def test_a_failed_drawing_leaves_the_old_picture(tmp_path):
    (tmp_path / "cohort.png").write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        draw_cohort(cohort(1), read_image, tmp_path, tmp_path / "cohort.png")
    assert (tmp_path / "cohort.png").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["cohort.png"]
