"""What a system says of a study's images: learned and asked once, then kept."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from unoqa.benchmark.reproduction.variants import Variants, latents
from unoqa.core.parallel import map_all
from unoqa.core.work import Work
from unoqa.grader.panel import Prediction
from unoqa.store.workspace import make_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from unoqa.benchmark.reproduction.images import Library, ReadStudy
    from unoqa.benchmark.reproduction.systems import System
    from unoqa.core.features import FeaturePyramid, FeatureSet
    from unoqa.core.progress import Progress
    from unoqa.grader.panel import FittedPanel
    from unoqa.store.workspace import Workspace


@final
@dataclass(frozen=True)
class Said:
    """Scores and maps of one split's images, in its order; higher = worse."""

    scores: Float[np.ndarray, " images"]
    maps: tuple[Float[np.ndarray, "images _places"], ...]


@final
@dataclass(frozen=True)
class Evidence:
    """What one system says.

    Attributes:
        unseen: scores of the outstanding images fitted on, each by a model that has not seen it.
        splits: of each labelled split.
        seconds: to learn, and to judge one image.
        variants: other things of a flow that could be clustered, on the test split; empty where none were asked for.
        told: sentences about how it learned.
    """

    unseen: Float[np.ndarray, " fitted"]
    splits: dict[str, Said]
    seconds: tuple[float, float]
    variants: dict[str, Float[np.ndarray, "images _numbers"]] = field(default_factory=dict)
    told: tuple[str, ...] = ()


def chance(study: ReadStudy, seed: int) -> Evidence:
    """Return scores that have nothing to do with the images: what any system must beat."""
    random = np.random.default_rng(seed)
    splits = {name: Said(random.random(len(graded)), ()) for name, graded in study.splits.items()}
    return Evidence(random.random(len(study.fit)), splits, (0.0, 0.0))


@final
@dataclass(frozen=True)
class Learning:
    """One system about to learn from one study.

    Attributes:
        latents: folder for the latents of flows, of which every F_H is then kept; None: not asked for.
    """

    system: System
    study: ReadStudy
    seed: int
    library: Library
    latents: Path | None = None

    @property
    def key(self) -> str:
        """What the evidence is kept under: everything that it depends on."""
        asked = [graded.digests for graded in self.study.splits.values()]
        every = self.latents is not None
        encoders = [self.library.key(encoder) for encoder in self.system.panel.encoders()]
        return make_key(repr(self.system.panel), self.seed, self.study.fit, asked, encoders, every)

    def evidence(self, workspace: Workspace, progress: Progress) -> Evidence:
        """Return what was kept, or learn, ask and keep it."""
        kept, unfinished = workspace.checkpoints("evidence"), workspace.checkpoints(self.key)
        known = kept.read(self.key)
        if known is None or not self._latents_are_there(known):
            told: list[str] = []
            resumed = unfinished.folder.is_dir()
            known = self._made(Work(progress, unfinished, tell=told.append))
            if resumed:  # what was learned before the kill took time that nobody knows
                known["seconds"][0] = torch.nan
            known["told"] = torch.from_numpy(np.frombuffer("\n".join(told).encode(), dtype=np.uint8).copy())
            kept.write(self.key, known)
        shutil.rmtree(unfinished.folder, ignore_errors=True)  # a gigabyte a fold, by the paper's encoder
        return self._of(known)

    def _made(self, work: Work) -> dict[str, Tensor]:
        started = time.monotonic()
        fitted, unseen = self.system.panel.fit(self._features(self.study.fit), seed=self.seed, work=work)
        learned = time.monotonic()
        arrays = {"unseen": torch.from_numpy(unseen.scores)}
        asked = 0
        for split, graded in self.study.splits.items():
            predictions = self._opinions(fitted, graded.digests, work.progress)
            asked += len(predictions)
            arrays[f"{split}.scores"] = torch.tensor(
                [prediction.score for prediction in predictions], dtype=torch.float64
            )
            for number in range(len(predictions[0].maps) if self.system.mapped else 0):
                maps = np.stack([prediction.maps[number].ravel() for prediction in predictions])
                arrays[f"{split}.maps.{number}"] = torch.from_numpy(maps)
        seconds = [learned - started, (time.monotonic() - learned) / max(asked, 1)]
        arrays |= self._variants(fitted, work.progress)
        return {**arrays, "seconds": torch.tensor(seconds, dtype=torch.float64)}

    def _opinions(self, fitted: FittedPanel, digests: Sequence[str], progress: Progress) -> list[Prediction]:
        sets = self._features(digests)
        images = zip(*(one.batches(1) for one in sets), strict=True)
        predict = partial(_without_latents, fitted)
        return map_all(predict, images, progress.task(f"{self.system.name} judges", len(digests)))

    def _variants(self, fitted: FittedPanel, progress: Progress) -> dict[str, Tensor]:
        """Ask the first flow for every F_H, where that is wanted and the system is one flow."""
        file = self._latent_file()
        variants = Variants.of(fitted.members[0].modules[0], file) if file is not None else None
        if variants is None or file is None:
            return {}
        file.unlink(missing_ok=True)  # of a run that was killed
        (features,) = self._features(self.study.splits["test"].digests)
        with progress.task(f"{self.system.name}: every F_H", len(features)) as step:
            for pyramid in features.batches(1):
                variants.add(pyramid)
                step()
        return {**variants.arrays(), "latent.bytes": torch.tensor(file.stat().st_size)}

    def _latents_are_there(self, known: Mapping[str, Tensor]) -> bool:
        """Tell so of those beside evidence that was kept: their files are the largest, and may have been removed."""
        file = self._latent_file()
        if file is None or "latent.bytes" not in known:
            return True
        return file.is_file() and file.stat().st_size == int(known["latent.bytes"])

    def _latent_file(self) -> Path | None:
        return None if self.latents is None else self.latents / f"latents-{self.key}.raw"

    def _features(self, digests: Sequence[str]) -> list[FeatureSet]:
        return [self.library.features(encoder, digests) for encoder in self.system.panel.encoders()]

    def _of(self, arrays: dict[str, Tensor]) -> Evidence:
        splits = {}
        for split in self.study.splits:
            maps = sorted(name for name in arrays if name.startswith(f"{split}.maps."))
            splits[split] = Said(arrays[f"{split}.scores"].numpy(), tuple(arrays[name].numpy() for name in maps))
        learn, predict = arrays["seconds"].tolist()
        variants = {
            name.removeprefix("variant."): arrays[name].numpy()
            for name in sorted(arrays)  # a file does not keep their order
            if name.startswith("variant.")
        }
        file = self._latent_file()
        if variants and file is not None and file.is_file():
            variants["latent"] = latents(file, len(self.study.splits["test"]))
        told = tuple(arrays["told"].numpy().tobytes().decode().splitlines())
        return Evidence(arrays["unseen"].numpy(), splits, (learn, predict), variants, told)


def _without_latents(fitted: FittedPanel, pyramids: Sequence[FeaturePyramid]) -> Prediction:
    """Judge one image; what its latents would be made of, all its features, stays in memory with them."""
    prediction = fitted.predict(pyramids)
    return Prediction(prediction.score, prediction.members, prediction.maps)
