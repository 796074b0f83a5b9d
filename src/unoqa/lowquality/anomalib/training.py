"""Training of a model of anomalib on the images of a feature set, by Lightning as anomalib does it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from unoqa.core.parallel import raise_if_cancelled
from unoqa.lowquality.anomalib.isolation import replace_attribute, silence_libraries
from unoqa.lowquality.anomalib.library import import_library
from unoqa.lowquality.anomalib.models import IMAGENET_MEAN, IMAGENET_STD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unoqa.core.features import FeatureSet
    from unoqa.core.work import Work


def normalise(grey: Float[Tensor, "batch 1 rows columns"]) -> Float[Tensor, "batch 3 rows columns"]:
    """Repeat grey to three channels, normalised as anomalib normalises."""
    mean, std = (grey.new_tensor(values).reshape(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (grey - mean) / std


@final
class ImageDataset(Dataset[Tensor]):
    """The images of a feature set whose only scale holds their pixels."""

    def __init__(self, features: FeatureSet) -> None:
        self._features = features

    def __len__(self) -> int:
        return len(self._features)

    def __getitem__(self, position: int) -> Float[Tensor, "3 rows columns"]:
        pyramid = next(self._features.subset(np.array([position])).batches(1))
        return normalise(pyramid.scales[0])[0]

    def __iter__(self) -> Iterator[Float[Tensor, "3 rows columns"]]:
        return (self[position] for position in range(len(self)))


def train_model(
    model: Any,  # noqa: ANN401 - anomalib is optional
    images: ImageDataset,
    *,
    epochs: int,
    batch: int,
    device: torch.device,
    work: Work,
) -> None:
    """Train with what the model asks of Lightning: its number of epochs, its gradient clipping, its hooks.

    A model of one epoch remembers the images and learns when the epoch ends. The labels call every image outstanding:
    some models draw faults into images and need to know that there were none before.
    """
    lightning = import_library().lightning
    loader = DataLoader(images, batch_size=batch, shuffle=True, collate_fn=_collate_outstanding)
    data = lightning.LightningDataModule()
    data.train_dataloader = lambda: loader
    arguments = {"max_epochs": epochs, **model.trainer_arguments}
    steps = arguments["max_epochs"] * len(loader)

    def finish_batch() -> None:
        raise_if_cancelled()
        step()

    with (
        silence_libraries(),
        _hide_progress_bars(),
        TemporaryDirectory(prefix="unoqa-") as folder,
        work.progress.task(f"training {model.name}", steps) as step,
    ):
        trainer = lightning.Trainer(
            **{**arguments, **_choose_accelerator(device)},
            default_root_dir=folder,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[lightning.callbacks.LambdaCallback(on_train_batch_end=lambda *_: finish_batch())],
        )
        trainer.fit(model, datamodule=data)


@contextmanager
def _hide_progress_bars() -> Iterator[None]:
    """Hide the bars that two models draw whatever their settings are."""
    with ExitStack() as stack:
        for module in import_library().with_progress_bars:
            stack.enter_context(replace_attribute(module, "tqdm", lambda steps, **_: steps))
        yield


def _choose_accelerator(device: torch.device) -> dict[str, Any]:
    if device.type == "cuda":
        return {"accelerator": "gpu", "devices": [device.index or 0]}
    return {"accelerator": "cpu", "devices": 1}


def _collate_outstanding(images: list[Tensor]) -> Any:  # noqa: ANN401 - as above
    stacked = torch.stack(images)
    labels = torch.zeros(len(images), dtype=torch.bool, device=stacked.device)
    masks = torch.zeros_like(stacked[:, 0], dtype=torch.bool)
    return import_library().batch(image=stacked, gt_label=labels, gt_mask=masks)
