"""How well do the programs of the bench rank the images that they graded?

    python benchmarks/bench.py --only default cflow
    python benchmarks/ranking.py

The second command reads the scores that the first one left below build/, and compares them with the grades of DATA.
Only the real images count, without those that the bench turned and mirrored. The table goes to stdout, in Markdown:
areas under the ROC curve of outstanding images (O) and of ungradable ones (U) against all others.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from bench import BUILD, SHARED
from sklearn.metrics import roc_auc_score
from speed.images import list_others

from unoqa.core.grading import Grade

SCORES = {
    "`default`": ("now/results/grades.csv", "score"),
    "`default` of the earlier commit": ("before/results/grades.csv", "score"),
    "`cflow-resnet18`": ("cflow/results/grades.csv", "score"),
    "anomalib's CFLOW after one epoch, its score (maximum)": ("peer/scores.csv", "score"),
    "the same, mean of the map": ("peer/scores.csv", "map_mean"),
}
"""Files of scores below the folder of the bench, and the column; higher is worse."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "octa")
    parser.add_argument("--work", type=Path, default=BUILD / "bench", help="where the bench worked")
    parser.add_argument("--fit", type=int, default=80, help="images that the bench fitted on")
    given = parser.parse_args()
    grades = read_column(given.data / "grades.csv", "grade")
    names = list_others(given.data, leave_out=given.fit)
    print("| program | images | O | U |\n|---|---|---|---|")
    for title, (file, column) in SCORES.items():
        if not (path := given.work / file).is_file():
            continue
        found = read_column(path, column)
        pairs = [(Grade(int(grades[name])), float(score)) for name, score in zip(names, found.values(), strict=False)]
        print(f"| {title} | {len(pairs)} | {' | '.join(map(format_area, compute_areas(pairs)))} |")


def read_column(path: Path, column: str) -> dict[str, str]:
    """Return a column of a table by the names of its images, in their order."""
    with path.open(encoding="utf-8") as file:
        values = {row["image"]: row[column] for row in csv.DictReader(file)}
    return dict(sorted(values.items()))


def compute_areas(pairs: list[tuple[Grade, float]]) -> tuple[float, float]:
    """Return the areas of outstanding and of ungradable images against all others, by their scores."""
    scores = [score for _, score in pairs]
    poorer = [grade is not Grade.OUTSTANDING for grade, _ in pairs]
    ungradable = [grade is Grade.UNGRADABLE for grade, _ in pairs]
    return float(roc_auc_score(poorer, scores)), float(roc_auc_score(ungradable, scores))


def format_area(area: float) -> str:
    return f"{area:.3f}".removeprefix("0")


if __name__ == "__main__":
    main()
