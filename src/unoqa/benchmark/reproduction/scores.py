"""Scores and maps of a study's images by one system: computed once, then kept in the workspace."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from unoqa.benchmark.reproduction.learning import LOSS_IMAGES, Learning, LearningStudy
from unoqa.benchmark.reproduction.representations import FlowRepresentations, map_latents
from unoqa.core.grading import Grade
from unoqa.core.parallel import map_all
from unoqa.core.work import Work
from unoqa.grader.panel import Prediction
from unoqa.store.workspace import make_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from unoqa.benchmark.reproduction.images import EncodedStudy, FeatureLibrary
    from unoqa.benchmark.reproduction.systems import System
    from unoqa.core.features import FeaturePyramid, FeatureSet
    from unoqa.core.progress import Progress
    from unoqa.grader.panel import FittedPanel
    from unoqa.store.workspace import Workspace


@final
@dataclass(frozen=True)
class SplitScores:
    """Scores and maps of one split's images, in its order; higher = worse."""

    scores: Float[np.ndarray, " images"]
    maps: tuple[Float[np.ndarray, "images _places"], ...]


@final
@dataclass(frozen=True)
class SystemScores:
    """The scores of one system.

    Attributes:
        held_out: scores of the outstanding images fitted on, each by a model that has not seen the image.
        splits: the scores of each labelled split.
        seconds: to fit, and to predict one image; NaN where a resumed fit cannot know.
        representations: further representations of the test split by a flow; empty if they were not requested.
        learning: what a flow learned; None for another system.
        notes: sentences about the fit.
    """

    held_out: Float[np.ndarray, " fitted"]
    splits: dict[str, SplitScores]
    seconds: tuple[float, float]
    representations: dict[str, Float[np.ndarray, "images _numbers"]] = field(default_factory=dict)
    learning: Learning | None = None
    notes: tuple[str, ...] = ()


def draw_chance_scores(study: EncodedStudy, seed: int) -> SystemScores:
    """Return random scores, which every system must beat."""
    random = np.random.default_rng(seed)
    splits = {name: SplitScores(random.random(len(graded)), ()) for name, graded in study.splits.items()}
    return SystemScores(random.random(len(study.fit)), splits, (0.0, 0.0))


@final
@dataclass(frozen=True)
class SystemFit:
    """One system to be fitted on one study.

    Attributes:
        latents: folder for the latents of flows; if given, all representations of a flow are kept too.
    """

    system: System
    study: EncodedStudy
    seed: int
    library: FeatureLibrary
    latents: Path | None = None

    @property
    def key(self) -> str:
        """A key of everything that the scores depend on."""
        digests = [graded.digests for graded in self.study.splits.values()]
        all_representations = self.latents is not None
        encoders = [self.library.key(encoder) for encoder in self.system.panel.encoders()]
        return make_key(repr(self.system.panel), self.seed, self.study.fit, digests, encoders, all_representations)

    def load_or_compute(self, workspace: Workspace, progress: Progress) -> SystemScores:
        """Return the scores kept in the workspace, or fit, predict and keep them."""
        kept, unfinished = workspace.checkpoints("scores"), workspace.checkpoints(self.key)
        arrays = kept.read(self.key)
        if arrays is None or not self._has_latents(arrays):
            notes: list[str] = []
            resumed = unfinished.folder.is_dir()
            arrays = self._compute(Work(progress, unfinished, notify=notes.append))
            if resumed:  # the time before the kill is not known
                arrays["seconds"][0] = torch.nan
            arrays["notes"] = torch.from_numpy(np.frombuffer("\n".join(notes).encode(), dtype=np.uint8).copy())
            kept.write(self.key, arrays)
        shutil.rmtree(unfinished.folder, ignore_errors=True)  # a gigabyte per fold with the paper's encoder
        return self._from_arrays(arrays)

    def _compute(self, work: Work) -> dict[str, Tensor]:
        started = time.monotonic()
        panel, held_out = self.system.panel.fit(self._read_features(self.study.fit), seed=self.seed, work=work)
        fitted = time.monotonic()
        arrays = {"held_out": torch.from_numpy(held_out.scores)}
        predicted = 0
        for split, graded in self.study.splits.items():
            predictions = self._predict(panel, graded.digests, work.progress)
            predicted += len(predictions)
            arrays[f"{split}.scores"] = torch.tensor(
                [prediction.score for prediction in predictions], dtype=torch.float64
            )
            for number in range(len(predictions[0].maps) if self.system.clusters_maps else 0):
                maps = np.stack([prediction.maps[number].ravel() for prediction in predictions])
                arrays[f"{split}.maps.{number}"] = torch.from_numpy(maps)
        seconds = [fitted - started, (time.monotonic() - fitted) / max(predicted, 1)]
        arrays |= self._represent(panel, work.progress) | self._observe(panel, work.progress)
        return {**arrays, "seconds": torch.tensor(seconds, dtype=torch.float64)}

    def _predict(self, panel: FittedPanel, digests: Sequence[str], progress: Progress) -> list[Prediction]:
        features = self._read_features(digests)
        images = zip(*(encoder_features.batches(1) for encoder_features in features), strict=True)
        predict = partial(_predict_without_latents, panel)
        return map_all(predict, images, progress.task(f"{self.system.name}: predicting", len(digests)))

    def _represent(self, panel: FittedPanel, progress: Progress) -> dict[str, Tensor]:
        """Return the representations of the test split by the first fold's flow, if wanted and if it is a flow."""
        file = self._latent_file()
        representations = FlowRepresentations.of_module(panel.members[0].modules[0], file) if file is not None else None
        if representations is None or file is None:
            return {}
        file.unlink(missing_ok=True)  # a killed run may have left it
        (features,) = self._read_features(self.study.splits["test"].digests)
        with progress.task(f"{self.system.name}: representations", len(features)) as step:
            for pyramid in features.batches(1):
                representations.add(pyramid)
                step()
        return {**representations.arrays(), "latent.bytes": torch.tensor(file.stat().st_size)}

    def _observe(self, panel: FittedPanel, progress: Progress) -> dict[str, Tensor]:
        """Return what a flow learned, in arrays; none for another system."""
        if len(self.system.panel.members) != 1:
            return {}
        graded = self.study.splits["test"]
        fit, test = (self._read_features(digests)[0] for digests in (self.study.fit, graded.digests))
        rows = np.flatnonzero(graded.grades == Grade.OUTSTANDING)[:LOSS_IMAGES]
        learning = LearningStudy(self.system.panel, fit, test, rows, self.seed).observe(panel, progress)
        return {} if learning is None else learning.arrays()

    def _has_latents(self, arrays: Mapping[str, Tensor]) -> bool:
        """Tell whether the latents that belong to kept scores are there; the files are large and may be removed."""
        file = self._latent_file()
        if file is None or "latent.bytes" not in arrays:
            return True
        return file.is_file() and file.stat().st_size == int(arrays["latent.bytes"])

    def _latent_file(self) -> Path | None:
        return None if self.latents is None else self.latents / f"latents-{self.key}.raw"

    def _read_features(self, digests: Sequence[str]) -> list[FeatureSet]:
        return [self.library.read_features(encoder, digests) for encoder in self.system.panel.encoders()]

    def _from_arrays(self, arrays: dict[str, Tensor]) -> SystemScores:
        splits = {}
        for split in self.study.splits:
            maps = sorted(name for name in arrays if name.startswith(f"{split}.maps."))
            splits[split] = SplitScores(arrays[f"{split}.scores"].numpy(), tuple(arrays[name].numpy() for name in maps))
        fit_seconds, predict_seconds = arrays["seconds"].tolist()
        representations = {
            name.removeprefix("representation."): arrays[name].numpy()
            for name in sorted(arrays)  # a file does not keep their order
            if name.startswith("representation.")
        }
        file = self._latent_file()
        if representations and file is not None and file.is_file():
            representations["latent"] = map_latents(file, len(self.study.splits["test"]))
        notes = tuple(arrays["notes"].numpy().tobytes().decode().splitlines())
        held_out = arrays["held_out"].numpy()
        seconds = fit_seconds, predict_seconds
        return SystemScores(held_out, splits, seconds, representations, Learning.of_arrays(arrays), notes)


def _predict_without_latents(panel: FittedPanel, pyramids: Sequence[FeaturePyramid]) -> Prediction:
    """Predict one image and drop `latent`, which would keep all features of the image in memory."""
    prediction = panel.predict(pyramids)
    return Prediction(prediction.score, prediction.members, prediction.maps, spread=prediction.spread)
