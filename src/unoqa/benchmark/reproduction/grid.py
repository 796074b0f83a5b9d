"""Which cells there are, and their computation from a system's evidence; a cell that is known is not made again."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from unoqa.benchmark.reproduction.cells import Cell, Cohort, Key
from unoqa.benchmark.reproduction.gates import f1_max
from unoqa.benchmark.reproduction.published import CLUSTERINGS
from unoqa.core.grading import Grade
from unoqa.grader.cohort import Gate
from unoqa.store.files import write_text
from unoqa.thresholds.conformal import Conformal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from unoqa.benchmark.reproduction.evidence import Evidence
    from unoqa.benchmark.reproduction.images import Graded, ReadStudy
    from unoqa.benchmark.reproduction.systems import System

F1_MAX, F1_MAX_ON_VALIDATION, CONFORMAL = "f1-max", "f1-max on validation", "conformal"

ABLATED = "CFLOW"
"""The system of the paper's Table 2."""


@final
class KnownCells:
    """Every cell made so far, on disk as soon as it is made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        lines = {line: cell for line in text.splitlines(keepends=True) if (cell := _cell(line)) is not None}
        if "".join(lines) != text:  # a line that a kill cut short would spoil the next
            write_text(path, "".join(lines))
        self._cells = dict(lines.values())
        self._all: dict[Key, Cell] = {}

    @property
    def cells(self) -> dict[Key, Cell]:
        """The cells of this run."""
        return self._all

    def find(self, key: Key, origin: str) -> Cell | None:
        """Return a cell of the same evidence, if it was made before."""
        found = self._cells.get((origin, *astuple(key)))
        if found is not None:
            self._all[key] = found
        return found

    def add(self, key: Key, origin: str, cell: Cell) -> None:
        """Keep a cell."""
        self._all[key] = cell
        with self._path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(_line((origin, *astuple(key)), cell))


@final
@dataclass(frozen=True)
class Grid:
    """The cells of one system on one study and seed."""

    system: System
    study: ReadStudy
    seed: int
    origin: str

    def fill(self, evidence: Evidence, known: KnownCells) -> None:
        """Make the cells that are not known."""
        for split, graded in self.study.splits.items():
            if split == "validation":
                continue
            for gate, threshold in self._thresholds(evidence, split, graded):
                spread = float(max(evidence.unseen.std(), 1e-9))
                scores = evidence.splits[split].scores
                cohort = Cohort(graded.grades, scores, Gate(threshold, spread))
                for points, values, reduction, clusterings in self._rows(evidence, split):
                    keys = [self._key(split, points, reduction, clustering, gate) for clustering in clusterings]
                    self._row(keys, cohort, values, known)

    def _row(self, keys: list[Key], cohort: Cohort, values: np.ndarray, known: KnownCells) -> None:
        """Make the cells that share a reduction, which is made once."""
        missing = [key for key in keys if known.find(key, self.origin) is None]
        if not missing:
            return
        reduced = cohort.reduced(values, missing[0].reduction, self.seed)
        for key in missing:
            known.add(key, self.origin, cohort.cell(reduced, key.clustering, self.seed))

    def _rows(self, evidence: Evidence, split: str) -> Iterator[tuple[str, np.ndarray, str, tuple[str, ...]]]:
        said = evidence.splits[split]
        yield "score", said.scores[:, None], "none", CLUSTERINGS
        if not self.system.mapped:
            return
        together = np.concatenate(said.maps, axis=1)
        yield "maps", together, "pca", CLUSTERINGS
        yield "maps", together, "nmf", CLUSTERINGS
        for name, values in evidence.variants.items() if split == "test" else ():
            yield name, values, "pca", CLUSTERINGS
        if self.system.name == ABLATED:
            yield "maps", together, "none", ("hierarchical",)
            for number, values in enumerate(said.maps):
                yield f"map {number}", values, "none", ("hierarchical",)
                yield f"map {number}", values, "pca", ("hierarchical",)

    def _thresholds(self, evidence: Evidence, split: str, graded: Graded) -> Iterator[tuple[str, float]]:
        yield CONFORMAL, Conformal().fit(evidence.unseen)
        yield F1_MAX, f1_max(evidence.splits[split].scores, _poor(graded))
        validation = self.study.splits.get("validation")
        if validation is not None:
            yield F1_MAX_ON_VALIDATION, f1_max(evidence.splits["validation"].scores, _poor(validation))

    def _key(self, split: str, points: str, reduction: str, clustering: str, gate: str) -> Key:
        return Key(self.study.name, split, self.seed, self.system.name, points, reduction, clustering, gate)


def _poor(graded: Graded) -> np.ndarray:
    return graded.grades != Grade.OUTSTANDING


def _line(key: tuple[object, ...], cell: Cell) -> str:
    return json.dumps({"key": key, "cell": cell.values()}) + "\n"


def _cell(line: str) -> tuple[tuple[object, ...], Cell] | None:
    """Return key and cell of a line; None where it is damaged."""
    try:
        values = json.loads(line)
        return (tuple(values["key"]), Cell(**values["cell"])) if line.endswith("\n") else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
