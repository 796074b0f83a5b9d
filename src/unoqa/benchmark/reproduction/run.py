"""The whole reproduction: encode once, learn each system, fill the cells, write the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, final

import torch

from unoqa.benchmark.datasets import thinned
from unoqa.benchmark.reproduction.cells import made_by
from unoqa.benchmark.reproduction.evidence import Learning, chance
from unoqa.benchmark.reproduction.findings import Findings
from unoqa.benchmark.reproduction.grid import Grid, KnownCells
from unoqa.benchmark.reproduction.images import Library
from unoqa.benchmark.reproduction.pages import Pages
from unoqa.benchmark.reproduction.references import Ceiling
from unoqa.benchmark.reproduction.report import tables_of
from unoqa.benchmark.reproduction.systems import CHANCE, recipes, systems
from unoqa.encoders.timm import Timm
from unoqa.grader.devices import find_device
from unoqa.grader.open_encoders import OpenEncoders, library_versions
from unoqa.store.workspace import Workspace, make_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from unoqa.benchmark.datasets import DataSet, Study
    from unoqa.benchmark.reproduction.images import ReadStudy
    from unoqa.benchmark.reproduction.systems import System
    from unoqa.core.contracts import Encoder
    from unoqa.core.progress import Progress

SIZE = 320
"""Pixels a side, as in the paper."""

LAYERS = (1, 2, 3, 4)
"""Of which the systems use some; those that the weights file lacks are left out."""

QUICK = 140
"""Images of all studies together for a quick look."""

HURRIED = " (a quick look: few images, and flows that learn for a short while)"


@final
@dataclass(frozen=True)
class Plan:
    """What is to be reproduced.

    Attributes:
        model: timm's full tag of the encoder.
        weights: its file; None: timm's cache.
        quick: a look at some images, by flows that learn for a short while.
        size: pixels a side to which images are resized.
    """

    name: str
    dataset: DataSet
    data: Path
    model: str
    weights: Path | None = None
    seeds: int = 1
    supervised: bool = False
    quick: bool = False
    device: str = "cpu"
    size: int = SIZE

    def studies(self, seed: int) -> tuple[Study, ...]:
        """Return the studies of one seed, thinned for a quick look."""
        found = self.dataset.studies(self.data, seed=seed)
        return tuple(thinned(study, QUICK // len(found), seed=seed) for study in found) if self.quick else found


def reproduce(plan: Plan, output: Path, progress: Progress) -> Pages:
    """Make the tables in a folder; a killed run goes on where it was.

    Raises:
        DataSetError: the data set is not as published.
        WeightsError: the encoder's weights are missing.
    """
    studies = plan.studies(0)  # before the weights: what is wrong with the data set is told first
    encoder = Timm(model=plan.model, layers=LAYERS).held_by(plan.weights)
    scales = encoder.open(device=torch.device("cpu"), weights=plan.weights).scales
    rows, left_out = systems(encoder, [scale.name for scale in scales], quick=plan.quick)
    encoders = encoders_of(rows, encoder, supervised=plan.supervised)
    open_encoders = OpenEncoders.opened(encoders, plan.size, device=find_device(plan.device), weights=plan.weights)
    with Workspace(output / "work") as workspace:
        findings = Findings(KnownCells(output / "work" / "cells.jsonl"), notes=list(left_out))
        library = Library(open_encoders, encoders, workspace)
        for seed in range(plan.seeds):
            for study in studies if seed == 0 else plan.studies(seed):
                found = library.read(study, progress)
                findings.studies.setdefault(found.name, []).append(found)
                said = (*study.notes, *found.notes, *found.unread)
                findings.notes += [note for note in said if note not in findings.notes]
                _learn_all(rows, found, seed, library, workspace, findings, progress)
        tables = list(tables_of(findings, rows, plan.seeds))
        if plan.supervised:
            ceiling = Ceiling(encoder, plan.weights, library)
            kept = workspace.checkpoints("supervised")
            tables += [ceiling.table(studies, kept, progress) for studies in findings.studies.values()]
        whole = not any(one.unread for studies in findings.studies.values() for one in studies)
        pages = Pages(_facts(plan, encoder, open_encoders), tuple(tables), tuple(findings.notes), whole)
        pages.write(output, findings.known.cells)
    return pages


def encoders_of(rows: Iterable[System], encoder: Timm, *, supervised: bool) -> list[Encoder]:
    """Return the distinct encoders of the rows, and the one on whose features labels are learned, where they are."""
    of_rows = (one for row in rows for one in row.panel.encoders())
    return list(dict.fromkeys([*of_rows, encoder] if supervised else of_rows))


def _learn_all(
    rows: tuple[System, ...],
    study: ReadStudy,
    seed: int,
    library: Library,
    workspace: Workspace,
    findings: Findings,
    progress: Progress,
) -> None:
    origin = made_by()
    Grid(CHANCE, study, seed, make_key(study.key, origin)).fill(chance(study, seed), findings.known)
    with progress.task(f"{study.name}, seed {seed}", len(rows)) as step:
        for row in rows:
            learning = Learning(row, study, seed, library, workspace.folder if seed == 0 else None)
            evidence = learning.evidence(workspace, progress)
            findings.notes += [f"{study.name}, seed {seed}: {sentence}" for sentence in evidence.told]
            Grid(row, study, seed, make_key(learning.key, study.key, origin)).fill(evidence, findings.known)
            findings.rankings.add(row.name, study, evidence)
            step()


def _facts(plan: Plan, encoder: Timm, open_encoders: OpenEncoders) -> tuple[tuple[str, str], ...]:
    layers = ", ".join(map(str, encoder.layers))
    library = library_versions()
    return (
        ("data set", plan.name + (HURRIED if plan.quick else "")),
        ("encoder", f"{encoder.model}, layers {layers}, weights SHA-256 {open_encoders.encoders[0].checksum[:12]}…"),
        ("recipes", ", ".join(recipes(encoder).values())),
        ("seeds", str(plan.seeds)),
        ("device", str(open_encoders.device)),
        ("threads", str(torch.get_num_threads())),
        ("versions", f"unoqa {library['unoqa']}, torch {library['torch']}, scikit-learn {library['scikit-learn']}"),
        ("date", datetime.now(UTC).date().isoformat()),
    )
