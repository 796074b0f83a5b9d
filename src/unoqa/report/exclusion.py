"""Who is lost by a gate of quality: the share of each group of people that it excludes, with intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from unoqa.core.grading import Grade
from unoqa.core.intervals import Share
from unoqa.report.tables import Table, format_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.report.cohort import Cohort, Scan

Covariates = dict[str, dict[str, str]]
"""What is known of the people behind the images: by the image's name, text by the name of the covariate."""

MOST_GROUPS = 12
"""Different values up to which a covariate's values are the groups; numbers of more values are cut at quartiles."""

QUARTERS = 4

NOT_GIVEN = "not given"

NOTE = (
    "Images that each gate excludes, with Wilson's 95 % interval. Several images of one person are counted one by one, "
    "so intervals are too narrow where there are many."
)


TOO_MANY = (
    f"'{{name}}' has {{values}} different words, too many groups to compare; give {MOST_GROUPS} at most, such as "
    "regions in place of towns."
)


def make_exclusion(cohort: Cohort, covariates: Covariates) -> list[Table]:
    """Return a table for each covariate."""
    known = [scan for scan in cohort.scans if scan.grading.image in covariates]
    names = list(dict.fromkeys(name for row in covariates.values() for name in row))
    rows = [covariates[scan.grading.image] for scan in known]
    return [_make_table(name, known, [row.get(name, "") for row in rows]) for name in names]


def _make_table(name: str, scans: Sequence[Scan], values: Sequence[str]) -> Table:
    groups: dict[str, list[Scan]] = {}
    for scan, group in zip(scans, _group(values), strict=True):
        groups.setdefault(group, []).append(scan)
    header = (name, "images", "not outstanding", "ungradable or no grade")
    whole = _make_row("all", scans)
    if len(groups) > MOST_GROUPS + 1:  # one more for those where it is not given
        return Table(
            f"By {name}", header, (whole,), TOO_MANY.format(name=name, values=len(groups.keys() - {NOT_GIVEN}))
        )
    rows = [_make_row(group, groups[group]) for group in sorted(groups, key=_order)]
    return Table(f"By {name}", header, (*rows, whole), NOTE)


def _make_row(group: str, scans: Sequence[Scan]) -> tuple[str, ...]:
    """Count what two gates exclude: one that keeps outstanding images only, and one that keeps gradable ones too."""
    grades = [scan.grading.grade for scan in scans]
    strict = sum(grade is not Grade.OUTSTANDING for grade in grades)
    mild = sum(grade in (Grade.UNGRADABLE, None) for grade in grades)
    return (group, str(len(scans)), *(format_interval(Share(count, len(scans))) for count in (strict, mild)))


def _group(values: Sequence[str]) -> list[str]:
    """Name the group of each value: the value itself, or the quarter of the numbers that it lies in."""
    stripped = [value.strip() for value in values]
    given = {value for value in stripped if value}
    if len(given) <= MOST_GROUPS or not all(map(_is_number, given)):
        return [value or NOT_GIVEN for value in stripped]
    numbers = np.array([float(value) for value in stripped if value])
    ends = np.unique(np.quantile(numbers, np.linspace(0, 1, QUARTERS + 1)))
    return [_name_quarter(float(value), ends) if value else NOT_GIVEN for value in stripped]


def _name_quarter(number: float, ends: np.ndarray) -> str:
    """Name the quarter by its ends; a number on the border of two belongs to the upper one."""
    quarter = min(int(np.searchsorted(ends, number, side="right")) - 1, len(ends) - 2)
    word = "to" if quarter == len(ends) - 2 else "to below"
    return f"{ends[quarter]:g} {word} {ends[quarter + 1]:g}"


def _order(group: str) -> tuple[bool, float, str]:
    first = group.split(" ", maxsplit=1)[0]
    return group == NOT_GIVEN, float(first) if _is_number(first) else math.inf, group


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
