"""The supervised references beside the tables: the ceiling, cross-validated on the test split's own labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from unoqa.benchmark.agreement import confusion, kappa
from unoqa.benchmark.reproduction.cells import ranking
from unoqa.benchmark.reproduction.tables import LABELLED, Table, figure, spread
from unoqa.benchmark.supervised import REFERENCES, Specimens
from unoqa.benchmark.supervised.finetuned import Finetuned
from unoqa.benchmark.supervised.parts.cross_validation import cross_validated, scores
from unoqa.benchmark.supervised.parts.saliency import saliency_features
from unoqa.store.workspace import make_key

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.benchmark.reproduction.images import Graded, Library, ReadStudy
    from unoqa.benchmark.supervised import Reference
    from unoqa.core.progress import Progress
    from unoqa.encoders.timm import Timm
    from unoqa.store.workspace import FolderCheckpoints


@final
@dataclass(frozen=True)
class Ceiling:
    """The references, on one learned encoder."""

    encoder: Timm
    weights: Path | None
    library: Library

    def table(self, studies: list[ReadStudy], kept: FolderCheckpoints, progress: Progress) -> Table:
        """Return what labels can reach on the test split of one study; one row a reference, each seed its own split."""
        references = {name: self._reference(name) for name in REFERENCES.names()}
        figures: dict[str, list[tuple[float, ...]]] = {name: [] for name in references}
        for seed, study in enumerate(studies):
            specimens = cache(partial(self._specimens, study))  # made once a seed, and only where it is wanted
            for name, reference in references.items():
                key = make_key(repr(reference), self.library.key(self.encoder), seed, study.key)
                known = kept.read(key)
                if known is None:
                    found = cross_validated(reference, specimens(), seed=seed, progress=progress)
                    known = {"probabilities": torch.from_numpy(found)}
                    kept.write(key, known)
                figures[name].append(_figures(study.splits["test"], known["probabilities"].numpy()))
        rows = [_row(name, found) for name, found in figures.items()]
        caption = (
            f"Learned from labels ({LABELLED}) of the test set's own images, 5-fold cross-validated: the ceiling that "
            "label-free methods are read against."
        )
        head = ("reference", "kappa / accuracy", "O vs rest", "U vs rest")
        return Table(f"With labels: {studies[0].name}, test set", caption, head, tuple(rows))

    def _reference(self, name: str) -> Reference:
        """Make a reference; a network starts from the encoder's own weights."""
        chosen = REFERENCES.load(name)
        return Finetuned(model=self.encoder.model) if chosen is Finetuned else chosen()

    def _specimens(self, study: ReadStudy) -> Specimens:
        graded = study.splits["test"]
        images = [self.library.pixels(digest) for digest in graded.digests]
        features = self.library.features(self.encoder, graded.digests)
        pooled = [
            np.concatenate([_pooled(grid[0].cpu().numpy()) for grid in pyramid.scales])
            for pyramid in features.batches(1)
        ]
        return Specimens(
            graded.grades,
            np.stack(pooled).astype(np.float64),
            np.stack([saliency_features(image) for image in images]),
            pixels=images.__getitem__,
            weights=self.weights,
            device=self.library.device,
        )


def _row(name: str, figures: list[tuple[float, ...]]) -> tuple[str, ...]:
    kappas, accuracies, best, worst = zip(*figures, strict=True)
    ranks = [spread(values, scale=1.0, digits=3) for values in (best, worst)]
    return f"{name}{LABELLED}", figure(kappas, accuracies), *ranks


def _figures(graded: Graded, probabilities: Float[np.ndarray, "images 3"]) -> tuple[float, ...]:
    """Return kappa, accuracy and the two areas under ROC curves."""
    given, severity = scores(probabilities)
    accuracy = float((given == graded.grades).mean())
    return kappa(confusion(graded.grades, given)), accuracy, *ranking(graded.grades, severity)


def _pooled(grid: np.ndarray) -> np.ndarray:
    return np.concatenate([grid.mean(axis=(1, 2)), grid.std(axis=(1, 2))])
