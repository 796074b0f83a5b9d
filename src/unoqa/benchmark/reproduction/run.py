"""The whole reproduction: encode once, fit each system, compute the cells, write the tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, final

import torch

from unoqa.batch.executors.threads import Threads
from unoqa.benchmark.datasets import subsample_study
from unoqa.benchmark.reproduction.cells import describe_dependencies
from unoqa.benchmark.reproduction.grid import CellCache, CellGrid
from unoqa.benchmark.reproduction.identity import describe_images, refuse_other_images
from unoqa.benchmark.reproduction.images import FeatureLibrary
from unoqa.benchmark.reproduction.references import SupervisedReferences
from unoqa.benchmark.reproduction.report import Report
from unoqa.benchmark.reproduction.results import ReproductionResults
from unoqa.benchmark.reproduction.scores import SystemFit, draw_chance_scores
from unoqa.benchmark.reproduction.systems import CHANCE, Effort, make_systems, select_recipes
from unoqa.encoders.timm import Timm
from unoqa.grader.cached_features import CachedFeatures
from unoqa.grader.devices import find_device
from unoqa.grader.open_encoders import OpenEncoders, library_versions
from unoqa.store.workspace import Workspace, make_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from unoqa.batch.executors import Executor
    from unoqa.benchmark.datasets import DataSet, Study
    from unoqa.benchmark.reproduction.images import EncodedStudy
    from unoqa.benchmark.reproduction.systems import System
    from unoqa.core.contracts import Encoder
    from unoqa.core.progress import Progress

SIZE = 320
"""Side of an image in pixels, as in the paper."""

LAYERS = (1, 2, 3, 4)
"""Layers of the encoder that systems may use; those that the weights file lacks are left out."""

QUICK_IMAGES = 140
"""Images of all studies together for a quick look."""

QUICK_NOTE = " (a quick look: few images; flows keep their last parameters, though the held-out loss may rise)"


@final
@dataclass(frozen=True)
class Plan:
    """What to reproduce, and how.

    Attributes:
        name: of the data set's layout.
        model: timm's full tag of the encoder.
        weights: file of the encoder's weights; None: timm's cache.
        seeds: number of repetitions.
        supervised: whether to add the supervised references.
        effort: how long flows are trained; `effort.quick` also takes few images.
        size: side in pixels to which images are resized.
        executor: shares the encoding among threads or machines.
    """

    name: str
    dataset: DataSet
    data: Path
    model: str
    weights: Path | None = None
    seeds: int = 1
    supervised: bool = False
    effort: Effort = field(default_factory=Effort)
    device: str = "cpu"
    size: int = SIZE
    executor: Executor = field(default_factory=Threads)

    def find_studies(self, seed: int) -> tuple[Study, ...]:
        """Return the studies of one seed; for a quick look, with few images each."""
        return self.shorten(self.dataset.find_studies(self.data, seed=seed), seed)

    def shorten(self, studies: tuple[Study, ...], seed: int) -> tuple[Study, ...]:
        """Return the studies; for a quick look, with few images each."""
        if not self.effort.quick:
            return studies
        return tuple(subsample_study(study, QUICK_IMAGES // len(studies), seed=seed) for study in studies)


def reproduce(plan: Plan, output: Path, progress: Progress) -> Report:
    """Write the tables into a folder; a killed run continues where it stopped.

    Raises:
        DataSetError: the data set is missing or not as published.
        ResultsError: the folder holds tables of other images.
        WeightsError: the encoder's weights are missing.
    """
    whole = plan.dataset.find_studies(plan.data, seed=0)  # before the weights: errors of the data set come first
    images = describe_images(whole)
    refuse_other_images(output, images)
    studies = plan.shorten(whole, 0)
    encoder = Timm(model=plan.model, layers=LAYERS).drop_missing_layers(plan.weights)
    scales = encoder.open(device=torch.device("cpu"), weights=plan.weights).scales
    systems, left_out = make_systems(encoder, [scale.name for scale in scales], plan.effort)
    encoders = list_encoders(systems, encoder, supervised=plan.supervised)
    open_encoders = OpenEncoders.open(encoders, plan.size, device=find_device(plan.device), weights=plan.weights)
    with Workspace(output / "work") as workspace:
        results = ReproductionResults(CellCache(output / "work" / "cells.jsonl"), notes=list(left_out))
        library = FeatureLibrary(encoders, CachedFeatures(open_encoders, workspace, plan.executor.encode))
        for seed in range(plan.seeds):
            for study in studies if seed == 0 else plan.find_studies(seed):
                encoded = library.encode(study, progress)
                results.studies.setdefault(encoded.name, []).append(encoded)
                notes = (*study.notes, *encoded.notes, *encoded.unread)
                results.notes += [note for note in notes if note not in results.notes]
                _fit_all(systems, encoded, seed, library, workspace, results, progress)
        tables = list(results.make_tables(systems, plan.seeds))
        if plan.supervised:
            references = SupervisedReferences(encoder, plan.weights, library)
            kept = workspace.checkpoints("supervised")
            tables += [references.make_table(seeds, kept, progress) for seeds in results.studies.values()]
        complete = not any(study.unread for seeds in results.studies.values() for study in seeds)
        facts = _list_facts(plan, images, encoder, open_encoders)
        report = Report(facts, tuple(tables), tuple(results.notes), complete)
        report.write(output, results.cells.cells)
    return report


def list_encoders(systems: Iterable[System], encoder: Timm, *, supervised: bool) -> list[Encoder]:
    """Return the distinct encoders of the systems, and the one that the supervised references use, if wanted."""
    of_systems = (used for system in systems for used in system.panel.encoders())
    return list(dict.fromkeys([*of_systems, encoder] if supervised else of_systems))


def _fit_all(
    systems: tuple[System, ...],
    study: EncodedStudy,
    seed: int,
    library: FeatureLibrary,
    workspace: Workspace,
    results: ReproductionResults,
    progress: Progress,
) -> None:
    """Fit every system on one study, and compute its cells and its score metrics."""
    dependencies = describe_dependencies()
    chance = CellGrid(CHANCE, study, seed, make_key(study.key, dependencies))
    chance.fill(draw_chance_scores(study, seed), results.cells)
    with progress.task(f"{study.name}, seed {seed}", len(systems)) as step:
        for system in (one.fit_to(len(study.fit)) for one in systems):
            fit = SystemFit(system, study, seed, library, workspace.folder if seed == 0 else None)
            scores = fit.load_or_compute(workspace, progress)
            results.notes += [f"{study.name}, seed {seed}: {sentence}" for sentence in scores.notes]
            CellGrid(system, study, seed, make_key(fit.key, study.key, dependencies)).fill(scores, results.cells)
            results.scores.add(system.name, study, scores)
            step()


def _list_facts(plan: Plan, images: str, encoder: Timm, open_encoders: OpenEncoders) -> tuple[tuple[str, str], ...]:
    """Return the settings that the report names."""
    layers = ", ".join(map(str, encoder.layers))
    versions = library_versions()
    return (
        ("data set", plan.name + (QUICK_NOTE if plan.effort.quick else "")),
        ("images", images),
        ("encoder", f"{encoder.model}, layers {layers}, weights SHA-256 {open_encoders.all[0].checksum}"),
        ("recipes", ", ".join(select_recipes(encoder, plan.effort.training).values())),
        ("training", plan.effort.describe()),
        ("seeds", str(plan.seeds)),
        ("device", str(open_encoders.device)),
        ("threads", str(torch.get_num_threads())),
        ("versions", f"unoqa {versions['unoqa']}, torch {versions['torch']}, scikit-learn {versions['scikit-learn']}"),
        ("date", datetime.now(UTC).date().isoformat()),
    )
