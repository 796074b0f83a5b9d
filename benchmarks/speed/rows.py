"""The rows of the comparison: a recipe of unoqa, the peer's model of the same method, and the targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

EPOCHS = (1, 2, 5, 10)
"""Numbers of epochs from which the peer's best is chosen, on the images that are graded: in its favour."""

SIZE = 320
"""Side in pixels of the images, for both programs."""


@dataclass(frozen=True)
class Row:
    """One method in both programs.

    Attributes:
        recipe: of unoqa.
        model, options: of the peer; other options keep their defaults.
        epochs: numbers of epochs to choose from; one if the method does not train.
        fit, grade: target: how many times faster than the peer, at least.
        memory: target: share of the peer's memory, at most.
    """

    name: str
    recipe: str
    model: str
    options: dict[str, Any] = field(default_factory=dict)
    epochs: tuple[int, ...] = (1,)
    fit: float | None = None
    grade: float = 2.0
    memory: float = 0.5


_LAYERS_2_3 = {"backbone": "resnet18", "layers": ["layer2", "layer3"]}

ROWS = {
    "cflow": Row("CFLOW", "cflow-resnet18", "Cflow", _LAYERS_2_3, EPOCHS, fit=20.0, grade=5.0),
    "padim": Row(
        "PaDiM", "padim-resnet18", "Padim", {"backbone": "resnet18", "layers": ["layer1", "layer2", "layer3"]}
    ),
    "patchcore": Row(
        "PatchCore 1 %",
        "patchcore-resnet18",
        "Patchcore",
        {**_LAYERS_2_3, "coreset_sampling_ratio": 0.01},
        fit=5.0,
    ),
    "fastflow": Row("FastFlow", "fastflow-resnet18", "Fastflow", {"backbone": "resnet18"}, EPOCHS, fit=5.0),
}

MEASURES_RATE = 40.0
"""Target of the measures alone: images per second and core, at least."""

ARITHMETIC_SHARE = 0.8
"""Target: share of the grading time that is arithmetic of encoder and modules, at least."""

HELP_SECONDS = 1.0
"""Target of `unoqa --help`: seconds, at most."""

BEYOND_MILLISECONDS = 150.0
"""Target of one image with the recipe `default`: milliseconds without the encoder, at most."""
