"""Read what is known of the people behind the images, for the table of who is lost; it changes no grade."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.benchmark.labels import join_labels
from unoqa.benchmark.parts.names import parse_image_name
from unoqa.core.errors import ResultsError
from unoqa.store.tables.rows import read_header, read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from unoqa.report.cohort import Scan

KEYS = ("patient", "eye")
"""Columns that name an eye, where the record knows patient and eye of each image, as from a manifest."""

EYES = {"od": "right", "r": "right", "os": "left", "l": "left"}
"""Short words for an eye, and those of the record."""


def read_covariates(path: Path, scans: Sequence[Scan], patients: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the covariates of each image: by its name, text by the name of the column.

    Args:
        path: a table with a column `image`, or with `patient` and, if eyes differ, `eye`; every other column is a
            covariate.
        patients: of each scan, as the record has it; empty where it is not known.

    Raises:
        ResultsError: the table has no such column, or nothing in it belongs to the results.
    """
    if "image" in (header := read_header(path, ("image",))):
        rows = read_rows(path, header, "a CSV with a column image", ResultsError)
        named = {parse_image_name(row["image"]): _without(row, ("image",)) for _, row in rows}
        joined = join_labels((scan.grading.image for scan in scans), named)
        return {image: named[label] for image, label in joined.items()}
    header = read_header(path, KEYS) or read_header(path, KEYS[:1])
    if not header:
        raise ResultsError(f"{path} has neither a column image nor a column patient; name the images or the patients.")
    keys = [key for key in KEYS if key in header]
    rows = read_rows(path, (keys[0], *(name for name in header if name != keys[0])), "a table", ResultsError)
    of_people = {tuple(_fold(row[key]) for key in keys): _without(row, keys) for _, row in rows}
    found = {
        scan.grading.image: of_people[key]
        for scan, patient in zip(scans, patients, strict=True)
        if (key := _key(scan, patient, keys)) in of_people
    }
    if not found:
        raise ResultsError(f"No {' and '.join(keys)} of {path} is in the results; grade with a manifest that has them.")
    return found


def _key(scan: Scan, patient: str, keys: Sequence[str]) -> tuple[str, ...]:
    eye = scan.facts["laterality"].value if "laterality" in scan.facts else ""
    return tuple(_fold({"patient": patient, "eye": eye}[key]) for key in keys)


def _fold(text: str) -> str:
    folded = text.strip().casefold()
    return EYES.get(folded, folded)


def _without(row: dict[str, str], keys: Sequence[str]) -> dict[str, str]:
    return {name: value for name, value in row.items() if name not in keys and name}
