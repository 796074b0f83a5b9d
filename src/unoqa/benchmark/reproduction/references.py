"""The table of supervised references, cross-validated on the labels of the test split.

They show what labels can reach; label-free methods are compared with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from unoqa.benchmark.agreement import confusion_matrix, kappa
from unoqa.benchmark.reproduction.cells import compute_aurocs
from unoqa.benchmark.reproduction.tables import LABEL_MARK, Table, format_kappa_accuracy, format_mean_std
from unoqa.benchmark.supervised import REFERENCES, LabelledData
from unoqa.benchmark.supervised.finetuned import Finetuned
from unoqa.benchmark.supervised.parts.cross_validation import cross_validate, summarise_probabilities
from unoqa.benchmark.supervised.parts.saliency import compute_saliency_features
from unoqa.store.workspace import make_key

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.benchmark.reproduction.images import EncodedStudy, FeatureLibrary, GradedSplit
    from unoqa.benchmark.supervised import SupervisedReference
    from unoqa.core.progress import Progress
    from unoqa.encoders.timm import Timm
    from unoqa.store.workspace import FolderCheckpoints


@final
@dataclass(frozen=True)
class SupervisedReferences:
    """The supervised references on the features of one learned encoder.

    Attributes:
        weights: file of the encoder's weights, from which a network starts; None: timm's cache.
    """

    encoder: Timm
    weights: Path | None
    library: FeatureLibrary

    def make_table(self, studies: list[EncodedStudy], kept: FolderCheckpoints, progress: Progress) -> Table:
        """Return the table of one study's test split, with one row per reference.

        Args:
            studies: the study as each seed splits it.
            kept: takes the predicted probabilities, so that they are computed once.
        """
        references = {name: self._make_reference(name) for name in REFERENCES.names()}
        metrics: dict[str, list[tuple[float, ...]]] = {name: [] for name in references}
        for seed, study in enumerate(studies):
            load_data = cache(partial(self._load_data, study))  # once per seed, and only if needed
            for name, reference in references.items():
                key = make_key(repr(reference), self.library.key(self.encoder), seed, study.key)
                arrays = kept.read(key)
                if arrays is None:
                    probabilities = cross_validate(reference, load_data(), seed=seed, progress=progress)
                    arrays = {"probabilities": torch.from_numpy(probabilities)}
                    kept.write(key, arrays)
                metrics[name].append(_compute_metrics(study.splits["test"], arrays["probabilities"].numpy()))
        rows = [_make_row(name, seeds) for name, seeds in metrics.items()]
        caption = (
            f"Fitted on labels ({LABEL_MARK}) of the test set's own images, 5-fold cross-validated: what labels can "
            "reach, for comparison with label-free methods."
        )
        head = ("reference", "kappa / accuracy", "O vs rest", "U vs rest")
        return Table(f"With labels: {studies[0].name}, test set", caption, head, tuple(rows))

    def _make_reference(self, name: str) -> SupervisedReference:
        """Return a reference with its default settings; a network starts from the encoder's own weights."""
        reference = REFERENCES.load(name)
        return Finetuned(model=self.encoder.model) if reference is Finetuned else reference()

    def _load_data(self, study: EncodedStudy) -> LabelledData:
        graded = study.splits["test"]
        images = [self.library.read_pixels(digest) for digest in graded.digests]
        features = self.library.read_features(self.encoder, graded.digests)
        pooled = [
            np.concatenate([_pool(grid[0].cpu().numpy()) for grid in pyramid.scales]) for pyramid in features.batches(1)
        ]
        return LabelledData(
            graded.grades,
            np.stack(pooled).astype(np.float64),
            np.stack([compute_saliency_features(image) for image in images]),
            pixels=images.__getitem__,
            weights=self.weights,
            device=self.library.device,
        )


def _make_row(name: str, seeds: list[tuple[float, ...]]) -> tuple[str, ...]:
    kappas, accuracies, outstanding, ungradable = zip(*seeds, strict=True)
    aurocs = [format_mean_std(values, scale=1.0, digits=3) for values in (outstanding, ungradable)]
    return f"{name}{LABEL_MARK}", format_kappa_accuracy(kappas, accuracies), *aurocs


def _compute_metrics(graded: GradedSplit, probabilities: Float[np.ndarray, "images 3"]) -> tuple[float, ...]:
    """Return kappa, accuracy and two AUROCs: outstanding against the rest, and ungradable against the rest."""
    predicted, severity = summarise_probabilities(probabilities)
    accuracy = float((predicted == graded.grades).mean())
    return kappa(confusion_matrix(graded.grades, predicted)), accuracy, *compute_aurocs(graded.grades, severity)


def _pool(grid: np.ndarray) -> np.ndarray:
    """Return mean and standard deviation of each channel over the places."""
    return np.concatenate([grid.mean(axis=(1, 2)), grid.std(axis=(1, 2))])
