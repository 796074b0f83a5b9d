"""The paper's tables from cells: mean and standard deviation over the seeds, beside the published numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np

from unoqa.benchmark.reproduction.cells import Cell, Key
from unoqa.benchmark.reproduction.grid import ABLATED, CONFORMAL, F1_MAX
from unoqa.benchmark.reproduction.published import CLUSTERINGS, TABLE_2, Numbers, table_1

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NONE = "–"
"""What stands where there is nothing to show, and behind what was chosen with labels."""

LABELLED = "*"
"""What marks a figure that labels had a part in."""

F_H = ("prob", "energy", "log-energy", "quantile", "latent")
"""What of a flow may be clustered."""

HEADS = {"kmeans": "K-means", "hierarchical": "Hierarchy", "gmm": "GMM"}


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
class Measured:
    """Cells of all seeds of one study and split."""

    cells: Mapping[Key, Cell]
    study: str
    split: str
    seeds: tuple[int, ...]

    def over_seeds(self, system: str, points: str, reduction: str, clustering: str, gate: str) -> list[Cell]:
        """Return one cell a seed, or none at all where any is missing."""
        key = Key(self.study, self.split, 0, system, points, reduction, clustering, gate)
        found = [self.cells.get(replace(key, seed=seed)) for seed in self.seeds]
        return [cell for cell in found if cell is not None] if all(cell is not None for cell in found) else []


def first_table(measured: Measured, rows: Sequence[tuple[str, str, str]], mixes: str) -> Table:
    """Return Table 1: each system with each reduction and clustering, by both gates, beside the paper's numbers.

    Args:
        rows: system, points and reduction.
        mixes: how many images of each grade were tested.
    """
    head = ["low-quality module", "F_L"]
    for clustering in CLUSTERINGS:
        name = HEADS[clustering]
        head += [f"{name}: paper", f"{name}: F1-max{LABELLED}", f"{name}: conformal"]
    body = []
    for system, points, reduction in rows:
        line = [system, reduction.upper() if points == "maps" else "score"]
        for clustering in CLUSTERINGS:
            published = table_1(system, reduction, clustering, external=measured.split == "external")
            line.append(_published(published))
            for gate in (F1_MAX, CONFORMAL):
                line.append(both(measured.over_seeds(system, points, reduction, clustering, gate)))
        body.append(tuple(line))
    caption = (
        f"Kappa / accuracy in per cent, {_seeds(measured.seeds)}; tested: {mixes} outstanding / gradable / ungradable. "
        f"The paper's figures are of sOCTA-3×3-10k, whatever is tested here. {LABELLED} The threshold uses labels (the "
        "paper's F1-max); conformal uses none."
    )
    return Table(f"Table 1: {measured.study}, {measured.split} set", caption, tuple(head), tuple(body))


def second_table(measured: Measured, maps: int) -> Table:
    """Return Table 2: what each part of the method brings, by CFLOW, PCA and hierarchical clustering."""
    body = []
    for name, points, reduction in _ablations(maps):
        line = [name, _published(TABLE_2[name])]
        for gate in (F1_MAX, CONFORMAL):
            found = [measured.over_seeds(ABLATED, one, reduction, "hierarchical", gate) for one in points]
            best = found[int(np.argmax([_mean_kappa(cells) for cells in found]))]
            line.append(both(best) + (f" {NONE}" if len(points) > 1 and best else ""))
        body.append(tuple(line))
    caption = (
        f"Kappa / accuracy in per cent, {_seeds(measured.seeds)}. {LABELLED} The threshold uses labels. {NONE} The "
        "best single scale is chosen with labels, as the paper's 'optimal' one."
    )
    head = ("clustered", "paper", f"F1-max{LABELLED}", "conformal")
    return Table(f"Table 2: {measured.study}, {measured.split} set", caption, head, tuple(body))


def third_table(measured: Measured, systems: Sequence[str]) -> Table:
    """Return what each F_H is worth, of the first seed: the latents, and the kinds of map."""
    first = replace(measured, seeds=measured.seeds[:1])
    body = []
    for system in systems:
        for points in F_H:
            line = [system, points]
            for clustering in CLUSTERINGS:
                line += [
                    both(first.over_seeds(system, points, "pca", clustering, gate)) for gate in (F1_MAX, CONFORMAL)
                ]
            body.append(tuple(line))
    caption = (
        "Kappa / accuracy in per cent, one seed, by the flow of the first fold alone, reduced by PCA. `latent` has "
        f"hundreds of thousands of numbers an image. {LABELLED} The threshold uses labels."
    )
    heads = [f"{HEADS[one]}: {gate}" for one in CLUSTERINGS for gate in (f"F1-max{LABELLED}", "conformal")]
    return Table(f"F_H: {measured.study}, {measured.split} set", caption, ("module", "F_H", *heads), tuple(body))


def both(cells: Sequence[Cell]) -> str:
    """Write kappa and accuracy in per cent, with the standard deviation where there are several seeds."""
    return figure([cell.kappa for cell in cells], [cell.accuracy for cell in cells]) if cells else NONE


def figure(kappas: Sequence[float], accuracies: Sequence[float]) -> str:
    """Write the two figures of the paper's tables, of one seed or several."""
    return f"{spread(kappas)} / {spread(accuracies)}"


def spread(values: Sequence[float], *, scale: float = 100.0, digits: int = 1) -> str:
    """Write mean and standard deviation of the values that are known."""
    numbers = scale * np.array(values, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return NONE
    mean = f"{numbers.mean():.{digits}f}"
    return mean if len(numbers) == 1 else f"{mean} ± {numbers.std(ddof=1):.{digits}f}"


def _ablations(maps: int) -> list[tuple[str, list[str], str]]:
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


def _published(numbers: Numbers | None) -> str:
    return NONE if numbers is None else f"{numbers[0]:.2f} / {numbers[1]:.2f}"


def _seeds(seeds: Sequence[int]) -> str:
    return "one seed" if len(seeds) == 1 else f"mean ± standard deviation of {len(seeds)} seeds"
