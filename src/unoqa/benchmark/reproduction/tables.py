"""The paper's tables made from cells: mean and standard deviation over the seeds, beside the published numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np

from unoqa.benchmark.reproduction.cells import Cell, CellKey
from unoqa.benchmark.reproduction.grid import ABLATED, CONFORMAL, F1_MAX
from unoqa.benchmark.reproduction.published import CLUSTERINGS, TABLE_2, KappaAccuracy, look_up_table_1

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

DASH = "–"
"""Written where there is no number."""

LABEL_MARK = "*"
"""Marks a number that uses labels."""

CHOSEN_MARK = "†"
"""Marks a number of the scale that is best by the labels."""

EQUAL = 0.99
"""Spearman's correlation of two scores above which their rows are called equal in effect."""

EQUAL_MARK = "‡"
"""Marks a row that is equal in effect to another."""

REPRESENTATIONS = ("prob", "energy", "log-energy", "quantile", "latent")
"""The representations of a flow that can be clustered (the paper's F_H)."""

CLUSTERING_NAMES = {"kmeans": "K-means", "hierarchical": "Hierarchy", "gmm": "GMM"}


@final
@dataclass(frozen=True)
class Table:
    """Text in rows and columns; the first columns are names."""

    title: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@final
@dataclass(frozen=True)
class SplitCells:
    """The cells of one study and split, for several seeds.

    Attributes:
        cells: may hold cells of other studies and splits too.
    """

    cells: Mapping[CellKey, Cell]
    study: str
    split: str
    seeds: tuple[int, ...]

    def collect_seeds(self, system: str, points: str, reduction: str, clustering: str, threshold: str) -> list[Cell]:
        """Return one cell for each seed; an empty list if a seed has no such cell."""
        key = CellKey(self.study, self.split, 0, system, points, reduction, clustering, threshold)
        cells = [self.cells.get(replace(key, seed=seed)) for seed in self.seeds]
        return [cell for cell in cells if cell is not None] if all(cell is not None for cell in cells) else []


def make_table_1(
    cells: SplitCells, rows: Sequence[tuple[str, str, str]], counts: str, equals: Collection[str] = ()
) -> Table:
    """Return Table 1: every system, reduction and clustering, with both thresholds, beside the paper's numbers.

    Args:
        rows: system, points and reduction.
        counts: how many images were fitted on, and how many of each grade tested.
        equals: systems that rank the images as another row's does.
    """
    head = ["low-quality module", "F_L"]
    for clustering in CLUSTERINGS:
        name = CLUSTERING_NAMES[clustering]
        head += [f"{name}: paper", f"{name}: F1-max{LABEL_MARK}", f"{name}: conformal"]
    body = []
    for system, points, reduction in rows:
        name = f"{system} {EQUAL_MARK}" if system in equals else system
        line = [name, reduction.upper() if points == "maps" else "score"]
        for clustering in CLUSTERINGS:
            published = look_up_table_1(system, reduction, clustering, external=cells.split == "external")
            line.append(_format_published(published))
            for threshold in (F1_MAX, CONFORMAL):
                line.append(format_cells(cells.collect_seeds(system, points, reduction, clustering, threshold)))
        body.append(tuple(line))
    caption = (
        f"Kappa / accuracy in per cent, {_describe_seeds(cells.seeds)}; {counts} outstanding / "
        "gradable / ungradable. The paper's numbers are for sOCTA-3×3-10k, whichever data set is tested here. "
        f"{LABEL_MARK} The threshold uses labels (the paper's F1-max); the conformal threshold uses none."
        + (f" {EQUAL_MARK} The score ranks the images as another row's does: see Scores." if equals else "")
    )
    return Table(f"Table 1: {cells.study}, {cells.split} set", caption, tuple(head), tuple(body))


def make_table_2(cells: SplitCells, system: str, maps: int) -> Table:
    """Return Table 2: what each part of the method contributes, with CFLOW, PCA and hierarchical clustering.

    Args:
        system: the CFLOW that is taken apart.
        maps: number of its maps, one per scale.
    """
    body = []
    for name, points, reduction in _list_ablations(maps):
        line = [name, _format_published(TABLE_2[name])]
        for threshold in (F1_MAX, CONFORMAL):
            candidates = [cells.collect_seeds(system, one, reduction, "hierarchical", threshold) for one in points]
            best = candidates[int(np.argmax([_mean_kappa(seeds) for seeds in candidates]))]
            line.append(format_cells(best) + (f" {CHOSEN_MARK}" if len(points) > 1 and best else ""))
        body.append(tuple(line))
    caption = (
        f"{system}; kappa / accuracy in per cent, {_describe_seeds(cells.seeds)}. Clustered: the score (F_QS), the map "
        "of one scale (F_single) or of all scales (F_multi), as it is or reduced by PCA (FDR). "
        f"{LABEL_MARK} The threshold uses labels. "
        f"{CHOSEN_MARK} The best single scale is chosen with labels, as the paper's 'optimal' one."
    )
    head = ("clustered", "paper", f"F1-max{LABEL_MARK}", "conformal")
    trained = system.removeprefix(ABLATED)
    return Table(f"Table 2{trained}: {cells.study}, {cells.split} set", caption, head, tuple(body))


def make_representation_table(cells: SplitCells, systems: Sequence[str]) -> Table:
    """Return the table of the representations of flows, for the first seed."""
    first = replace(cells, seeds=cells.seeds[:1])
    columns = [(clustering, threshold) for clustering in CLUSTERINGS for threshold in (F1_MAX, CONFORMAL)]
    body = [
        (system, points, *(format_cells(first.collect_seeds(system, points, "pca", *column)) for column in columns))
        for system in systems
        for points in REPRESENTATIONS
    ]
    caption = (
        "Kappa / accuracy in per cent, one seed, by the flow of the first fold alone, reduced by PCA. `latent` has "
        f"hundreds of thousands of numbers per image. {LABEL_MARK} The threshold uses labels."
    )
    texts = {F1_MAX: f"F1-max{LABEL_MARK}", CONFORMAL: "conformal"}
    heads = [f"{CLUSTERING_NAMES[clustering]}: {texts[threshold]}" for clustering, threshold in columns]
    return Table(f"F_H: {cells.study}, {cells.split} set", caption, ("module", "F_H", *heads), tuple(body))


def format_cells(cells: Sequence[Cell]) -> str:
    """Write kappa and accuracy of cells that differ in the seed; a dash if there are none."""
    return format_kappa_accuracy([cell.kappa for cell in cells], [cell.accuracy for cell in cells]) if cells else DASH


def format_kappa_accuracy(kappas: Sequence[float], accuracies: Sequence[float]) -> str:
    """Write kappa and accuracy in per cent, each over one seed or several."""
    return f"{format_mean_std(kappas)} / {format_mean_std(accuracies)}"


def format_mean_std(values: Sequence[float], *, scale: float = 100.0, digits: int = 1) -> str:
    """Write mean and sample standard deviation of the values that are not NaN; of one value only the value."""
    numbers = scale * np.array(values, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return DASH
    mean = f"{numbers.mean():z.{digits}f}"
    return mean if len(numbers) == 1 else f"{mean} ± {numbers.std(ddof=1):.{digits}f}"


def _list_ablations(maps: int) -> list[tuple[str, list[str], str]]:
    """Return the rows of Table 2: name, points to choose the best from, and reduction."""
    single = [f"map {number}" for number in range(maps)]
    return [
        ("F_QS", ["score"], "none"),
        ("F_single", single, "none"),
        ("F_single + FDR", single, "pca"),
        ("F_multi", ["maps"], "none"),
        ("F_multi + FDR", ["maps"], "pca"),
    ]


def _mean_kappa(cells: list[Cell]) -> float:
    return float(np.mean([cell.kappa for cell in cells])) if cells else -np.inf


def _format_published(numbers: KappaAccuracy | None) -> str:
    return DASH if numbers is None else f"{numbers[0]:.2f} / {numbers[1]:.2f}"


def _describe_seeds(seeds: Sequence[int]) -> str:
    return "one seed" if len(seeds) == 1 else f"mean ± standard deviation of {len(seeds)} seeds"
