"""Monitoring says what has moved, where, and since when; and nothing if nothing has."""

import json
import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from browser import browser, open_page
from unoqa.benchmark.monitoring.drift import (
    ALPHA,
    compare,
    compute_stability_index,
    correct,
    find_movements,
)
from unoqa.benchmark.monitoring.page import write_page
from unoqa.benchmark.monitoring.periods import ALL, Period, group_images
from unoqa.benchmark.monitoring.results import FILES, write_monitoring
from unoqa.benchmark.monitoring.run import Monitoring
from unoqa.benchmark.monitoring.words import NOTHING, Words
from unoqa.core.assessment import Assessment
from unoqa.core.errors import ResultsError, UsageError
from unoqa.core.facts import Fact, Facts
from unoqa.encoders.measures import MEASURES
from unoqa.grader.content import NAMES
from unoqa.grader.statistics import CohortStatistics
from unoqa.store.files import refuse_others

__all__ = ["browser"]

MONDAY = date(2027, 3, 1)

MEMBERS = ({"module": {"channels": ["row_steps"]}, "encoder": {"choice": "measures"}},)


NUMBERS = ("score", "brightness", "rows", "columns", "member_1", "oblique_2")


def numbers(rows, shift=0.0, images=60, seed=0):
    """Return numbers of images; the second has moved by `shift`, and the size is always the same."""
    values = np.random.default_rng((seed, rows)).normal(0, 1, (images, len(NUMBERS)))
    values[:, 1] += shift
    values[:, 2:4] = 320
    return CohortStatistics(NUMBERS, values.astype(np.float32))


def weeks(shifts, group=ALL):
    return [
        Period(group, MONDAY + timedelta(weeks=number), MONDAY + timedelta(weeks=number), numbers(number + 1, shift))
        for number, shift in enumerate(shifts)
    ]


REFERENCE = numbers(0, images=200)


def make_monitoring(periods, reference=REFERENCE, notes=()):
    comparisons = compare(reference, periods)
    movements, words = find_movements(comparisons), Words(reference, 1.28, MEMBERS)
    return Monitoring("0" * 64, reference, comparisons, movements, words, "Some images.", tuple(notes))


def image(number, *, day=None, device=None, site=None):
    known = {"acquired": day, "device": device, "site": site}
    facts = Facts(**{key: Fact(value, "manifest") for key, value in known.items() if value is not None})
    return Assessment(f"{number}.png", 1.0, digest=str(number), facts=facts, statistics={"brightness": float(number)})


def test_the_stability_index_is_that_of_the_formula():
    usual, recent = np.repeat(np.arange(10.0), 10), np.repeat(np.arange(10.0), [20, *[10] * 8, 0])
    shares = (np.array([20, *[10] * 8, 0]) + 0.5) / 105
    expected = sum((share - 0.1) * math.log(share / 0.1) for share in shares)
    assert compute_stability_index(usual, recent) == pytest.approx(expected)
    assert compute_stability_index(usual, usual) == 0


def test_the_correction_is_that_of_benjamini_and_hochberg():
    ps = np.array([[0.001, 0.5], [0.02, 0.03]])
    ordered = np.array([0.001, 0.02, 0.03, 0.5]) * 4 / np.arange(1, 5)
    expected = np.minimum.accumulate(ordered[::-1])[::-1]
    assert correct(ps) == pytest.approx([expected[0], expected[1]])
    assert correct(np.empty((0, 2))).shape == (0,)


def test_how_often_a_number_is_higher_is_counted_in_pairs():
    (period,) = weeks([0.7])
    found = {one.statistic: one for one in compare(REFERENCE, [period])}
    pairs = period.cohort.column("brightness")[:, None] - REFERENCE.column("brightness")
    assert found["brightness"].higher == pytest.approx(float((pairs > 0).mean() + (pairs == 0).mean() / 2))
    assert found["rows"].higher == 0.5
    assert found["rows"].p == 1


@pytest.mark.requirement("R16")
def test_images_that_have_not_changed_raise_an_alarm_as_rarely_as_promised():
    alarms = 0
    for seed in range(400):
        period = Period(ALL, None, None, numbers(1, seed=seed))
        alarms += any(one.alarm for one in compare(numbers(0, images=200, seed=seed), [period]))
    assert alarms <= 400 * ALPHA + 3 * math.sqrt(400 * ALPHA)


@pytest.mark.requirement("R16")
def test_what_has_moved_is_found_with_the_week_since_when():
    movements = find_movements(compare(REFERENCE, weeks([0, 0, 1.5, 1.5])))
    assert [one.latest.statistic for one in movements] == ["brightness"]
    assert movements[0].since.first == MONDAY + timedelta(weeks=2)
    assert movements[0].lasts


def test_what_has_moved_and_come_back_is_told_apart():
    (movement,) = find_movements(compare(REFERENCE, weeks([1.5, 0, 1.5, 1.5, 0])))
    assert movement.since.first == MONDAY + timedelta(weeks=2)
    assert movement.latest.period.first == MONDAY + timedelta(weeks=3)
    assert not movement.lasts
    (sentence,) = Words(REFERENCE, 1.28, MEMBERS).describe([movement])
    assert "from the week of 15 March 2027 to the week of 22 March 2027" in sentence


def test_beyond_its_limit_every_point_is_an_alarm():
    for one in compare(REFERENCE, weeks([0, 0.3, 0.6, 0.9, 1.2])):
        assert one.alarm or abs(one.higher - 0.5) <= one.limit


def test_sentences_name_device_measure_direction_and_week():
    periods = [*weeks([0, -1.5], "Cirrus"), *weeks([0, 0], "Solix")]
    sentences = make_monitoring(periods).sentences
    assert len(sentences) == 1
    assert sentences[0].startswith("Cirrus: brightness is lower (dim) since the week of 8 March 2027: by 8")
    assert make_monitoring(weeks([0])).sentences == [NOTHING]


def test_sentences_about_size_and_score():
    names = ("rows", "score", "member_1", "oblique_2", "saturation")
    usual = CohortStatistics(names, np.tile(np.float32([320, 0, 0, 0, 0]), (50, 1)))
    recent = CohortStatistics(names, np.tile(np.float32([240, 2, 2, 2, 0.25]), (50, 1)))
    monitoring = make_monitoring([Period(ALL, None, None, recent)], usual)
    assert monitoring.sentences == [
        "The height of the images is 240 pixels, not 320.",
        "Saturation is higher (overexposed): the median is 25.0%, in the reference 0.0%.",
        "Scores are worse: 100% of the images are refused, in the reference 0%.",
        "2 more numbers have moved: score of row steps, oblique lines (2).",
    ]


def test_every_number_has_a_name():
    words = Words(REFERENCE, 1.28, MEMBERS)
    names = [words.name(one) for one in (*NAMES, *MEASURES.names(), "score", "rows", "columns", "member_1")]
    assert len(set(names)) == len(names)
    assert not any("_" in one for one in names)


def test_weeks_with_few_images_are_put_together_and_the_last_ones_wait():
    days = [*["2027-03-03"] * 8, *["2027-03-10"] * 13, *["2027-03-17T10:00:00"] * 30, *["2027-03-22"] * 5]
    recent = group_images([image(number, day=day) for number, day in enumerate(days)], "week")
    assert [(one.name, len(one.cohort)) for one in recent.periods] == [
        ("weeks of 1 March 2027 to 8 March 2027", 21),
        ("week of 15 March 2027", 30),
    ]
    assert recent.notes == ("all images: the last 5 images wait until there are 20 to compare.",)


def test_images_without_a_date_or_device_are_named():
    images = [image(number, device="Cirrus", day="2027-03-03") for number in range(20)]
    images += [image(number + 20, device="Cirrus", day="3.3.2027") for number in range(2)]
    images += [image(number + 30, device="Cirrus") for number in range(3)]
    images += [image(number + 40) for number in range(4)]
    recent = group_images(images, "device")
    assert [(one.group, len(one.cohort)) for one in recent.periods] == [("Cirrus", 20)]
    assert recent.notes == (
        "Cirrus: 2 images have the date '3.3.2027', which is none; write 2026-03-12 in the manifest and grade again.",
        "Cirrus: 3 images have no date and are in no week.",
        "device not known: 4 images, too few to compare (20 are needed).",
    )


def test_images_without_any_date_are_one_period():
    recent = group_images([image(number, site="Bern") for number in range(25)], "site")
    assert [(one.group, one.name, len(one.cohort)) for one in recent.periods] == [("Bern", "all dates", 25)]


def test_too_few_images_are_refused():
    with pytest.raises(UsageError, match=r"at least 20 images of one group, .* too few: all images 19; name results"):
        group_images([image(number) for number in range(19)], "week")


def test_numbers_that_an_image_lacks_are_left_out():
    some = [image(0), replace(image(1), statistics={}), replace(image(2), statistics={"brightness": math.nan})]
    assert "brightness" in CohortStatistics.of(some[:1]).names
    assert "brightness" not in CohortStatistics.of(some[:2]).names
    assert "brightness" not in CohortStatistics.of(some[::2]).names
    assert CohortStatistics.of([]).values.shape == (0, 0)


def test_a_large_cohort_is_thinned_evenly():
    large = CohortStatistics(("score",), np.arange(5000, dtype=np.float32)[:, None])
    assert len(large.thin()) == 2000
    assert large.thin().column("score")[[0, -1]].tolist() == [0, 4999]
    assert len(REFERENCE.thin()) == len(REFERENCE)


def test_the_files_of_a_monitoring(tmp_path):
    refuse_others(tmp_path / "new", FILES, "a monitoring")
    write_monitoring(make_monitoring(weeks([0, 1.5])), tmp_path / "new")
    refuse_others(tmp_path / "new", FILES, "a monitoring")
    assert {path.name for path in (tmp_path / "new").iterdir()} == FILES
    values = json.loads((tmp_path / "new" / "monitor.json").read_text(encoding="utf-8"))
    assert values["alarm"]
    assert values["moved"] == [
        {"group": ALL, "number": "brightness", "direction": "higher", "since": "2027-03-08", "lasts": True}
    ]
    assert len(values["comparisons"]) == 2 * len(REFERENCE.names)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.doc").touch()
    (tmp_path / ".DS_Store").touch()
    with pytest.raises(ResultsError, match="holds something that is not a monitoring"):
        refuse_others(tmp_path, FILES, "a monitoring")


def test_the_page_runs_nothing_asks_nothing_and_escapes_what_it_shows():
    page = write_page(make_monitoring(weeks([0, 1.5], "<script>x</script>"), notes=["<b>note</b>"]))
    assert "<script" not in page
    assert "&lt;script&gt;x&lt;/script&gt;: brightness is higher" in page
    assert "<b>" not in page
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 800])
def test_the_page_can_be_used_by_everyone(browser, scheme, width, tmp_path):
    write_monitoring(make_monitoring([*weeks([0, 1.5], "Cirrus"), *weeks([0, 0], "Solix")]), tmp_path / "new")
    with open_page(browser, color_scheme=scheme, viewport={"width": width, "height": 900}) as watched:
        watched.page.goto((tmp_path / "new" / "monitor.html").as_uri())
        watched.page.locator("summary").first.click()
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        assert watched.violations() == []
        assert watched.errors == []
