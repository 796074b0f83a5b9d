"""Writes a self-test: `selftest.html` to look at, `selftest.json` to compare, `selftest.csv` with every trial."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from unoqa.benchmark.selftest.page import write_page
from unoqa.benchmark.selftest.trial import SEVERITIES, Trial
from unoqa.store.files import write_text
from unoqa.store.formulas import escape_formula
from unoqa.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.benchmark.selftest.detection import DamageSeen
    from unoqa.benchmark.selftest.run import SelfTest
    from unoqa.grader.grader import Grader

NOTE = "Synthetic damage is not real damage. For research use; not a medical device."


FILES = frozenset({"selftest.html", "selftest.json", "selftest.csv"})
"""What a folder of a self-test holds."""


def write_selftest(test: SelfTest, grader: Grader, folder: Path) -> None:
    """Write the three files into a folder."""
    model = grader.model
    facts = (
        f"Recipe {model.recipe}, fitted on {grader.fitted.report.used} images; {test.undamaged.total} outstanding "
        f"scans damaged in {len(test.detections)} ways; unoqa {__version__}."
    )
    write_text(folder / "selftest.html", write_page(test, facts))
    write_text(folder / "selftest.json", json.dumps(_to_values(test, grader), indent=2, allow_nan=False) + "\n")
    write_text(folder / "selftest.csv", _to_csv(test))


def _to_values(test: SelfTest, grader: Grader) -> dict[str, Any]:
    return {
        "unoqa": __version__,
        "note": NOTE,
        "model": grader.model.checksum,
        "recipe": grader.model.recipe,
        "severities": SEVERITIES,
        "undamaged": test.undamaged.to_values(),
        "kinds": {one.kind: _seen_to_values(one) for one in test.detections},
    }


def _seen_to_values(seen: DamageSeen) -> dict[str, Any]:
    return {
        "refused": [share.to_values() for share in seen.refused],
        "named": None if seen.named is None else [share.to_values() for share in seen.named],
        "place": [None if math.isnan(place) else place for place in seen.place],
        "seen_from": seen.seen_from,
    }


def _to_csv(test: SelfTest) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [one.name for one in fields(Trial)], lineterminator="\n")
    writer.writeheader()
    for trial in test.trials:
        name, findings = escape_formula(trial.image), escape_formula("; ".join(trial.findings))
        place = "" if math.isnan(trial.place) else trial.place
        writer.writerow(asdict(trial) | {"image": name, "findings": findings, "place": place})
    return text.getvalue()
