"""Which tables a reproduction ends in."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from unoqa.benchmark.agreement import confusion, kappa
from unoqa.benchmark.reproduction.grid import ABLATED
from unoqa.benchmark.reproduction.images import mix
from unoqa.benchmark.reproduction.published import CLUSTERINGS
from unoqa.benchmark.reproduction.tables import (
    F_H,
    NONE,
    Measured,
    Table,
    figure,
    first_table,
    second_table,
    third_table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unoqa.benchmark.reproduction.findings import Findings
    from unoqa.benchmark.reproduction.images import ReadStudy
    from unoqa.benchmark.reproduction.systems import System


def tables_of(findings: Findings, rows: Sequence[System], seeds: int) -> tuple[Table, ...]:
    """Return the tables of every study and split."""
    return tuple(_tables(findings, rows, seeds))


def _tables(findings: Findings, rows: Sequence[System], seeds: int) -> Iterator[Table]:
    lines = [(row.name, points, reduction) for row in rows for points, reduction in _clustered(row)]
    for name, studies in findings.studies.items():
        for split in [one for one in studies[0].splits if one != "validation"]:
            measured = Measured(findings.known.cells, name, split, tuple(range(seeds)))
            first = first_table(measured, [*lines, ("chance", "score", "none")], mix(studies[0].splits[split]))
            majority = _majority(studies, split)
            yield Table(first.title, first.caption, first.head, (*first.rows, majority))
            maps = _maps(measured)
            if maps:
                yield second_table(measured, maps)
            flows = [row.name for row in rows if _has_variants(measured, row.name)]
            if flows:
                yield third_table(measured, flows)
        yield findings.rankings.table(name)


def _clustered(row: System) -> tuple[tuple[str, str], ...]:
    return (("maps", "pca"), ("maps", "nmf")) if row.mapped else (("score", "none"),)


def _majority(studies: Sequence[ReadStudy], split: str) -> tuple[str, ...]:
    """Return the row of a grader that gives every image the commonest grade."""
    accuracies, kappas = [], []
    for study in studies:
        grades = study.splits[split].grades
        commonest = Counter(grades.tolist()).most_common(1)[0][0]
        given = np.full(len(grades), commonest)
        accuracies.append(float((grades == given).mean()))
        kappas.append(kappa(confusion(grades, given)))
    found = figure(kappas, accuracies)
    return ("majority class", NONE, *(NONE, found, found) * len(CLUSTERINGS))


def _maps(measured: Measured) -> int:
    """Count the scales of which the ablation has cells."""
    points = {key.points for key in measured.cells if key.system == ABLATED and key.study == measured.study}
    return sum(one.startswith("map ") for one in points)


def _has_variants(measured: Measured, system: str) -> bool:
    return any(key.system == system and key.points == F_H[0] and key.study == measured.study for key in measured.cells)
