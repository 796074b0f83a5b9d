"""What the record knows of each image before grades: as it was assessed, to be copied into another record."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, final

import numpy as np

from unoqa.core.assessment import Assessment, Failure
from unoqa.core.facts import Fact, Facts
from unoqa.core.findings import Finding
from unoqa.store.results.database import RECORD, explaining_damage
from unoqa.store.results.statistics import unpack_statistics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unoqa.store.results.points import PointFile
    from unoqa.store.results.results import Results

_IMAGE = (
    "position, name, score, point, error_code, error, out_of_scope, digest, rows, columns, percentile, members, "
    "warnings, fingerprint, coalesce(model, 0), coalesce(spread, 0), statistics"
)

_FINDING = "measure, words, strength, slight, place, share, value, low, high, unit, direction"


def iterate_assessments(results: Results) -> Iterator[Assessment | Failure]:
    """Yield all that is known of each image, in their order, one at a time.

    Raises:
        ResultsError: the record cannot be read.
    """
    with explaining_damage(results.folder / RECORD):
        select = results.connection.execute
        images = select(f"SELECT {_IMAGE} FROM images ORDER BY position")
        facts = _Groups(select("SELECT position, name, value, source FROM facts ORDER BY position, name"))
        findings = _Groups(select(f"SELECT position, {_FINDING} FROM findings ORDER BY position, rank"))
        points, names = results.points(), results.read_meta("statistics", [])
        for position, *values in images:
            known = Facts(**{name: Fact(value, source) for name, value, source in facts.take(position)})
            found = tuple(_make_finding(row) for row in findings.take(position))
            statistics = unpack_statistics(values.pop(), names)
            assessed = _make_assessed(values, known, found, points)
            yield replace(assessed, statistics=statistics) if isinstance(assessed, Assessment) else assessed


def _make_assessed(
    values: list[Any], facts: Facts, findings: tuple[Finding, ...], points: PointFile
) -> Assessment | Failure:
    name, score, point, code, error, scope, digest, rows, columns, percentile, members, *rest = values
    if score is None:
        return Failure(name, code, error, facts, scope)
    warnings, fingerprint, model, spread = rest
    return Assessment(
        name,
        score,
        digest=digest,
        size=(rows, columns),
        percentile=percentile,
        members=tuple(json.loads(members)),
        point=np.empty(0) if point is None else points.read([point])[0],
        findings=findings,
        facts=facts,
        out_of_scope=scope,
        warnings=tuple(warnings.split()),
        fingerprint=fingerprint,
        model=model,
        spread=spread,
    )


def _make_finding(row: tuple[Any, ...]) -> Finding:
    measure, words, strength, slight, *rest = row
    return Finding(measure, words, strength, bool(slight), *rest)


@final
class _Groups:
    """Rows of several images, each beginning with the image's position; they are taken image by image, in order."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._groups = groupby(rows, key=lambda row: row[0])
        self._next = next(self._groups, None)

    def take(self, position: int) -> list[tuple[Any, ...]]:
        """Return the rows of an image, without its position."""
        if self._next is None or self._next[0] != position:
            return []
        rows = [row[1:] for row in self._next[1]]
        self._next = next(self._groups, None)
        return rows
