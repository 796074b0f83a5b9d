"""Grading files into a results folder: assessed one by one, recorded, compared, graded."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, final

from unoqa.batch.conclusion import Conclusion
from unoqa.batch.executors.threads import Threads
from unoqa.batch.shards import Part, Shard, cut, digest_names
from unoqa.batch.worker import Task, Worker
from unoqa.core.errors import UsageError
from unoqa.core.progress import NoProgress, ignore
from unoqa.grader.choice_of_model import Models
from unoqa.grader.cohort import SETTLE_FIRST, check_cohort_size
from unoqa.grader.grader import AnyGrader
from unoqa.grader.open_encoders import library_versions
from unoqa.store.results import ImageEntry, RunPlan, begin_run
from unoqa.store.results.folder import heat_path, remove_leftovers, remove_stale, separate_overlays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from unoqa.batch.executors import Executor
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
        shard: which part of the images is graded; None for all.
        keep_views: whether views of the images that were there before stay until they are made again.
    """

    mode: Mode = Mode.AS_MODEL
    heat: bool = True
    append: bool = False
    all_findings: bool = False
    retry_errors: bool = False
    executor: Executor = field(default_factory=Threads)
    shard: Shard | None = None
    keep_views: bool = False


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
    plan = _make_plan(models, source, options)
    source = replace(source, images=cut(source.images, options.shard))
    with begin_run(folder, plan) as run:
        if run.done:
            notify(f"Continuing at {run.done} of {len(run.positions)}.")
        _assess_all(models, source, run, options, progress or NoProgress())
        grading = Conclusion(models, cohort=options.mode is Mode.COHORT, ignored=source.ignored, shard=options.shard)
        failed = grading.finish(run, seconds=time.monotonic() - started)
        remove_stale(folder, failed, heat=options.heat, views=not options.keep_views)
        yield run.results
        remove_leftovers(folder)


def _make_plan(models: Models, source: ImageSource, options: GradeOptions) -> RunPlan:
    device, kept = str(models.graders[0].grader.encoders.device), asdict(source.privacy)
    precisions = [one.grader.model.usable_precision for one in models.graders]
    *paths, root = source.privacy.hide_paths([*(image.path for image in source.images), source.root])
    images = [ImageEntry(one.name, path, one.page) for one, path in zip(source.images, paths, strict=True)]
    return RunPlan(
        images=cut(images, options.shard),
        root=root,
        model=models.checksum,
        conditions=json.dumps([library_versions(), device, precisions, options.all_findings, kept]),
        append=options.append,
        shard=None if options.shard is None else _describe_part(options.shard, images, models, options),
    )


def _describe_part(shard: Shard, images: Sequence[ImageEntry], models: Models, options: GradeOptions) -> dict[str, Any]:
    folders = tuple(str(folder) for folder in models.folders)
    cohort = options.mode is Mode.COHORT
    return asdict(Part(shard.number, shard.of, len(images), digest_names(images), folders, cohort, options.heat))


def _check_mode(models: Models, options: GradeOptions, images: int) -> None:
    settled = all(one.frozen_split is not None for one in models.graders)
    if (options.mode is Mode.ALONE or options.append) and not settled:
        raise UsageError(SETTLE_FIRST)
    if options.append and options.shard is not None:
        raise UsageError("A shard cannot be added to other results; give it a new folder, and join all shards.")
    if options.append and options.mode is Mode.COHORT:
        raise UsageError("Images can be added to results only if each is graded alone, not as a cohort.")
    if options.mode is Mode.COHORT:
        for one in models.graders:
            one.grader.model.check_without_labels()
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
    worker = Worker(models, options.all_findings, source.privacy)
    mapping = options.executor.map(worker, list(tasks.values()))
    with progress.task("grading", len(tasks)) as step, mapping as assessed:
        for position, result in zip(tasks, assessed, strict=True):
            if result is not None:
                run.add(position, result)
            step()
