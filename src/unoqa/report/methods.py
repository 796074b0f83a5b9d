"""The Methods paragraph of a paper: how the grades were made, with every number and the citation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.core.grading import Grade
from unoqa.core.intervals import Share
from unoqa.report.tables import format_interval, format_share

if TYPE_CHECKING:
    from unoqa.report.cohort import Cohort

CITATION = (
    "Chen J, Lin L, Cheng P, Huang Y, Tang X. UNO-QA: An Unsupervised Anomaly-Aware Framework with Test-Time "
    "Clustering for OCTA Image Quality Assessment. arXiv:2212.10541, 2022."
)


def write_methods(cohort: Cohort) -> str:
    """Return the paragraph and, after an empty line, the reference."""
    return f"{' '.join(filter(None, _sentences(cohort)))}\n\nReference: {CITATION}\n"


def realised_refusal(cohort: Cohort) -> Share:
    """Return the share of outstanding images that the threshold refuses, each scored by modules that had not seen it.

    They are the images that the threshold was set on; a site's own new outstanding scans are the better test.
    """
    return Share(int((cohort.reference > cohort.threshold).sum()), len(cohort.reference))


def describe_split(cohort: Cohort) -> str:
    """Say in a few words how images that are not outstanding are divided."""
    run = cohort.run
    clustering = run.get("settings", {}).get("split", {}).get("clustering", {}).get("choice", "clustering")
    when = "of an earlier cohort, frozen" if run.get("split") == "settled" else "of this cohort"
    border = run.get("border")
    at = f"; the border lies at a score of {border:.4g}" if isinstance(border, float) else ""
    return f"{clustering} {when}{at}"


def _sentences(cohort: Cohort) -> tuple[str, ...]:
    run, total = cohort.run, len(cohort.scans)
    version = run.get("versions", {}).get("unoqa", "")
    counts = [f"{format_share(cohort.count(grade), total)} were {grade.word}" for grade in reversed(Grade)]
    failed = cohort.count(None)
    return (
        f"Image quality of {total} OCTA en-face images was graded with unoqa {version} (recipe {run.get('recipe')}, "
        f"model {str(run.get('model'))[:12]}, seed {run.get('seed')}), an implementation of UNO-QA (Chen et al. 2022) "
        "that learns from outstanding images only and uses no labels.",
        _describe_fit(cohort),
        "Each image received a score (higher = worse quality); an image with a score above "
        f"{cohort.threshold:.4g} was not outstanding.",
        _describe_threshold(cohort),
        "Images that were not outstanding were divided into two groups by clustering "
        f"({describe_split(cohort)}); the group with the higher mean score was called ungradable.",
        f"Of the {total} images, {', '.join(counts[:-1])} and {counts[-1]}"
        + (f"; {failed} had no grade." if failed else "."),
        f"Computation: {run.get('device')}, {run.get('precision')} precision; unoqa is for research use and is not a "
        "medical device.",
    )


def _describe_fit(cohort: Cohort) -> str:
    fitted = cohort.run.get("fitted")
    return f"The model was fitted on {fitted['images']} outstanding images on {fitted['date'][:10]}." if fitted else ""


def _describe_threshold(cohort: Cohort) -> str:
    alpha = cohort.run.get("alpha")
    if alpha is None:
        return ""
    aim = f"The threshold is conformal: it aims to refuse no more than {100 * alpha:g} % of outstanding images"
    if not len(cohort.reference):
        return f"{aim}."
    share = realised_refusal(cohort)
    return (
        f"{aim}; of the {share.total} outstanding images on which it was set, each scored by modules that had not seen "
        f"it, {format_interval(share)} were refused (95 % interval)."
    )
