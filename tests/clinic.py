"""A made-up clinic for the tests of the upper floors: drawn once, fitted once, whichever room asks first."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, final

import pytest
import safetensors.torch
import timm
import tomli_w
import torch
from filelock import FileLock

from unoqa import EnfaceImage, Grader, Recipe, SettledGrader
from unoqa.benchmark.phantom.folder import write_phantom
from unoqa.formats import collect, read


@final
@dataclass(frozen=True)
class Clinic:
    """Folders of phantom scans; tests copy from them and never write into them."""

    folder: Path

    @property
    def outstanding(self) -> Path:
        """Thirty outstanding scans to fit on."""
        return self.folder / "outstanding"

    @property
    def mixed(self) -> Path:
        """Forty scans to grade: 8 outstanding, 16 gradable, 16 ungradable."""
        return self.folder / "clinic"

    @property
    def labels(self) -> Path:
        """Their true grades."""
        return self.folder / "labels.csv"

    def images(self) -> list[EnfaceImage]:
        """Read all mixed scans."""
        return [read(reference) for reference in collect([self.mixed]).references]

    def some(self, folder: Path, count: int) -> Path:
        """Copy the first mixed scans into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self.mixed.iterdir())[:count]:
            shutil.copy(path, folder)
        return folder


@cache
def drawn(base: Path) -> Clinic:
    """Draw the clinic, or take what another process of this run of the tests has drawn."""
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with FileLock(shared / "clinic.lock"):
        if not (shared / "clinic").exists():
            write_phantom(shared / "drawing", outstanding_to_fit=30, clinic=(8, 16, 16), seed=0)
            (shared / "drawing").rename(shared / "clinic")
    return Clinic(shared / "clinic")


@cache
def fitted(base: Path) -> Grader:
    """Fit the recipe `measures` on its outstanding scans."""
    return Recipe.named("measures").fit(drawn(base).outstanding)


@cache
def settled_on(base: Path) -> SettledGrader:
    """Settle on its mixed scans."""
    return fitted(base).settle(drawn(base).mixed)


@cache
def saved(base: Path, name: str) -> Path:
    """Save one of the two as a model folder."""
    folder = base / name
    (fitted(base) if name == "model" else settled_on(base)).save(folder)
    return folder


@cache
def random_weights(base: Path) -> Path:
    """Write a ResNet-18 of random weights, cut after its second layer."""
    torch.manual_seed(0)
    network = timm.create_model("resnet18", features_only=True, out_indices=(1, 2))
    path = base / "random.safetensors"
    safetensors.torch.save_file(network.state_dict(), path)
    return path


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the session's own temporary folder."""
    return tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session")
def clinic(base: Path) -> Clinic:
    """Return the clinic's folders."""
    return drawn(base)


@pytest.fixture(scope="session")
def grader(base: Path) -> Grader:
    """Return the grader fitted on the clinic's outstanding scans."""
    return fitted(base)


@pytest.fixture(scope="session")
def settled(base: Path) -> SettledGrader:
    """Return the grader settled on the clinic's mixed scans."""
    return settled_on(base)


@pytest.fixture(scope="session")
def model(base: Path) -> Path:
    """Return the folder of the model that is not settled."""
    return saved(base, "model")


@pytest.fixture(scope="session")
def settled_model(base: Path) -> Path:
    """Return the folder of the settled model."""
    return saved(base, "settled")


@pytest.fixture(scope="session")
def weights(base: Path) -> Path:
    """Return a file of random ResNet-18 weights."""
    return random_weights(base)


def small(name: str, folder: Path, **module: Any) -> Path:
    """Write a recipe of the package as a TOML file, small: 96 pixels, ResNet-18, the settings given."""
    values = Recipe.named(name).to_values()
    values["size"] = 96
    for member in values["members"]:
        if member["encoder"]["choice"] == "timm":
            member["encoder"] = {"choice": "timm", "model": "resnet18.tv_in1k", "layers": [1, 2]}
            member["module"].update(module)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"small-{name}.toml"
    path.write_text(tomli_w.dumps(values), encoding="utf-8")
    return path
