"""The Methods paragraph of a paper: how the grades were made, with every number and the citation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unoqa.core.grading import Grade
from unoqa.core.intervals import Share
from unoqa.report.score_in_words import describe_score, follows_paper
from unoqa.report.tables import format_interval, format_share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from unoqa.report.cohort import Cohort, ScoringModel

CITATION = (
    "Chen J, Lin L, Cheng P, Huang Y, Tang X. UNO-QA: An Unsupervised Anomaly-Aware Framework with Test-Time "
    "Clustering for OCTA Image Quality Assessment. arXiv:2212.10541, 2022."
)


def write_methods(cohort: Cohort) -> str:
    """Return the paragraph and, after an empty line, the reference."""
    return f"{' '.join(filter(None, _sentences(cohort)))}\n\nReference: {CITATION}\n"


def realised_refusal(model: ScoringModel) -> Share:
    """Return the share of outstanding images that the threshold refuses, each scored by modules that had not seen it.

    They are the images that the threshold was set on; a site's own new outstanding scans are the better test.
    """
    return Share(int((model.reference > model.threshold).sum()), len(model.reference))


def describe_split(model: ScoringModel) -> str:
    """Say in a few words how images that are not outstanding are divided."""
    facts = model.facts
    border = facts.get("border")
    at = f"; the border lies at a score of {border:.4g}" if isinstance(border, float) else ""
    if facts.get("calibration"):
        return f"a border on the score, set with labels{at}"
    split = (facts.get("settings") or {}).get("split", {})
    clustering = split.get("clustering", {}).get("choice", "clustering")
    when = "of an earlier cohort, frozen" if facts.get("split") == "settled" else "of this cohort"
    return f"{clustering} {when}{at}"


def list_values(cohort: Cohort, name: str) -> str:
    """Return a fact of the models in words: one value, or all that they have."""
    values = [str(model.facts[name]) for model in cohort.models if model.facts.get(name) is not None]
    return " and ".join(dict.fromkeys(values)) or "unknown"


def _sentences(cohort: Cohort) -> Iterator[str]:
    run, total = cohort.run, len(cohort.scans)
    calibrated = any(model.facts.get("calibration") for model in cohort.models)
    labels = "its borders between grades were set with labels" if calibrated else "uses no labels"
    adapted = any(model.facts.get("adapted") for model in cohort.models)
    learned = "unlabelled images" if adapted else "outstanding images only"
    implemented = all(follows_paper(model.facts.get("settings") or {}) for model in cohort.models)
    paper = "the method of UNO-QA (Chen et al. 2022)"
    method = paper if implemented else f"a method that begins with {paper} and has another score and split"
    yield (
        f"Image quality of {total} OCTA en-face images was graded with unoqa "
        f"{run.get('versions', {}).get('unoqa', '')}{'' if cohort.several else f' ({_name(cohort.models[0])})'}: "
        f"{method}; it learns from {learned}, and {labels}."
    )
    if cohort.several:
        yield f"Of {len(cohort.models)} models, each image was graded by the one that was fitted on such scans."
    for number, model in enumerate(cohort.models, start=1):
        if cohort.several:
            yield f"Model {number} ({_name(model)}) graded {model.facts.get('images')} of the images."
        yield from _describe(model, ("of these images", "Those") if cohort.several else ("image", "Images"))
    counts = [f"{format_share(cohort.count(grade), total)} were {grade.word}" for grade in reversed(Grade)]
    failed = cohort.count(None)
    yield (
        f"Of the {total} images, {', '.join(counts[:-1])} and {counts[-1]}"
        + (f"; {failed} had no grade." if failed else ".")
    )
    yield (
        f"Computation: {run.get('device')}, {list_values(cohort, 'precision')} precision; unoqa is for research use "
        "and is not a medical device."
    )


def _name(model: ScoringModel) -> str:
    facts = model.facts
    return f"recipe {facts.get('recipe')}, model {str(facts.get('model'))[:12]}, seed {facts.get('seed')}"


def _describe(model: ScoringModel, words: tuple[str, str]) -> Iterator[str]:
    """Say how one model was fitted and how it grades its images, which `words` name after 'each' and alone."""
    settings = model.facts.get("settings") or {}
    if adapted := model.facts.get("adapted"):
        yield (
            f"The model was adapted: it was fitted on the {adapted['fitted']} of {adapted['images']} unlabelled images "
            "that a model of another device ranked best."
        )
    elif fitted := model.facts.get("fitted"):
        yield _describe_fit(fitted, settings, len(model.reference))
    yield describe_score(settings)
    yield (
        f"Each {words[0]} received a score (higher = worse quality); an image with a score above "
        f"{model.threshold:.4g} was not outstanding."
    )
    if calibration := model.facts.get("calibration"):
        yield _describe_calibration(calibration, model)
        return
    if not adapted:
        yield _describe_threshold(model)
    yield (
        f"{words[1]} that were not outstanding were divided into two groups by clustering "
        f"({describe_split(model)}); the group with the higher mean score was called ungradable."
    )


def _describe_fit(fitted: Mapping[str, Any], settings: Mapping[str, Any], calibrated: int) -> str:
    """Say how many images the modules learned from, and how many the threshold was set on if these are others."""
    images, when = fitted["images"], fitted["date"][:10]
    if settings.get("panel", {}).get("final") == "held-out" and 0 < calibrated < images:
        return (
            f"The model was fitted on {images - calibrated} outstanding images, and its threshold was set on "
            f"{calibrated} others, on {when}."
        )
    return f"The model was fitted on {images} outstanding images on {when}."


def _describe_calibration(calibration: Mapping[str, Any], model: ScoringModel) -> str:
    kappa = calibration["kappa"]
    return (
        f"This threshold and the score above which an image was ungradable ({model.facts['border']:.4g}) were set to "
        f"agree best with the grades that people gave {calibration['images']} images; the kappa to be expected is "
        f"{kappa['after']['value']:.2f} (cross-validation; {kappa['before']['value']:.2f} with the borders before)."
    )


def _describe_threshold(model: ScoringModel) -> str:
    alpha = model.facts.get("alpha")
    if alpha is None:
        return ""
    aim = f"The threshold is conformal: it aims to refuse no more than {100 * alpha:g} % of outstanding images"
    share = realised_refusal(model)
    if not share.total:
        return f"{aim}."
    return (
        f"{aim}; of the {share.total} outstanding images on which it was set, each scored by modules that had not seen "
        f"it, {format_interval(share)} were refused (95 % interval)."
    )
