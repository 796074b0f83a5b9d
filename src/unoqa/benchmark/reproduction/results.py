"""What a reproduction has computed so far, and the tables made from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np

from unoqa.benchmark.agreement import confusion_matrix, kappa
from unoqa.benchmark.reproduction.grid import ABLATED
from unoqa.benchmark.reproduction.images import format_grade_counts
from unoqa.benchmark.reproduction.published import CLUSTERINGS, find_paper_row
from unoqa.benchmark.reproduction.score_tables import ScoreTables
from unoqa.benchmark.reproduction.tables import (
    DASH,
    REPRESENTATIONS,
    SplitCells,
    Table,
    format_kappa_accuracy,
    make_representation_table,
    make_table_1,
    make_table_2,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unoqa.benchmark.reproduction.grid import CellCache
    from unoqa.benchmark.reproduction.images import EncodedStudy
    from unoqa.benchmark.reproduction.systems import System


@final
@dataclass
class ReproductionResults:
    """What a reproduction has computed so far.

    Attributes:
        cells: the cells of all tables.
        scores: how well each system's score alone ranks the images.
        studies: by the name of a study, its images for each seed.
        notes: sentences for the reader of the report.
    """

    cells: CellCache
    scores: ScoreTables = field(default_factory=ScoreTables)
    studies: dict[str, list[EncodedStudy]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def make_tables(self, systems: Sequence[System], seeds: int) -> Iterator[Table]:
        """Yield the tables of every study and split."""
        rows = [(system.name, points, reduction) for system in systems for points, reduction in _list_points(system)]
        for name, studies in self.studies.items():
            for split in [split for split in studies[0].splits if split != "validation"]:
                cells = SplitCells(self.cells.cells, name, split, tuple(range(seeds)))
                counts = f"fitted on {len(studies[0].fit)}; tested: {format_grade_counts(studies[0].splits[split])}"
                every = [*rows, ("chance", "score", "none")]
                table_1 = make_table_1(cells, every, counts, self.scores.find_equals(name))
                majority = _make_majority_row(studies, split)
                yield Table(table_1.title, table_1.caption, table_1.head, (*table_1.rows, majority))
                for system, maps in _count_maps(cells).items():
                    yield make_table_2(cells, system, maps)
                flows = [system.name for system in systems if _has_representations(cells, system.name)]
                if flows:
                    yield make_representation_table(cells, flows)
            yield self.scores.make_table(name)
            learned = self.scores.make_learning_table(name)
            if learned is not None:
                yield learned


def _list_points(system: System) -> tuple[tuple[str, str], ...]:
    """Return the points and reductions of a system in Table 1."""
    return (("maps", "pca"), ("maps", "nmf")) if system.clusters_maps else (("score", "none"),)


def _make_majority_row(studies: Sequence[EncodedStudy], split: str) -> tuple[str, ...]:
    """Return the row of a grader that gives every image the commonest grade."""
    accuracies, kappas = [], []
    for study in studies:
        grades = study.splits[split].grades
        commonest = Counter(grades.tolist()).most_common(1)[0][0]
        predicted = np.full(len(grades), commonest)
        accuracies.append(float((grades == predicted).mean()))
        kappas.append(kappa(confusion_matrix(grades, predicted)))
    text = format_kappa_accuracy(kappas, accuracies)
    return ("majority class", DASH, *(DASH, text, text) * len(CLUSTERINGS))


def _count_maps(cells: SplitCells) -> dict[str, int]:
    """Return the systems that Table 2 has cells of, in order, and the number of their scales."""
    own = {(key.system, key.points): None for key in cells.cells if key.study == cells.study}
    counts = Counter(system for system, points in own if points.startswith("map "))
    return {system: count for system, count in counts.items() if find_paper_row(system) == ABLATED}


def _has_representations(cells: SplitCells, system: str) -> bool:
    return any(
        key.system == system and key.points == REPRESENTATIONS[0] and key.study == cells.study for key in cells.cells
    )
