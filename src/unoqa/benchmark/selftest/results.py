"""Writes a self-test: `selftest.html` to look at, `selftest.json` to compare, `selftest.csv` with every trial."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from unoqa.benchmark.selftest.page import write_page
from unoqa.benchmark.selftest.trial import SEVERITIES
from unoqa.core.errors import ResultsError
from unoqa.store.files import write_text
from unoqa.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.benchmark.selftest.run import SelfTest
    from unoqa.grader.grader import Grader

NOTE = "Synthetic damage is not real damage. For research use; not a medical device."


FILES = frozenset({"selftest.html", "selftest.json", "selftest.csv"})
"""What a folder of a self-test holds."""


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds anything else, before the work.

    Raises:
        ResultsError: it does, or it is a file.
    """
    if folder.is_file() or (folder.is_dir() and any(entry.name not in FILES for entry in folder.iterdir())):
        raise ResultsError(f"{folder} holds something that is not a self-test; name a new folder.")


def write_selftest(test: SelfTest, grader: Grader, folder: Path) -> None:
    """Write the three files into a folder."""
    model = grader.model
    facts = (
        f"Recipe {model.recipe}, fitted on {grader.fitted.report.used} images; {test.undamaged.trials} outstanding "
        f"scans damaged in {len(test.detections)} ways; unoqa {__version__}."
    )
    write_text(folder / "selftest.html", write_page(test, facts))
    write_text(folder / "selftest.json", json.dumps(_to_values(test, grader), indent=2, allow_nan=False) + "\n")
    write_text(folder / "selftest.csv", _to_csv(test))


def _to_values(test: SelfTest, grader: Grader) -> dict[str, Any]:
    values = {
        "unoqa": __version__,
        "note": NOTE,
        "model": grader.model.checksum,
        "recipe": grader.model.recipe,
        "severities": SEVERITIES,
        "undamaged": asdict(test.undamaged),
        "kinds": {one.kind: asdict(one) for one in test.detections},
    }
    return _without_nan(values)


def _without_nan(value: Any) -> Any:  # noqa: ANN401 - any value of a JSON document
    """JSON has no NaN; null stands for it."""
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _to_csv(test: SelfTest) -> str:
    text = io.StringIO()
    rows = [asdict(trial) | {"findings": "; ".join(trial.findings)} for trial in test.trials]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if value is None else value for key, value in _without_nan(row).items()} for row in rows)
    return text.getvalue()
