"""The rows of the comparison: one of our recipes and the peer's model of the same method, with their targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

EPOCHS = (1, 2, 5, 10)
"""Lengths of the peer's training among which the best is chosen, by the images that are graded: in its favour."""

SIZE = 320
"""Side in pixels of the images, for both programs."""


@dataclass(frozen=True)
class Row:
    """One method in both programs.

    Attributes:
        recipe: ours.
        model, options: the peer's, its defaults but for what is named.
        epochs: lengths of training to choose from; a single one where the method does not train.
        fit, grade: how many times less time than the peer's is aimed at.
        memory: how many times the peer's memory is aimed at, at most.
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
"""Images a second and core that the measures alone are aimed at, at least."""

ARITHMETIC_SHARE = 0.8
"""Share of grading that is aimed to be the arithmetic of encoder and modules, at least."""

HELP_SECONDS = 1.0
"""Seconds that `unoqa --help` is aimed at, at most."""

BEYOND_MILLISECONDS = 150.0
"""Milliseconds that one image, by the default recipe, is aimed at beyond the encoder, at most."""
