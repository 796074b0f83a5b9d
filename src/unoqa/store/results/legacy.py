"""Results folders of unoqa 0.1.0, which have `grades.csv` and `run.json` and no record."""

from __future__ import annotations

import csv
import json
import sqlite3
from typing import TYPE_CHECKING, Any

from unoqa.core.errors import ResultsError
from unoqa.core.findings import NOTHING_STANDS_OUT
from unoqa.store.formulas import unescape_formula
from unoqa.store.results.database import RECORD, migrate, transaction

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

UNFINISHED = ".unfinished"
"""Where 0.1.0 kept the journal of an unfinished run."""


def is_legacy(folder: Path) -> bool:
    """Tell whether a folder holds finished results of 0.1.0."""
    return (folder / "grades.csv").is_file() and (folder / "run.json").is_file() and not (folder / RECORD).exists()


def read_legacy(folder: Path) -> sqlite3.Connection:
    """Read results of 0.1.0 into a record in memory; the folder stays as it is.

    Raises:
        ResultsError: a file is damaged.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(connection, folder / RECORD)
    path = folder / "grades.csv"
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        with path.open(encoding="utf-8", newline="") as file, transaction(connection):
            threshold = facts.get("threshold")
            for key, value in (("facts", facts), ("threshold", threshold), ("model", facts.get("model"))):
                connection.execute("INSERT INTO meta VALUES (?, ?)", (key, json.dumps(value)))
            for position, row in enumerate(csv.DictReader(file)):
                _add(connection, position, row)
    except (OSError, ValueError, KeyError, AttributeError, TypeError, csv.Error, sqlite3.Error) as error:
        connection.close()
        raise ResultsError(
            f"{path} is not as unoqa 0.1.0 wrote it ({type(error).__name__}: {error}); grade the images again."
        ) from error
    return connection


def _add(connection: sqlite3.Connection, position: int, row: Mapping[str, Any]) -> None:
    code, _, error = unescape_formula(row["error"]).partition(": ")
    connection.execute(
        "INSERT INTO images (position, name, score, grade, certainty, error_code, error) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            position,
            unescape_formula(row["image"]),
            float(row["score"]) if row["score"] else None,
            int(row["grade_code"]) if row["grade_code"] else None,
            float(row["certainty"]) if row["certainty"] else None,
            code,
            error,
        ),
    )
    reasons = [one for one in unescape_formula(row["reasons"]).split("; ") if one and one != NOTHING_STANDS_OUT]
    connection.executemany(
        "INSERT INTO findings VALUES (?, ?, '', ?, 0, 0, '', 0, 0, 0, 0, '', 1)",
        [(position, rank, words) for rank, words in enumerate(reasons)],
    )
