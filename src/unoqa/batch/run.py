"""Grading files into a results folder: scored one by one, journalled, split, written."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, final

import torch

from unoqa.batch.results import claim, fingerprint, remove_leftovers, remove_stale
from unoqa.core.errors import UsageError
from unoqa.core.grading import Grade, RunRecord
from unoqa.core.parallel import map_all
from unoqa.grader.assessment import Assessment
from unoqa.grader.cohort import grade_cohort, grade_settled
from unoqa.grader.grader import SETTLE_FIRST, AnyGrader, Grader, check_cohort_size
from unoqa.grader.open_encoders import library_versions
from unoqa.grader.source import Failure, ImageSource
from unoqa.outputs import OUTPUTS
from unoqa.outputs.heat import find_clashing_overlays, separate_overlays
from unoqa.store.journal import Journal, JournalEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from unoqa.core.contracts import Output
    from unoqa.core.image import EnfaceImage
    from unoqa.core.progress import Progress
    from unoqa.grader.cohort import CohortResult


@final
class Mode(Enum):
    """How what is not outstanding becomes gradable or ungradable."""

    AS_MODEL = "as the model says"
    COHORT = "cohort"
    ALONE = "alone"


@contextmanager
def grade_files(
    model: AnyGrader,
    source: ImageSource,
    results: Path,
    *,
    mode: Mode,
    heat: bool,
    progress: Progress,
) -> Iterator[CohortResult]:
    """Grade files into a folder; the same call again goes on where a killed one was.

    What is done with the result inside the context, such as drawing it, belongs to the run: one that is killed or fails
    meanwhile is unfinished, and when it goes on no image is graded anew.

    Args:
        model: as read from its folder; a results folder belongs to one model.

    Raises:
        UsageError: `mode` is ALONE, and the model is not settled.
        CohortError: a cohort of fewer than 10 images.
        ResultsError: the results folder holds something else.
    """
    alone = _alone(model, mode)
    if not alone:
        check_cohort_size(len(source))
    started = time.monotonic()
    names = frozenset(one.name for one in source.images)
    images = fingerprint(names)
    grader = model.grader
    checksum = grader.model.checksum
    claim(results, checksum, images)
    outputs = [OUTPUTS.load(name)() for name in OUTPUTS.names() if heat or name != "heat"]
    apart = find_clashing_overlays(names) if heat else []
    with Journal(results, checksum, heat=heat, conditions=_conditions(grader, apart), names=names) as journal:
        separate_overlays(results, apart)
        assessed = _assess(grader, source, results, journal, outputs, progress)
        if alone and model.frozen_split is not None:
            result = grade_settled(assessed, grader.threshold, model.frozen_split)
        else:
            result, _ = grade_cohort(assessed, grader.threshold, grader.split, seed=grader.model.seed)
        facts = _facts(grader, images, result, source.ignored, alone)
        facts["seconds"] = round(time.monotonic() - started, 3)
        remove_stale(results, [one.name for one in assessed if isinstance(one, Failure)], heat=heat)
        for output in outputs:
            output.write_run(results, RunRecord(result.gradings, facts))
        yield result
        remove_leftovers(results)
        journal.remove()


def _alone(model: AnyGrader, mode: Mode) -> bool:
    if mode is Mode.ALONE and model.frozen_split is None:
        raise UsageError(SETTLE_FIRST)
    return model.frozen_split is not None and mode is not Mode.COHORT


def _assess(
    grader: Grader,
    source: ImageSource,
    results: Path,
    journal: Journal,
    outputs: Sequence[Output],
    progress: Progress,
) -> list[Assessment | Failure]:
    task = progress.task("grading", len(source))
    one = partial(_one, grader, results=results, journal=journal, outputs=outputs)
    return map_all(lambda lazy: lazy.apply(one), source.images, task)


def _one(
    grader: Grader, image: EnfaceImage, *, results: Path, journal: Journal, outputs: Sequence[Output]
) -> Assessment:
    """Assess one image, or take it from the journal; its pictures are written before its entry."""
    digest = image.digest()
    entry = journal.find(image.name, digest)
    if entry is not None and all(output.has_image(results, image.name) for output in outputs):
        return Assessment(entry.image, entry.score, entry.point, entry.reasons)
    assessment, heat = grader.assess(image)
    for output in outputs:
        output.write_image(results, image, heat)
    journal.add(JournalEntry(image.name, digest, assessment.score, assessment.point, assessment.reasons))
    return assessment


def _facts(grader: Grader, images: str, result: CohortResult, ignored: int, alone: bool) -> dict[str, Any]:
    counts = {grade.word: result.count(grade) for grade in reversed(Grade)}
    failed = sum(grading.grade is None for grading in result.gradings)
    return {
        "notice": "For research use. Not a medical device.",
        "versions": library_versions(),
        "device": str(grader.encoders.device),
        "threads": torch.get_num_threads(),
        "model": grader.model.checksum,
        "images": images,
        "recipe": grader.model.recipe,
        "seed": grader.model.seed,
        "split": "settled" if alone else "cohort",
        "threshold": grader.threshold.value,
        "counts": {**counts, "failed": failed, "all": len(result.gradings), "ignored": ignored},
        "warnings": list(result.warnings),
        "settings": grader.model.settings,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _conditions(grader: Grader, apart: Sequence[str]) -> str:
    """Return what scores may depend on in their last bits beside the model, and whose overlays are kept apart."""
    return json.dumps([library_versions(), str(grader.encoders.device), *apart])
