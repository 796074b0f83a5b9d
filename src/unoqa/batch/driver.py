"""Grading files into a results folder: assessed one by one, recorded, compared, graded."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, final

import torch

from unoqa.batch.executors.threads import Threads
from unoqa.batch.grading import grade_each
from unoqa.batch.worker import Task, Worker
from unoqa.core.assessment import Failure
from unoqa.core.errors import UsageError
from unoqa.core.grading import Grade
from unoqa.core.progress import NoProgress, ignore
from unoqa.grader.choice_of_model import Models
from unoqa.grader.grader import SETTLE_FIRST, AnyGrader, check_cohort_size
from unoqa.grader.open_encoders import library_versions
from unoqa.store.results import ImageEntry, RunPlan, begin_run
from unoqa.store.results.folder import heat_path, remove_leftovers, remove_stale, separate_overlays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from unoqa.batch.executors import Executor
    from unoqa.batch.grading import Outcome
    from unoqa.core.progress import Progress
    from unoqa.grader.source import ImageSource
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
        retry_errors: whether only images that failed before are read again.
        executor: shares the images among threads or machines.
    """

    mode: Mode = Mode.AS_MODEL
    heat: bool = True
    append: bool = False
    all_findings: bool = False
    retry_errors: bool = False
    executor: Executor = field(default_factory=Threads)


@contextmanager
def grade_files(
    model: AnyGrader | Models,
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
        model: one or several, as read from their folders; a results folder belongs to them.
        notify: takes sentences for the user.

    Raises:
        UsageError: the model is not settled, and images are to be graded alone or added.
        CohortError: a cohort of fewer than 10 images.
        ResultsError: the results folder holds something else.
    """
    models = Models.of(model)
    _check_mode(models, options, len(source))
    started = time.monotonic()
    device, kept = str(models.graders[0].grader.encoders.device), asdict(source.privacy)
    precisions = [one.grader.model.usable_precision for one in models.graders]
    *paths, root = source.privacy.hide_paths([*(image.path for image in source.images), source.root])
    plan = RunPlan(
        images=[ImageEntry(one.name, path, one.page) for one, path in zip(source.images, paths, strict=True)],
        root=root,
        model=models.checksum,
        conditions=json.dumps([library_versions(), device, precisions, options.all_findings, kept]),
        append=options.append,
    )
    with begin_run(folder, plan) as run:
        if run.done:
            notify(f"Continuing at {run.done} of {len(run.results)}.")
        _assess_all(models, source, run, options, progress or NoProgress())
        assessed = run.assessments()
        outcome = grade_each(models, assessed, cohort=options.mode is Mode.COHORT)
        facts = _make_facts(models, outcome, source.ignored, options)
        facts["seconds"] = round(time.monotonic() - started, 3)
        run.finish(
            outcome.result.gradings,
            threshold=[one.grader.threshold.value for one in models.graders],
            facts=facts,
            references=[one.grader.fitted.reference.tolist() for one in models.graders],
        )
        remove_stale(folder, [one.name for one in assessed if isinstance(one, Failure)], heat=options.heat)
        yield run.results
        remove_leftovers(folder)


def _check_mode(models: Models, options: GradeOptions, images: int) -> None:
    settled = all(one.frozen_split is not None for one in models.graders)
    if (options.mode is Mode.ALONE or options.append) and not settled:
        raise UsageError(SETTLE_FIRST)
    if options.append and options.mode is Mode.COHORT:
        raise UsageError("Images can be added to results only if each is graded alone, not as a cohort.")
    if not settled or options.mode is Mode.COHORT:
        check_cohort_size(images)


def _assess_all(models: Models, source: ImageSource, run: Run, options: GradeOptions, progress: Progress) -> None:
    names = [entry.name for entry in run.results.entries()]
    if options.heat:
        separate_overlays(run.results.folder, names)
    tasks = {
        position: Task(image, digest, heat_path(run.results.folder, names[position]) if options.heat else None)
        for position, image in zip(run.positions, source.images, strict=True)
        if (digest := run.digest(position, image.facts)) is None or not options.retry_errors
    }
    mapping = options.executor.map(Worker(models, options.all_findings), tasks.values())
    with progress.task("grading", len(tasks)) as step, mapping as assessed:
        for position, result in zip(tasks, assessed, strict=True):
            if result is not None:
                run.add(position, result)
            step()


def _make_facts(models: Models, outcome: Outcome, ignored: int, options: GradeOptions) -> dict[str, Any]:
    """Return what `run.json` shows; what differs between models is null and stands in `models`."""
    result = outcome.result
    counts = {grade.word: result.count(grade) for grade in reversed(Grade)}
    out = sum(bool(grading.out_of_scope) for grading in result.gradings)
    failed = sum(grading.grade is None for grading in result.gradings) - out
    each = [
        {**_describe_model(model, cohort=options.mode is Mode.COHORT), "border": border, "images": images}
        for model, border, images in zip(models.graders, outcome.borders, outcome.images, strict=True)
    ]
    shared = {key: value if all(one[key] == value for one in each) else None for key, value in each[0].items()}
    return {
        "notice": "For research use. Not a medical device.",
        "versions": library_versions(),
        "device": str(models.graders[0].grader.encoders.device),
        "threads": torch.get_num_threads(),
        **{key: value for key, value in shared.items() if key != "images"},
        "model": models.checksum,
        "models": each,
        "counts": {**counts, "failed": failed, "out of scope": out, "all": len(result.gradings), "ignored": ignored},
        "duplicates": {"exact": outcome.duplicates.exact, "near": outcome.duplicates.near},
        "warnings": list(result.warnings),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _describe_model(model: AnyGrader, *, cohort: bool) -> dict[str, Any]:
    grader = model.grader
    return {
        "model": grader.model.checksum,
        "recipe": grader.model.recipe,
        "fitted": {"images": grader.fitted.report.used, "date": grader.model.date},
        "seed": grader.model.seed,
        "split": "cohort" if cohort or model.frozen_split is None else "settled",
        "alpha": grader.model.settings["threshold"].get("alpha"),
        "threshold": grader.threshold.value,
        "size": grader.encoders.size,
        "intensity_range": grader.intensity_range.to_values(),
        "precision": grader.model.usable_precision,
        "crop": str(grader.model.scans.crop),
        "settings": grader.model.settings,
    }
