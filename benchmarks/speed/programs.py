"""Both programs as their users run them: fit on a folder of images, grade another folder."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speed.images import Cohort
from speed.process import CompletedRun, log, run
from speed.rows import SIZE, Row
from unoqa.cli.parts.exit_status import SOME_FAILED

UNOQA = Path(sys.executable).with_name("unoqa")

PEER_PROGRAM = Path(__file__).with_name("peer_program.py")

PEER = "anomalib>=2.7"


@dataclass(frozen=True)
class Unoqa:
    """`unoqa fit` and `unoqa grade`."""

    recipe: str
    weights: Path | None
    work: Path

    @property
    def model(self) -> Path:
        return self.work / f"{self.recipe}.model"

    def fit(self, images: Path) -> CompletedRun:
        """Fit from the start: remove what an earlier fit left."""
        for path in self.work.glob(f"*{self.recipe}.model*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        weights: list[str | Path] = [] if self.weights is None else ["--encoder-weights", self.weights]
        return run([UNOQA, "fit", images, "-o", self.model, "--recipe", self.recipe, *weights, "--quiet"])

    def grade(self, images: Path, threads: int = 0) -> CompletedRun:
        """Grade into a new folder, without pictures: the peer draws none either."""
        shutil.rmtree(self._results, ignore_errors=True)
        command: list[str | Path] = [
            UNOQA,
            "grade",
            images,
            "-m",
            self.model,
            "-o",
            self._results,
            "--no-heat",
            "--quiet",
        ]
        # Images of a cohort that is too small to split have a score but no grade.
        return run([*command, "--threads", str(threads)], allowed=(0, SOME_FAILED))

    def compute_aurocs(self, cohort: Cohort) -> dict[str, float]:
        return cohort.compute_aurocs(read_column(self._results / "grades.csv", "score"))

    @property
    def _results(self) -> Path:
        return self.work / f"{self.recipe}.results"


@dataclass(frozen=True)
class Peer:
    """anomalib's engine, in an environment of its own."""

    row: Row
    python: Path
    weights: Path
    work: Path

    @property
    def checkpoint(self) -> Path:
        return self.work / f"{self.row.model}.ckpt"

    def fit(self, images: Path, epochs: tuple[int, ...]) -> CompletedRun:
        for path in self.work.glob(f"{self.row.model}.ckpt*"):
            path.unlink()
        options: list[str | Path] = [
            "--weights",
            self.weights,
            "--epochs",
            *map(str, epochs),
            "--output",
            self.checkpoint,
        ]
        return run([*self._command("fit", images), *options])

    def grade(self, images: Path, checkpoint: Path) -> CompletedRun:
        self._scores.unlink(missing_ok=True)
        return run([*self._command("grade", images), "--checkpoint", checkpoint, "--output", self._scores])

    def compute_aurocs(self, cohort: Cohort) -> dict[str, dict[str, float]]:
        """Return the AUROCs of the peer's own score and of the mean of its map."""
        return {
            "own score": cohort.compute_aurocs(read_column(self._scores, "score")),
            "map mean": cohort.compute_aurocs(read_column(self._scores, "map_mean")),
        }

    def checkpoint_after(self, epoch: int, epochs: tuple[int, ...]) -> Path:
        """Return the file of the checkpoint after one of the requested epochs."""
        return self.checkpoint if len(epochs) == 1 else Path(f"{self.checkpoint}.{epoch}")

    @property
    def _scores(self) -> Path:
        return self.work / f"{self.row.model}.csv"

    def _command(self, task: str, images: Path) -> list[str | Path]:
        model = ["--model", self.row.model, "--options", json.dumps(self.row.options), "--size", str(SIZE)]
        return [self.python, PEER_PROGRAM, task, *model, "--images", images]


def read_column(file: Path, name: str) -> dict[str, float]:
    """Read one column of scores by the file names of the images."""
    with file.open(encoding="utf-8", newline="") as lines:
        return {Path(row["image"]).name: float(row[name]) for row in csv.DictReader(lines)}


def install_peer(folder: Path) -> Path:
    """Install the peer into an environment of its own if it is not there, and return its Python."""
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        log(f"Installing {PEER} into {folder}, once")
        run([sys.executable, "-m", "venv", "--clear", folder])
        run([python, "-m", "pip", "install", "--quiet", PEER])
        (folder / "installed").touch()
    return python


def find_peer_versions(python: Path) -> dict[str, Any]:
    names = ["anomalib", "torch", "timm", "lightning"]
    program = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {names}}}))"
    return json.loads(subprocess.run([python, "-c", program], check=True, capture_output=True).stdout)
