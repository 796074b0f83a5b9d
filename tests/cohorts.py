"""Records of made-up images, for the tests of pages."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from unoqa.core.assessment import Assessment, Failure
from unoqa.core.facts import Fact, Facts
from unoqa.core.findings import Finding
from unoqa.core.grading import Grade, Grading
from unoqa.grader.overlay import blend_heat
from unoqa.store.results import ImageEntry, RunPlan, begin_run
from unoqa.store.results.folder import heat_path

THRESHOLD, BORDER = 1.0, 2.0

UNSURE_BELOW = 0.25
"""Of these made-up certainties, which are distances."""

FACTS = {
    "versions": {"unoqa": "0.1.0"},
    "recipe": "measures",
    "model": "0" * 64,
    "seed": 0,
    "alpha": 0.1,
    "border": BORDER,
    "fitted": {"images": 60, "date": "2026-11-29"},
    "settings": {"members": [], "split": {"clustering": {"choice": "kmeans"}}},
    "split": "cohort",
    "warnings": [],
    "device": "cpu",
    "precision": "single",
    "finished": "2026-11-29T12:00:00+00:00",
}

WORDS = ("blur", "motion lines", "weak signal")


def make_grading(number, name, score):
    """Grade by the score: certainty is the distance from the nearer border."""
    grade = Grade.OUTSTANDING if score <= THRESHOLD else Grade.GRADABLE if score <= BORDER else Grade.UNGRADABLE
    words = WORDS[number % len(WORDS)]
    finding = Finding(words, words, 4.0, False, "upper left", 0.25, 0.4, 0.1, 0.2, "share", 1)
    findings = () if grade is Grade.OUTSTANDING else (finding,)
    certainty = min(1.0, abs(score - THRESHOLD), abs(score - BORDER))
    return Grading(name, grade, score, THRESHOLD, certainty, findings, percentile=0.5, unsure=certainty < UNSURE_BELOW)


SEVERAL = {
    **FACTS,
    **dict.fromkeys(("recipe", "seed", "alpha", "border", "fitted", "settings", "split", "precision", "threshold")),
    "models": [
        {**FACTS, "model": f"{number}" * 64, "seed": number, "threshold": THRESHOLD, "images": 20} for number in (1, 2)
    ],
}
"""Facts of a run with two models, of which nothing is alike."""


def write_cohort(folder, names, *, failed=(), scores=None, devices=("A", "B"), facts=FACTS):
    """Write a record; every image is named and has a device and an eye, failed ones have an error."""
    models = len(facts.get("models", [0]))
    generator = np.random.default_rng(0)
    scores = generator.uniform(0, 3, len(names)) if scores is None else scores
    gradings = [
        Grading(name, None, None, THRESHOLD, None, error="unreadable: The file is no image; export it again.")
        if name in failed
        else make_grading(number, name, float(scores[number]))
        for number, name in enumerate(names)
    ]
    images = folder.parent / "images"
    entries = [ImageEntry(name, str(images / f"{number}.png")) for number, name in enumerate(names)]
    with begin_run(folder, RunPlan(entries, str(images), "model", "conditions")) as run:
        for number, grading in enumerate(gradings):
            run.add(number, _assess(number, grading, generator, devices, number % models))
        references = [generator.uniform(0, 1.1, 60).tolist() for _ in range(models)]
        run.finish(gradings, threshold=[THRESHOLD] * models, facts=facts, references=references)
    return folder


def draw_images(folder, names, *, size=64, heat=True):
    """Draw the images of such a record, a few different ones many times, and their overlays."""
    images = folder.parent / "images"
    images.mkdir(exist_ok=True)
    rows, columns = np.mgrid[:size, :size] / size
    spot = 5 * np.exp(-8 * ((rows - 0.3) ** 2 + (columns - 0.6) ** 2))
    drawn = [
        0.5 + 0.3 * np.sin((8 + number) * columns + 5 * rows) + 0.1 * np.cos(90 * rows * columns) for number in range(7)
    ]
    files = [_encode(np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)) for pixels in drawn]
    overlays = [_encode(blend_heat(pixels, spot)) for pixels in drawn]
    for number, name in enumerate(names):
        (images / f"{number}.png").write_bytes(files[number % 7])
        if heat:
            path = heat_path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(overlays[number % 7])


def _encode(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def _assess(number, grading, generator, devices, model):
    if grading.score is None:
        code, _, sentence = grading.error.partition(": ")
        return Failure(grading.image, code, sentence)
    facts = Facts(
        device=Fact(devices[number % len(devices)], "DICOM"),
        laterality=Fact(("right", "left")[number // 2 % 2], "DICOM"),
        patient=Fact(f"secret-{number // 4}", "manifest"),
    )
    return Assessment(
        grading.image,
        grading.score,
        digest="x",
        size=(64, 64),
        percentile=grading.percentile,
        members=tuple(generator.normal(grading.score, 1, 4).tolist()),
        findings=grading.findings,
        facts=facts,
        warnings=("other-size",) if number == 3 else (),
        model=model,
    )
