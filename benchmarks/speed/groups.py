"""What the bench measures, by the words of `--only`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from speed.rows import (
    Bench,
    Row,
    compare_encoders,
    compare_precisions,
    compare_with_former_default,
    compare_with_peer,
)
from speed.trainings import compare_trainings

GROUPS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "encode": compare_encoders,
    "default": compare_with_former_default,
    "cflow": compare_with_peer,
    "precision": compare_precisions,
    "training": compare_trainings,
}

SUBJECTS = {
    "encode": "encoders on one thread",
    "default": "grading by `default`",
    "cflow": "grading by CFLOW beside anomalib",
    "precision": "bfloat16 beside single precision",
    "training": "training as published beside anomalib",
}
"""The same in words, to say what a run left out."""
