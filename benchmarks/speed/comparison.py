"""Measure one row: the peer's best number of epochs, pairs of runs of both programs, and the limit of arithmetic."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from speed.images import Cohort
from speed.process import run
from speed.programs import Peer, Unoqa
from speed.rows import Row
from speed.step_cache import StepCache
from speed.summaries import mean_auroc


@dataclass(frozen=True)
class Bench:
    """The settings of the comparison, the same for every row.

    Attributes:
        peer_cache: results that depend on the peer only.
        cache: results that also depend on the source of unoqa.
        epochs: replace those of the rows; empty: those of the rows.
    """

    cohort: Cohort
    weights: Path
    peer_python: Path
    work: Path
    peer_cache: StepCache
    cache: StepCache
    repeats: int
    epochs: tuple[int, ...] = ()

    def unoqa(self, recipe: str) -> Unoqa:
        return Unoqa(recipe, None if recipe == "measures" else self.weights, self.work)

    def peer(self, row: Row) -> Peer:
        return Peer(row, self.peer_python, self.weights, self.work)


def measure_row(row: Row, bench: Bench) -> dict[str, Any]:
    """Measure one row.

    Returns:
        its name, the AUROCs of each epoch in each search, the epoch chosen, the pairs, and the limit.
    """
    searches = search_epochs(row, bench)
    best = choose_epoch(searches) if searches else 1
    pairs = [
        bench.cache.run(f"{row.name}: pair {number + 1}, epochs {best}", lambda: _run_pair(row, bench, best))
        for number in range(bench.repeats)
    ]
    limit = bench.cache.run(f"{row.name}: limit", lambda: measure_limit(bench.unoqa(row.recipe), bench))
    return {"name": row.name, "searches": searches, "epochs": best, "pairs": pairs, "limit": limit}


def choose_epoch(searches: list[dict[str, Any]]) -> int:
    """Return the epoch with the highest mean AUROC of outstanding images, by the mean of the map."""
    return max(map(int, searches[0]), key=lambda epoch: mean_auroc(searches, epoch, "map mean", "O"))


def search_epochs(row: Row, bench: Bench) -> list[dict[str, Any]]:
    """Return the peer's AUROCs after each number of epochs; an empty list if its method does not train.

    The peer draws new weights each time, and its AUROCs differ more between trainings than between epochs. So it is
    trained as often as there are pairs.
    """
    if len(row.epochs) == 1:
        return []
    epochs = bench.epochs or row.epochs
    return [
        bench.peer_cache.run(
            f"{row.name}: peer's search {number + 1}, epochs {epochs}", partial(_search, row, bench, epochs)
        )
        for number in range(bench.repeats)
    ]


def _search(row: Row, bench: Bench, epochs: tuple[int, ...]) -> dict[str, Any]:
    """Train the peer once, with a checkpoint after each number of epochs, and return the AUROCs of each checkpoint."""
    peer = bench.peer(row)
    peer.fit(bench.cohort.fit, epochs)
    aurocs = {}
    for epoch in epochs:
        peer.grade(bench.cohort.grade, peer.checkpoint_after(epoch, epochs))
        aurocs[str(epoch)] = peer.compute_aurocs(bench.cohort)
    return aurocs


def _run_pair(row: Row, bench: Bench, epochs: int) -> dict[str, Any]:
    """Fit with both programs, then grade with both: whatever slows the machine for a while slows both."""
    unoqa, peer = bench.unoqa(row.recipe), bench.peer(row)
    fits = unoqa.fit(bench.cohort.fit), peer.fit(bench.cohort.fit, (epochs,))
    grades = unoqa.grade(bench.cohort.grade), peer.grade(bench.cohort.grade, peer.checkpoint)
    return {
        "ours": {
            "fit": fits[0].to_dict(),
            "grade": grades[0].to_dict(),
            "aurocs": {"own score": unoqa.compute_aurocs(bench.cohort)},
        },
        "peer": {"fit": fits[1].to_dict(), "grade": grades[1].to_dict(), "aurocs": peer.compute_aurocs(bench.cohort)},
    }


def measure_limit(unoqa: Unoqa, bench: Bench) -> dict[str, float]:
    """Return milliseconds per image of the arithmetic alone and of whole grading, and their ratio, on one thread."""
    program = Path(__file__).with_name("arithmetic.py")
    output = run([sys.executable, program, unoqa.model, bench.cohort.grade]).output
    limit: dict[str, float] = json.loads(output.splitlines()[-1])
    return limit
