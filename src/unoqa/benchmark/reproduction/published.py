"""The paper's own numbers (Chen et al. 2022, arXiv 2212.10541, Tables 1 and 2), in per cent."""

from __future__ import annotations

KappaAccuracy = tuple[float, float]
"""Kappa and accuracy, in per cent."""

CLUSTERINGS = ("kmeans", "hierarchical", "gmm")
"""The clusterings in the order of the paper's columns."""

_TABLE_1_TEST: dict[tuple[str, str], tuple[KappaAccuracy, KappaAccuracy, KappaAccuracy]] = {
    ("PaDiM", "pca"): ((13.74, 49.27), (13.69, 49.31), (14.11, 49.17)),
    ("PaDiM", "nmf"): ((14.79, 50.22), (14.04, 50.15), (15.08, 49.98)),
    ("PatchCore", "pca"): ((33.94, 60.34), (17.28, 49.24), (23.26, 53.39)),
    ("PatchCore", "nmf"): ((11.33, 46.88), (15.68, 49.17), (13.93, 47.96)),
    ("FastFlow", "pca"): ((42.21, 66.98), (43.78, 67.45), (43.41, 67.59)),
    ("FastFlow", "nmf"): ((23.72, 56.46), (22.00, 56.42), (43.18, 67.42)),
    ("CFLOW", "pca"): ((46.32, 68.06), (53.29, 72.61), (43.98, 66.54)),
    ("CFLOW", "nmf"): ((52.47, 71.97), (50.51, 70.69), (47.90, 69.27)),
}

_TABLE_1_EXTERNAL: dict[tuple[str, str], tuple[KappaAccuracy, KappaAccuracy, KappaAccuracy]] = {
    ("PaDiM", "pca"): ((19.50, 46.33), (18.50, 45.67), (18.00, 45.33)),
    ("PaDiM", "nmf"): ((20.50, 47.00), (18.50, 45.67), (19.00, 46.00)),
    ("PatchCore", "pca"): ((46.00, 64.00), (45.00, 63.33), (35.00, 56.67)),
    ("PatchCore", "nmf"): ((24.00, 49.33), (26.50, 51.00), (32.00, 54.67)),
    ("FastFlow", "pca"): ((44.00, 62.67), (31.50, 54.33), (47.00, 64.67)),
    ("FastFlow", "nmf"): ((38.50, 59.00), (47.00, 64.67), (42.50, 61.67)),
    ("CFLOW", "pca"): ((44.00, 62.67), (44.50, 63.00), (45.00, 63.33)),
    ("CFLOW", "nmf"): ((45.50, 63.67), (48.50, 65.67), (45.50, 63.67)),
}

TABLE_2: dict[str, KappaAccuracy] = {
    "F_QS": (8.05, 46.78),
    "F_single": (10.34, 47.72),
    "F_single + FDR": (11.18, 48.06),
    "F_multi": (50.04, 70.66),
    "F_multi + FDR": (53.29, 72.61),
}
"""By what is clustered: the quality score (QS), the map of one scale (single) or of all (multi), without or with a
reduction of dimensions (FDR)."""


AS_PUBLISHED = ", as published"
"""Ends the name of a row that was trained as published."""


def find_paper_row(system: str) -> str:
    """Return the paper's row that a system belongs to, however it was trained."""
    return system.removesuffix(AS_PUBLISHED)


def look_up_table_1(system: str, reduction: str, clustering: str, *, external: bool) -> KappaAccuracy | None:
    """Return the published kappa and accuracy of one cell of Table 1; None if the paper does not have it."""
    row = (_TABLE_1_EXTERNAL if external else _TABLE_1_TEST).get((find_paper_row(system), reduction))
    return row[CLUSTERINGS.index(clustering)] if row and clustering in CLUSTERINGS else None
