"""A convolutional network, trained further on graded images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, final

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from unoqa.benchmark.supervised.parts.contract import Reference
from unoqa.benchmark.supervised.parts.grades import by_grade, require
from unoqa.benchmark.supervised.parts.network import GradingNetwork, grading_network
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from unoqa.benchmark.supervised.parts.contract import Specimens


@final
@settings
class Finetuned(Reference):
    """A timm model with a new head, all of it trained on the grades (ResNet-152 in Dhodapkar et al. 2022).

    AdamW (Loshchilov, Hutter 2019) on cross-entropy, its rate falling along half a cosine (2017). Batch
    normalisation keeps the statistics that came with the weights: those of small batches are noise, and a file
    in which it is folded into the convolutions has none. Layers for which the file has no weights are left out.
    """

    model: Annotated[str, Field(description="full tag of the timm model, which names its weights")] = (
        "resnet152.tv_in1k"
    )
    size: Annotated[int, Field(ge=32, description="side that images are resized to, in pixels")] = 224
    epochs: Annotated[int, Field(ge=1, description="times that each image is seen")] = 8
    batch: Annotated[int, Field(ge=1, description="images a step")] = 8
    rate: Annotated[float, Field(gt=0, description="learning rate at the first step")] = 3e-5
    decay: Annotated[float, Field(ge=0, description="weight decay")] = 0.01
    flips: Annotated[bool, Field(description="mirror every other image, drawn anew each time: left and right eyes")] = (
        True
    )
    balanced: Annotated[bool, Field(description="let each grade weigh the same, however many images it has")] = True

    def predict(
        self, seen: Int[np.ndarray, " some"], unseen: Int[np.ndarray, " others"], specimens: Specimens, *, seed: int
    ) -> Float[np.ndarray, "others 3"]:
        """Train and apply the network; the seed decides the order of the images and which are mirrored."""
        occurring = require(specimens.grades[seen], each=1)
        network = grading_network(self.model, specimens.weights).to(specimens.device)
        network = network.to(memory_format=torch.channels_last)  # a fifth faster on a processor
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            self._train(network, specimens, seen, seed)
            logits = self._applied(network, self._images(specimens, unseen), specimens.device).cpu().double()
        return by_grade(logits[:, occurring].softmax(dim=1).numpy(), occurring)

    def levels(self, weights: Path | None) -> tuple[str, ...]:
        """Return timm's names of the layers that these weights fill and that are therefore used."""
        return grading_network(self.model, weights).levels

    def _train(self, network: GradingNetwork, specimens: Specimens, seen: Int[np.ndarray, " some"], seed: int) -> None:
        read = list(self._images(specimens, seen))
        images = torch.cat(read)
        grades = torch.from_numpy(specimens.grades[seen]).long()
        weights = self._weights(specimens.grades[seen])
        network.eval()  # gradients flow all the same; batch normalisation keeps its statistics
        network.standardise(self._applied(network.pooled, read, specimens.device))
        optimiser = AdamW(network.parameters(), lr=self.rate, weight_decay=self.decay)
        batches = list(self._batches(len(seen), torch.Generator().manual_seed(seed)))
        schedule = CosineAnnealingLR(optimiser, len(batches))
        for positions, mirrored in batches:
            shown = torch.where(mirrored.reshape(-1, 1, 1, 1), images[positions].flip(-1), images[positions])
            logits = network(shown.to(specimens.device, torch.float32)).cpu()
            optimiser.zero_grad()
            functional.cross_entropy(logits, grades[positions], weights).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()

    @torch.inference_mode()
    def _applied(
        self, function: Callable[[Tensor], Tensor], batches: Iterable[Tensor], device: torch.device
    ) -> Float[Tensor, "images numbers"]:
        return torch.cat([function(images.to(device, torch.float32)) for images in batches])

    def _batches(self, images: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield, for all epochs, the positions of each batch and which of them are mirrored."""
        for _ in range(self.epochs):
            order = torch.randperm(images, generator=generator)
            for start in range(0, images, self.batch):
                positions = order[start : start + self.batch]
                drawn = torch.rand(len(positions), generator=generator)
                yield positions, (drawn < 0.5) & torch.tensor(self.flips)

    def _weights(self, grades: Int[np.ndarray, " some"]) -> Float[Tensor, "3"]:
        """Return each grade's weight in the loss, in inverse proportion to its images; 0 where it has none."""
        occurring = np.unique(grades)
        weights = compute_class_weight("balanced" if self.balanced else None, classes=occurring, y=grades)
        return torch.from_numpy(by_grade(weights[None], occurring)[0]).float()

    def _images(
        self, specimens: Specimens, positions: Int[np.ndarray, " chosen"]
    ) -> Iterator[Float[Tensor, "batch 1 size size"]]:
        """Yield batches of resized images in half precision: 0.7 GB for 7,000 of 224×224, and finer than eight bits."""
        for start in range(0, len(positions), self.batch):
            yield torch.stack(
                [self._resized(specimens, position) for position in positions[start : start + self.batch]]
            )

    def _resized(self, specimens: Specimens, position: np.integer) -> Float[Tensor, "1 size size"]:
        pixels = torch.from_numpy(np.ascontiguousarray(specimens.pixels(int(position)), dtype=np.float32))
        side = (self.size, self.size)
        return functional.interpolate(pixels[None, None], side, mode="bilinear", antialias=True)[0].half()
