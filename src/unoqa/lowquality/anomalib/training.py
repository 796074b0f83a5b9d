"""Training a model of anomalib on the images of a feature set, by Lightning as anomalib does."""

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
from unoqa.lowquality.anomalib.isolation import quiet, replaced
from unoqa.lowquality.anomalib.library import library
from unoqa.lowquality.anomalib.models import DEVIATION, MEAN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unoqa.core.features import FeatureSet
    from unoqa.core.work import Work


def normalised(grey: Float[Tensor, "batch 1 rows columns"]) -> Float[Tensor, "batch 3 rows columns"]:
    """Repeat grey to three channels, normalised as anomalib normalises."""
    mean, deviation = (grey.new_tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    return (grey - mean) / deviation


@final
class Images(Dataset[Tensor]):
    """The images of a set whose only scale holds their pixels."""

    def __init__(self, features: FeatureSet) -> None:
        self._features = features

    def __len__(self) -> int:
        return len(self._features)

    def __getitem__(self, position: int) -> Float[Tensor, "3 rows columns"]:
        one = next(self._features.subset(np.array([position])).batches(1))
        return normalised(one.scales[0])[0]

    def __iter__(self) -> Iterator[Float[Tensor, "3 rows columns"]]:
        return (self[position] for position in range(len(self)))


def train(model: Any, images: Images, *, epochs: int, batch: int, device: torch.device, work: Work) -> None:  # noqa: ANN401 - anomalib is not always there
    """Train with what the model asks of Lightning: its number of epochs, clipping of gradients, its hooks.

    A model of one pass remembers the images and learns at the pass's end. The labels say outstanding of every
    image: some models draw faults of their own and want to know where there were none before.
    """
    lightning = library().lightning
    loader = DataLoader(images, batch_size=batch, shuffle=True, collate_fn=_outstanding)
    data = lightning.LightningDataModule()
    data.train_dataloader = lambda: loader
    arguments = {"max_epochs": epochs, **model.trainer_arguments}
    steps = arguments["max_epochs"] * len(loader)

    def told() -> None:
        raise_if_cancelled()
        step()

    with (
        quiet(),
        _without_bars(),
        TemporaryDirectory(prefix="unoqa-") as folder,
        work.progress.task(f"training {model.name}", steps) as step,
    ):
        trainer = lightning.Trainer(
            **{**arguments, **_where(device)},
            default_root_dir=folder,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[lightning.callbacks.LambdaCallback(on_train_batch_end=lambda *_: told())],
        )
        trainer.fit(model, datamodule=data)


@contextmanager
def _without_bars() -> Iterator[None]:
    """Take away the bars that two models draw whatever they are told."""
    with ExitStack() as stack:
        for drawing in library().drawing_bars:
            stack.enter_context(replaced(drawing, "tqdm", lambda steps, **_: steps))
        yield


def _where(device: torch.device) -> dict[str, Any]:
    if device.type == "cuda":
        return {"accelerator": "gpu", "devices": [device.index or 0]}
    return {"accelerator": "cpu", "devices": 1}


def _outstanding(images: list[Tensor]) -> Any:  # noqa: ANN401 - as above
    stacked = torch.stack(images)
    labels = torch.zeros(len(images), dtype=torch.bool, device=stacked.device)
    return library().batch(image=stacked, gt_label=labels, gt_mask=torch.zeros_like(stacked[:, 0], dtype=torch.bool))
