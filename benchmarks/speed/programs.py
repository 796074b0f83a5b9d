"""The programs that are compared: unoqa, unoqa at an earlier commit, and anomalib; each as its users run it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from speed.process import CompletedRun, log, run
from unoqa.cli.parts.exit_status import SOME_FAILED

BEFORE = "02a45bc"
"""The commit before ONNX Runtime: the last one with an encoder engine of our own."""

PEER = "anomalib>=2.7"

PEER_PROGRAM = Path(__file__).with_name("peer_program.py")

SIZE = 320
"""Side in pixels of the images, for all programs."""


@dataclass(frozen=True)
class Unoqa:
    """`unoqa fit` and `unoqa grade` of one recipe, by the Python of an environment.

    Attributes:
        weights: of the encoder; None if the recipe needs none, or has its own.
        options: of `fit`, such as `--precision bfloat16`.
    """

    python: Path
    recipe: str
    weights: Path | None
    work: Path
    options: tuple[str, ...] = ()

    def fit(self, images: Path) -> CompletedRun:
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        weights: list[str | Path] = [] if self.weights is None else ["--encoder-weights", self.weights]
        words = [*self._unoqa("fit"), images, "-o", self._model, "--recipe", self.recipe, *weights, *self.options]
        return run([*words, "--quiet"])

    def grade(self, images: Path) -> CompletedRun:
        """Grade into a new folder, without pictures."""
        results = self.work / "results"
        shutil.rmtree(results, ignore_errors=True)
        words = [*self._unoqa("grade"), images, "-m", self._model, "-o", results, "--no-heat", "--quiet"]
        return run(words, allowed=(0, SOME_FAILED))  # few images have scores but no grade

    @property
    def _model(self) -> Path:
        return self.work / "model"

    def _unoqa(self, command: str) -> list[str | Path]:
        return [self.python.with_name("unoqa"), command]


@dataclass(frozen=True)
class Peer:
    """A flow on a ResNet-18 by anomalib's engine, in an environment of its own.

    Attributes:
        options: of the model, beside the backbone.
        epochs: for which it is trained.
    """

    python: Path
    weights: Path
    work: Path
    model: str = "Cflow"
    options: Mapping[str, object] = field(default_factory=lambda: {"layers": ["layer2", "layer3"]})
    epochs: int = 1

    def fit(self, images: Path) -> CompletedRun:
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        words = ["--weights", self.weights, "--epochs", str(self.epochs), "--output", self._checkpoint]
        return run([*self._command("fit", images), *words])

    def grade(self, images: Path) -> CompletedRun:
        output = self.work / "scores.csv"
        return run([*self._command("grade", images), "--checkpoint", self._checkpoint, "--output", output])

    @property
    def _checkpoint(self) -> Path:
        return self.work / "model.ckpt"

    def _command(self, task: str, images: Path) -> list[str | Path]:
        options = json.dumps({"backbone": "resnet18", **self.options})
        model = ["--model", self.model, "--options", options, "--size", str(SIZE)]
        return [self.python, PEER_PROGRAM, task, *model, "--images", images]


def install_before(folder: Path) -> Path:
    """Check the earlier commit out and install it into an environment of its own, once; return its Python."""
    python = folder / ".venv" / "bin" / "python"
    if not (folder / ".venv" / "installed").exists():
        log(f"Installing unoqa at {BEFORE}, once")
        if not folder.exists():
            run(["git", "-C", Path(__file__).parent, "worktree", "add", "--detach", folder.resolve(), BEFORE])
        _install(folder / ".venv", "-e", folder)
    return python


def install_peer(folder: Path) -> Path:
    """Install the peer into an environment of its own, once; return its Python."""
    if not (folder / "installed").exists():
        log(f"Installing {PEER}, once")
        _install(folder, PEER)
    return folder / "bin" / "python"


def find_versions(python: Path, names: tuple[str, ...]) -> str:
    program = f"import importlib.metadata as m; print(', '.join(f'{{n}} {{m.version(n)}}' for n in {names}))"
    return subprocess.run([python, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def _install(environment: Path, *what: str | Path) -> None:
    run([sys.executable, "-m", "venv", "--clear", environment])
    run([environment / "bin" / "python", "-m", "pip", "install", "--quiet", *what])
    (environment / "installed").touch()
