"""Grading files into a results folder: assessed one by one, recorded, compared, graded."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, final

import torch

from unoqa.batch.executors.threads import Threads
from unoqa.batch.worker import Task, Worker
from unoqa.core.assessment import Failure
from unoqa.core.errors import UsageError
from unoqa.core.grading import Grade
from unoqa.core.progress import NoProgress, ignore
from unoqa.grader.cohort import grade_cohort, grade_settled
from unoqa.grader.grader import SETTLE_FIRST, AnyGrader, Grader, add_warnings, check_cohort_size
from unoqa.grader.open_encoders import library_versions
from unoqa.store.results import ImageEntry, RunPlan, begin_run
from unoqa.store.results.folder import heat_path, remove_leftovers, remove_stale, separate_overlays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from unoqa.batch.executors import Executor
    from unoqa.core.progress import Progress
    from unoqa.grader.cohort import CohortResult
    from unoqa.grader.source import ImageSource
    from unoqa.grader.split import FittedSplit
    from unoqa.store.results import Results, Run


@final
class Mode(Enum):
    """How images that are not outstanding become gradable or ungradable."""

    AS_MODEL = "as the model says"
    COHORT = "cohort"
    ALONE = "alone"


@final
@dataclass(frozen=True)
class GradeOptions:
    """How a cohort is graded.

    Attributes:
        mode: how images that are not outstanding become gradable or ungradable.
        heat: whether overlays are written.
        append: whether images are added to those in the results folder; takes a settled model.
        all_findings: whether outstanding images get findings too.
        executor: shares the images among threads or machines.
    """

    mode: Mode = Mode.AS_MODEL
    heat: bool = True
    append: bool = False
    all_findings: bool = False
    executor: Executor = field(default_factory=Threads)


@contextmanager
def grade_files(
    model: AnyGrader,
    source: ImageSource,
    folder: Path,
    options: GradeOptions,
    *,
    progress: Progress | None = None,
    notify: Callable[[str], None] = ignore,
) -> Iterator[Results]:
    """Grade files into a folder; the same call continues where a killed one stopped.

    The context gives the finished results while the folder is still locked, so that views can be made from them.

    Args:
        model: as read from its folder; a results folder belongs to one model.
        notify: takes sentences for the user.

    Raises:
        UsageError: the model is not settled, and images are to be graded alone or added.
        CohortError: a cohort of fewer than 10 images.
        ResultsError: the results folder holds something else.
    """
    alone = _is_alone(model, options)
    if not alone:
        check_cohort_size(len(source))
    started = time.monotonic()
    grader = model.grader
    plan = RunPlan(
        images=[ImageEntry(image.name, image.path, image.page) for image in source.images],
        root=source.root,
        model=grader.model.checksum,
        conditions=json.dumps([library_versions(), str(grader.encoders.device), options.all_findings]),
        append=options.append,
    )
    with begin_run(folder, plan) as run:
        if run.done:
            notify(f"Continuing at {run.done} of {len(run.results)}.")
        _assess_all(grader, source, run, options, progress or NoProgress())
        graded = run.assessments()
        if alone and model.frozen_split is not None:
            split: FittedSplit | None = model.frozen_split
            result = grade_settled(graded, grader.threshold, model.frozen_split)
        else:
            result, split = grade_cohort(graded, grader.threshold, grader.split, seed=grader.model.seed)
        result = add_warnings(result, graded, grader)
        facts = _facts(grader, result, source.ignored, alone=alone, border=None if split is None else split.border)
        facts["seconds"] = round(time.monotonic() - started, 3)
        run.finish(result.gradings, threshold=grader.threshold.value, facts=facts)
        remove_stale(folder, [one.name for one in graded if isinstance(one, Failure)], heat=options.heat)
        yield run.results
        remove_leftovers(folder)


def _is_alone(model: AnyGrader, options: GradeOptions) -> bool:
    if (options.mode is Mode.ALONE or options.append) and model.frozen_split is None:
        raise UsageError(SETTLE_FIRST)
    if options.append and options.mode is Mode.COHORT:
        raise UsageError("Images can be added to results only if each is graded alone, not as a cohort.")
    return model.frozen_split is not None and options.mode is not Mode.COHORT


def _assess_all(grader: Grader, source: ImageSource, run: Run, options: GradeOptions, progress: Progress) -> None:
    names = [entry.name for entry in run.results.entries()]
    if options.heat:
        separate_overlays(run.results.folder, names)
    tasks = [
        Task(image, run.digest(position), heat_path(run.results.folder, names[position]) if options.heat else None)
        for position, image in zip(run.positions, source.images, strict=True)
    ]
    mapping = options.executor.map(Worker(grader, options.all_findings), tasks)
    with progress.task("grading", len(tasks)) as step, mapping as assessed:
        for position, result in zip(run.positions, assessed, strict=True):
            if result is not None:
                run.add(position, result)
            step()


def _facts(grader: Grader, result: CohortResult, ignored: int, *, alone: bool, border: float | None) -> dict[str, Any]:
    counts = {grade.word: result.count(grade) for grade in reversed(Grade)}
    failed = sum(grading.grade is None for grading in result.gradings)
    return {
        "notice": "For research use. Not a medical device.",
        "versions": library_versions(),
        "device": str(grader.encoders.device),
        "threads": torch.get_num_threads(),
        "model": grader.model.checksum,
        "recipe": grader.model.recipe,
        "seed": grader.model.seed,
        "split": "settled" if alone else "cohort",
        "alpha": grader.model.settings["threshold"].get("alpha"),
        "threshold": grader.threshold.value,
        "border": border,
        "size": grader.encoders.size,
        "intensity_range": grader.intensity_range.to_values(),
        "precision": "single",
        "counts": {**counts, "failed": failed, "all": len(result.gradings), "ignored": ignored},
        "warnings": list(result.warnings),
        "settings": grader.model.settings,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
