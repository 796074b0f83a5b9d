"""Fit a model on a folder and grade a folder as a user of anomalib would; runs in anomalib's own environment.

    python peer_program.py fit --model Padim --images FOLDER --output MODEL.ckpt …
    python peer_program.py grade --model Padim --images FOLDER --checkpoint MODEL.ckpt --output SCORES.csv …

Both run as whole processes from image files to a file, with anomalib's engine, data modules and defaults, with three
exceptions: the encoder's weights come from a file, not from a download; the image size is an option; no picture is
drawn. The program imports nothing of unoqa.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["TRUST_REMOTE_CODE"] = "1"  # anomalib's switch to read one's own checkpoint
import anomalib.models
import safetensors.torch
import torch
from anomalib.data import Folder, PredictDataset
from anomalib.engine import Engine
from anomalib.pre_processing import PreProcessor
from lightning.pytorch.callbacks import Callback
from timm.models import FeatureListNet
from torch.utils.data import DataLoader
from torchvision.transforms.v2 import Compose, Normalize, Resize

BATCH = 32
"""Anomalib's default, for fitting and grading."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["fit", "grade"])
    parser.add_argument("--model", required=True)
    parser.add_argument("--options", type=json.loads, default={}, help="options of the model, as JSON")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--weights", type=Path, help="weights of the backbone; without it: random")
    parser.add_argument(
        "--epochs", type=int, nargs="*", default=[1], help="train up to the last, with a checkpoint after each"
    )
    parser.add_argument("--checkpoint", type=Path, help="model to grade with")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    model = build_model(arguments)
    with TemporaryDirectory(prefix="anomalib-") as work:
        if arguments.task == "fit":
            fit(model, arguments, work)
        else:
            grade(model, arguments, work)


def build_model(arguments: argparse.Namespace) -> torch.nn.Module:
    """Build the model, and load the weights of its backbone."""
    size = (arguments.size, arguments.size)
    normalise = Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    model = getattr(anomalib.models, arguments.model)(
        **arguments.options,
        pre_trained=False,
        pre_processor=PreProcessor(transform=Compose([Resize(size, antialias=True), normalise])),
        post_processor=False,
        evaluator=False,
        visualizer=False,
    )
    if arguments.weights:
        offered = {
            name.replace(".", "_"): array for name, array in safetensors.torch.load_file(arguments.weights).items()
        }
        (backbone,) = [module for module in model.modules() if isinstance(module, FeatureListNet)]
        backbone.load_state_dict({name: offered[name.replace(".", "_")] for name in backbone.state_dict()})
    return model


def fit(model: torch.nn.Module, arguments: argparse.Namespace, work: str) -> None:
    folder = arguments.images.resolve()
    data = Folder(
        name="bench",
        root=folder.parent,
        normal_dir=folder.name,
        train_batch_size=BATCH,
        num_workers=0,
        test_split_mode="none",
        val_split_mode="none",
    )
    epochs = [1] if "max_epochs" in model.trainer_arguments else sorted(arguments.epochs)
    checkpoints = _SaveCheckpoints(arguments.output, epochs)
    engine = Engine(
        callbacks=[checkpoints],
        max_epochs=epochs[-1],
        accelerator="cpu",
        devices=1,
        default_root_dir=work,
        enable_progress_bar=False,
        limit_val_batches=0,
        num_sanity_val_steps=0,
    )
    engine.fit(model=model, datamodule=data)


class _SaveCheckpoints(Callback):
    """Save a checkpoint after each requested epoch: OUTPUT at the end, and with several, OUTPUT.5 after the fifth."""

    def __init__(self, output: Path, epochs: list[int]) -> None:
        self._output = output
        self._epochs = epochs

    def on_train_epoch_end(self, trainer, module) -> None:  # noqa: ANN001 - types of Lightning
        if len(self._epochs) > 1 and trainer.current_epoch + 1 in self._epochs:
            trainer.save_checkpoint(f"{self._output}.{trainer.current_epoch + 1}")

    def on_train_end(self, trainer, module) -> None:  # noqa: ANN001 - types of Lightning
        trainer.save_checkpoint(self._output)


def grade(model: torch.nn.Module, arguments: argparse.Namespace, work: str) -> None:
    dataset = PredictDataset(path=arguments.images, image_size=(arguments.size, arguments.size))
    loader = DataLoader(dataset, batch_size=BATCH, collate_fn=dataset.collate_fn)
    engine = Engine(accelerator="cpu", devices=1, default_root_dir=work, enable_progress_bar=False)
    batches = engine.predict(model=model, dataloaders=loader, ckpt_path=arguments.checkpoint)
    with arguments.output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "score", "map_mean"])
        for batch in batches:
            for path, score, grid in zip(batch.image_path, batch.pred_score, batch.anomaly_map, strict=True):
                writer.writerow([Path(path).name, float(score), float(grid.mean())])


if __name__ == "__main__":
    main()
