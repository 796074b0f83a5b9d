"""The steps of one row: the peer's best epoch, pairs of fits and grades back to back, and the limit of arithmetic."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from speed.figures import mean_area
from speed.images import Cohort
from speed.kept import Kept
from speed.process import run
from speed.programs import Ours, Peer
from speed.rows import Row


@dataclass(frozen=True)
class Bench:
    """What every row is measured with.

    Attributes:
        kept: figures that depend on the peer alone.
        kept_of_both: figures that depend on our source too.
        epochs: in place of those that the rows name; none: theirs.
    """

    cohort: Cohort
    weights: Path
    peer_python: Path
    work: Path
    kept: Kept
    kept_of_both: Kept
    repeats: int
    epochs: tuple[int, ...] = ()

    def ours(self, recipe: str) -> Ours:
        return Ours(recipe, None if recipe == "measures" else self.weights, self.work)

    def peer(self, row: Row) -> Peer:
        return Peer(row, self.peer_python, self.weights, self.work)


def measure(row: Row, bench: Bench) -> dict[str, Any]:
    """Measure one row.

    Returns:
        its name, the areas of each epoch in each search, the epoch chosen, the pairs, and the limit.
    """
    searches = searched(row, bench)
    best = best_epoch(searches) if searches else 1
    pairs = [
        bench.kept_of_both.step(f"{row.name}: pair {number + 1}, epochs {best}", lambda: _pair(row, bench, best))
        for number in range(bench.repeats)
    ]
    limit = bench.kept_of_both.step(f"{row.name}: limit", lambda: limit_of(bench.ours(row.recipe), bench))
    return {"name": row.name, "searches": searches, "epochs": best, "pairs": pairs, "limit": limit}


def best_epoch(searches: list[dict[str, Any]]) -> int:
    """Return the epoch whose map's mean tells outstanding images best, over all searches."""
    return max(map(int, searches[0]), key=lambda epoch: mean_area(searches, epoch, "map mean", "O"))


def searched(row: Row, bench: Bench) -> list[dict[str, Any]]:
    """Return the areas after each of the epochs that the peer may be trained for; nothing where it does not train.

    The peer draws its weights anew each time, and its areas differ by more between trainings than between epochs: it
    is trained as often as there are pairs.
    """
    if len(row.epochs) == 1:
        return []
    epochs = bench.epochs or row.epochs
    return [
        bench.kept.step(
            f"{row.name}: peer's search {number + 1}, epochs {epochs}", partial(_search, row, bench, epochs)
        )
        for number in range(bench.repeats)
    ]


def _search(row: Row, bench: Bench, epochs: tuple[int, ...]) -> dict[str, Any]:
    """Train the peer once, kept after each of the epochs, and return the areas of each."""
    peer = bench.peer(row)
    peer.fit(bench.cohort.fit, epochs)
    found = {}
    for epoch in epochs:
        peer.grade(bench.cohort.grade, peer.after(epoch, epochs))
        found[str(epoch)] = peer.areas(bench.cohort)
    return found


def _pair(row: Row, bench: Bench, epochs: int) -> dict[str, Any]:
    """Run both programs' fits, then both programs' grades: what slows the machine for a while slows both."""
    ours, peer = bench.ours(row.recipe), bench.peer(row)
    fits = ours.fit(bench.cohort.fit), peer.fit(bench.cohort.fit, (epochs,))
    grades = ours.grade(bench.cohort.grade), peer.grade(bench.cohort.grade, peer.checkpoint)
    return {
        "ours": {
            "fit": fits[0].figures(),
            "grade": grades[0].figures(),
            "areas": {"own score": ours.areas(bench.cohort)},
        },
        "peer": {"fit": fits[1].figures(), "grade": grades[1].figures(), "areas": peer.areas(bench.cohort)},
    }


def limit_of(ours: Ours, bench: Bench) -> dict[str, float]:
    """Return milliseconds an image of the arithmetic alone and of whole grading, and their share, on one thread."""
    program = Path(__file__).with_name("arithmetic.py")
    said = run([sys.executable, program, ours.model, bench.cohort.grade]).said
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found
