"""The site report: a page to read, print and sign; it opens from disk, runs no script and asks for nothing."""

from __future__ import annotations

import math
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from unoqa.benchmark.selftest.page import describe, tabulate
from unoqa.benchmark.selftest.trial import SEVERITIES
from unoqa.core.grading import Grade
from unoqa.report.assets import render_static
from unoqa.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unoqa.benchmark.qualification.run import Qualification
    from unoqa.core.intervals import Share
    from unoqa.grader.grader import Grader, SettledGrader


def write_page(found: Qualification, model: Grader | SettledGrader, told: Mapping[str, str]) -> str:
    """Return the page as HTML.

    Args:
        told: what the user says of site and scans, by name; what is empty is left to be filled in by hand.
    """
    return render_static(
        str(__package__),
        told=told,
        facts=list_facts(model),
        refusal=describe_refusal(found),
        sentences=describe(found.selftest)[1:],
        severities=SEVERITIES,
        damage=[tabulate(one) for one in found.selftest.detections],
        tried=found.selftest.undamaged.total,
        agreement=found.agreement,
        metrics=_list_metrics(found),
        grades=[grade.word for grade in Grade],
        failures=found.failures,
    )


def list_facts(model: Grader | SettledGrader) -> dict[str, str]:
    """Return what was measured, and with what."""
    fitted, scope = model.grader.model, model.grader.model.scope
    kinds = {name.replace("_", " "): ", ".join(values) for name, values in scope.kinds.items()}
    split = "frozen (settled)" if model.frozen_split is not None else "made anew for each cohort"
    what = "images that a model of another device ranked best" if fitted.adapted else "outstanding images"
    return {
        "model (SHA-256 of its checksums)": fitted.checksum,
        "recipe": fitted.recipe,
        "fitted": f"{fitted.date[:10]}, on {model.grader.fitted.report.used} {what}",
        "slab": f"{scope.slab}, by the setting of the fit; files are asked only where they name one",
        **kinds,
        "gradable or ungradable": split,
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, by unoqa {__version__}",
        "on": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def describe_refusal(found: Qualification) -> str:
    """Say how many good scans are refused, and whether that is what the threshold promises."""
    text = f"Of {found.refused.total} outstanding scans of this site, {format_share(found.refused)} are refused."
    if found.alpha is None:
        return text
    low, high = found.refused.interval
    aim = f"The threshold aims at no more than {100 * found.alpha:g} %."
    if low > found.alpha:
        return f"{text} {aim} That is more: these scans differ from those of the fit. Find out why before you use it."
    if high < found.alpha:
        return f"{text} {aim} That is fewer, so more poor scans may pass."
    return f"{text} {aim} The interval holds that aim: these {found.refused.total} scans do not contradict it."


def format_share(share: Share) -> str:
    """Write a count, its share and interval."""
    low, high = (100 * one for one in share.interval)
    return f"{share.count} ({100 * share.value:.1f} %, 95 % interval {low:.1f} to {high:.1f} %)"


def _list_metrics(found: Qualification) -> list[tuple[str, str, str]]:
    if found.agreement is None:
        return []
    return [
        (name, _format(one.value), f"{_format(one.low)} to {_format(one.high)}")
        for name, one in found.agreement.metrics.items()
    ]


def _format(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
