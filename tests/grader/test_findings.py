"""The reasons name the damage that was planted, and where it lies."""

from graphlib import TopologicalSorter

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from unoqa import EnfaceImage
from unoqa.benchmark.phantom.cohort import draw_scans
from unoqa.benchmark.phantom.contract import load_damages
from unoqa.core.findings import describe_findings
from unoqa.encoders.measures import MEASURES

WORDS = {
    "blink": {"missing area", "dark area"},
    "blur": {"blur"},
    "dim": {"missing area", "dark area", "uneven illumination", "dim", "weak signal", "capillaries lost"},
    "motion": {"motion lines", "vertical motion lines"},
    "noise": {"noise hides capillaries", "capillaries lost"},
}

PLACES = {
    "upper left": (slice(0, 130), slice(0, 130)),
    "upper right": (slice(0, 130), slice(190, 320)),
    "lower left": (slice(190, 320), slice(0, 130)),
    "lower right": (slice(190, 320), slice(190, 320)),
    "upper": (slice(0, 90), slice(0, 320)),
    "lower": (slice(230, 320), slice(0, 320)),
    "left": (slice(0, 320), slice(0, 90)),
    "right": (slice(0, 320), slice(230, 320)),
}


@pytest.fixture(scope="module")
def good():
    scans = draw_scans(outstanding=8, gradable=0, ungradable=0, seed=77)
    return [(one.pixels / np.float32(255)).astype(np.float32) for one in scans]


def find(grader, pixels):
    prepared = grader.encoders.prepare(EnfaceImage("scan.png", pixels))
    return grader.fitted.findings.find(grader.encoders.measure(prepared, grader.encoders.encode(prepared)))


def reasons(grader, pixels):
    """Return the findings of any image in words; `assess` gives an outstanding one none."""
    return describe_findings(find(grader, pixels))


@pytest.mark.parametrize("kind", WORDS)
def test_planted_damage_is_named(kind, grader, good):
    for seed, pixels in enumerate(good):
        damaged, _ = load_damages()[kind].apply(pixels, 0.5, np.random.default_rng(seed))
        named = {reason.split(" (")[0] for reason in reasons(grader, damaged)}
        assert named & WORDS[kind], (seed, named)


@pytest.mark.parametrize("width", [1.5, 3.0])
def test_a_scan_out_of_focus_is_called_blurred(width, grader, good):
    for pixels in good:
        assert any(reason.startswith("blur") for reason in reasons(grader, gaussian_filter(pixels, width)))


@pytest.mark.parametrize("place", PLACES)
def test_a_missing_part_is_the_first_reason_with_its_place(place, grader, good):
    for pixels in good[:3]:
        damaged = pixels.copy()
        damaged[PLACES[place]] = 0.01 * np.random.default_rng(0).random(damaged[PLACES[place]].shape)
        assert any(f"{words} ({place})" in reasons(grader, damaged) for words in ("missing area", "dark area"))


def test_a_dark_centre_is_called_the_centre(grader, good):
    damaged = good[0].copy()
    damaged[110:210, 110:210] *= 0.02
    assert any(one.endswith("(centre)") for one in reasons(grader, damaged))


def test_damage_all_over_is_said_to_be_all_over(grader, good):
    damaged, _ = load_damages()["contrast"].apply(good[0], 1.0, np.random.default_rng(0))
    assert any(reason.endswith("(most of the field)") for reason in reasons(grader, damaged))


def test_an_image_has_reasons_unless_it_is_outstanding(grader, clinic):
    found = [(grader.assess(image)[0], image) for image in clinic.images()]
    passed = [assessment for assessment, _ in found if grader.threshold.passes(assessment.score)]
    assert 0 < len(passed) < len(found)
    assert all(assessment.findings == () and assessment.point.size == 0 for assessment in passed)
    refused = [(assessment, image) for assessment, image in found if not grader.threshold.passes(assessment.score)]
    assert all(assessment.findings == find(grader, image.pixels) for assessment, image in refused)


def test_one_to_three_reasons_are_named(grader, clinic):
    assert all(1 <= len(reasons(grader, image.pixels)) <= 3 for image in clinic.images()[:12])


def test_a_good_scan_has_no_clear_fault(grader, good):
    said = [reasons(grader, pixels) for pixels in good]
    mild = [words for words in said if words[0].startswith(("slightly: ", "no single fault"))]
    assert len(mild) >= 6, said


def test_a_finding_has_a_value_outside_the_outstanding_range_on_its_bad_side(grader, good):
    for pixels in good:
        damaged = pixels.copy()
        damaged[:120, :120] = 0
        first = find(grader, damaged)[0]
        assert first.measure == "missing_area"
        assert first.place in ("upper left", "upper", "left")
        assert first.value > first.high >= first.low
        assert (first.direction, first.unit) == (1, "share of the area")
        assert 0.05 < first.share < 0.3
        assert first.strength > 3
        assert not first.slight


def test_a_shadow_has_one_name(grader, good):
    synonyms = {"dark area", "uneven illumination", "dim", "weak signal", "capillaries lost", "washed out"}
    for pixels in good:
        shaded = pixels.copy()
        shaded[:, :110] *= 0.3
        named = [reason.split(" (")[0] for reason in reasons(grader, shaded)]
        assert len(synonyms.intersection(named)) == 1, named


def test_two_faults_at_two_places_have_two_names(grader, good):
    for pixels in good:
        damaged = pixels.copy()
        damaged[:100, :100] = 0
        damaged[200:] = gaussian_filter(pixels, 3)[200:]
        named = {reason.split(" (")[0] for reason in reasons(grader, damaged)}
        assert {"missing area", "blur"} <= named, named


def test_what_explains_a_measure_is_a_measure_and_no_two_explain_each_other():
    explained = {name: MEASURES.load(name).explained_by for name in MEASURES.names()}
    order = list(TopologicalSorter(explained).static_order())  # raises on a cycle
    assert set(order) == set(explained)


def test_all_findings_are_wanted_of_outstanding_images_too(grader, clinic):
    found = [grader.assess(image, all_findings=True)[0] for image in clinic.images()]
    passed = [assessment for assessment in found if grader.threshold.passes(assessment.score)]
    assert any(assessment.findings for assessment in passed)
    assert all(assessment.point.size == 0 for assessment in passed)


def test_an_assessment_holds_what_is_known_of_the_image(grader, clinic):
    image = clinic.images()[0]
    assessment, _ = grader.assess(image)
    assert assessment.digest == image.digest()
    assert assessment.size == image.pixels.shape
    assert len(assessment.members) == len(grader.fitted.panel.members)


def test_the_percentile_is_a_conformal_p_value(grader):
    scores, fitted = grader.fitted.reference, grader.fitted
    assert fitted.percentile(float("inf")) == 1 / (len(scores) + 1)
    assert fitted.percentile(float("-inf")) == 1
    middle = float(np.median(scores))
    assert fitted.percentile(middle) == (1 + (scores >= middle).sum()) / (len(scores) + 1)
