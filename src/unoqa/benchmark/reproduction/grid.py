"""Which cells a system has, and their computation from its scores; cells are cached in a file."""

from __future__ import annotations

import json
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from unoqa.benchmark.reproduction.cells import Cell, CellKey, ScoredCohort
from unoqa.benchmark.reproduction.f1_threshold import find_f1_max_threshold
from unoqa.benchmark.reproduction.published import CLUSTERINGS, find_paper_row
from unoqa.core.grading import Grade
from unoqa.store.files import write_text
from unoqa.thresholds.conformal import Conformal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from unoqa.benchmark.reproduction.images import EncodedStudy, GradedSplit
    from unoqa.benchmark.reproduction.scores import SystemScores
    from unoqa.benchmark.reproduction.systems import System

F1_MAX, F1_MAX_ON_VALIDATION, CONFORMAL = "f1-max", "f1-max on validation", "conformal"
"""How a threshold is chosen."""

ABLATED = "CFLOW"
"""The row of the paper's Table 2, which takes the method apart."""


@final
class CellCache:
    """Cells in a JSON-lines file, one line a cell, written as soon as the cell is computed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        lines = {line: parsed for line in text.splitlines(keepends=True) if (parsed := _parse_line(line)) is not None}
        if "".join(lines) != text:  # a line cut short by a kill would spoil the next line
            write_text(path, "".join(lines))
        self._on_disk = dict(lines.values())
        self._cells: dict[CellKey, Cell] = {}

    @property
    def cells(self) -> dict[CellKey, Cell]:
        """The cells that this run found or added."""
        return self._cells

    def find(self, key: CellKey, inputs_key: str) -> Cell | None:
        """Return the cell if it was computed before from the same inputs."""
        cell = self._on_disk.get((inputs_key, *astuple(key)))
        if cell is not None:
            self._cells[key] = cell
        return cell

    def add(self, key: CellKey, inputs_key: str, cell: Cell) -> None:
        """Keep a cell."""
        self._cells[key] = cell
        with self._path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(_format_line((inputs_key, *astuple(key)), cell))


@final
@dataclass(frozen=True)
class CellGrid:
    """The cells of one system on one study and seed.

    Attributes:
        inputs_key: stands for all that the cells depend on: scores, reference grades, settings and library versions.
    """

    system: System
    study: EncodedStudy
    seed: int
    inputs_key: str

    def fill(self, scores: SystemScores, cache: CellCache) -> None:
        """Compute the cells that are not in the cache."""
        std = float(max(scores.held_out.std(), 1e-9))
        for split, graded in self.study.splits.items():
            if split == "validation":
                continue
            for threshold, value in self._choose_thresholds(scores, split, graded):
                cohort = ScoredCohort(graded.grades, scores.splits[split].scores, value, std)
                for points, values, reduction, clusterings in self._list_points(scores, split):
                    keys = [self._make_key(split, points, reduction, name, threshold) for name in clusterings]
                    self._fill_row(keys, cohort, values, cache)

    def _fill_row(self, keys: list[CellKey], cohort: ScoredCohort, values: np.ndarray, cache: CellCache) -> None:
        """Compute the cells that share a reduction; reduce once."""
        missing = [key for key in keys if cache.find(key, self.inputs_key) is None]
        if not missing:
            return
        reduced = cohort.reduce(values, missing[0].reduction, self.seed)
        for key in missing:
            cache.add(key, self.inputs_key, cohort.make_cell(reduced, key.clustering, self.seed))

    def _list_points(self, scores: SystemScores, split: str) -> Iterator[tuple[str, np.ndarray, str, tuple[str, ...]]]:
        """Yield name and values of the points, a reduction, and the clusterings to use with it."""
        split_scores = scores.splits[split]
        yield "score", split_scores.scores[:, None], "none", CLUSTERINGS
        if not self.system.clusters_maps:
            return
        all_maps = np.concatenate(split_scores.maps, axis=1)
        yield "maps", all_maps, "pca", CLUSTERINGS
        yield "maps", all_maps, "nmf", CLUSTERINGS
        for name, values in scores.representations.items() if split == "test" else ():
            yield name, values, "pca", CLUSTERINGS
        if find_paper_row(self.system.name) == ABLATED:
            yield "maps", all_maps, "none", ("hierarchical",)
            for number, values in enumerate(split_scores.maps):
                yield f"map {number}", values, "none", ("hierarchical",)
                yield f"map {number}", values, "pca", ("hierarchical",)

    def _choose_thresholds(self, scores: SystemScores, split: str, graded: GradedSplit) -> Iterator[tuple[str, float]]:
        """Yield how a threshold is chosen, and its value."""
        yield CONFORMAL, Conformal().fit(scores.held_out)
        yield F1_MAX, find_f1_max_threshold(scores.splits[split].scores, _is_poor(graded))
        validation = self.study.splits.get("validation")
        if validation is not None:
            value = find_f1_max_threshold(scores.splits["validation"].scores, _is_poor(validation))
            yield F1_MAX_ON_VALIDATION, value

    def _make_key(self, split: str, points: str, reduction: str, clustering: str, threshold: str) -> CellKey:
        return CellKey(self.study.name, split, self.seed, self.system.name, points, reduction, clustering, threshold)


def _is_poor(graded: GradedSplit) -> np.ndarray:
    return graded.grades != Grade.OUTSTANDING


def _format_line(key: tuple[object, ...], cell: Cell) -> str:
    return json.dumps({"key": key, "cell": asdict(cell)}) + "\n"


def _parse_line(line: str) -> tuple[tuple[object, ...], Cell] | None:
    """Return key and cell of a line; None if the line is damaged."""
    try:
        values = json.loads(line)
        return (tuple(values["key"]), Cell(**values["cell"])) if line.endswith("\n") else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
