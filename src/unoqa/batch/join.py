"""Joining shards: their records become one, as if one process had graded all images."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, final

from unoqa.batch.conclusion import Conclusion
from unoqa.batch.shards import Part, digest_names
from unoqa.core.assessment import Assessment
from unoqa.core.errors import ResultsError, UsageError
from unoqa.core.progress import NoProgress
from unoqa.store.files import replace_file
from unoqa.store.results import Results, RunPlan, begin_run
from unoqa.store.results.assessments import iterate_assessments
from unoqa.store.results.decisions import copy_decisions
from unoqa.store.results.folder import remove_leftovers, remove_stale, separate_overlays

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from unoqa.core.progress import Progress
    from unoqa.grader.choice_of_model import Models
    from unoqa.store.results import ImageEntry, Run


@final
class Shards:
    """The results of all shards of one cohort.

    Attributes:
        results: in the order of the shards.
        part: of the first one; what it says of the cohort holds for all.
    """

    def __init__(self, results: Sequence[Results]) -> None:
        """Check that the results belong together.

        Raises:
            ResultsError: a folder holds no finished shard, or shards differ in images, models or settings, are
                missing or given twice.
        """
        parts = {one: Part.read(one) for one in results}
        first = results[0]
        for one in results[1:]:
            _check_alike(first, parts[first], one, parts[one])
        _check_complete(parts)
        self.results = sorted(results, key=lambda one: parts[one].number)
        self.part = parts[self.results[0]]

    def entries(self) -> list[ImageEntry]:
        """Return all images, in the order in which they were named."""
        rows = [iter(one.entries()) for one in self.results]
        return [next(row) for row in islice(cycle(rows), self.part.images)]

    def iterate(self) -> Iterator[tuple[Results, Any]]:
        """Yield the assessment of each image and the results that hold it, in the same order."""
        rows = [(one, iterate_assessments(one)) for one in self.results]
        for results, row in islice(cycle(rows), self.part.images):
            yield results, next(row)

    def plan(self) -> RunPlan:
        """Return the plan of the run that graded all images.

        Raises:
            ResultsError: the shards do not hold the images that they were cut from.
        """
        entries, first = self.entries(), self.results[0]
        if digest_names(entries) != self.part.digest:
            raise ResultsError(f"{first.folder} and the other shards hold other images than they were cut from.")
        root, model, conditions = (first.read_meta(key, "") for key in ("root", "model", "conditions"))
        return RunPlan(entries, root, model, conditions)


def _check_alike(first: Results, part: Part, other: Results, others_part: Part) -> None:
    """Refuse two shards that are not of one cohort, graded alike."""
    both = f"{first.folder} and {other.folder}"
    if (part.digest, part.of) != (others_part.digest, others_part.of):
        raise ResultsError(f"{both} are shards of other images, or of another number of shards; join those of one.")
    if first.read_meta("model", "") != other.read_meta("model", ""):
        raise ResultsError(f"{both} were graded with different models; grade them alike.")
    settings = (part.cohort, part.heat), (others_part.cohort, others_part.heat)
    if first.read_meta("conditions", "") != other.read_meta("conditions", "") or settings[0] != settings[1]:
        raise ResultsError(f"{both} were graded with other versions, devices or settings; grade them alike.")


def _check_complete(parts: dict[Results, Part]) -> None:
    """Refuse shards of which one is missing or given twice."""
    found: dict[int, Results] = {}
    for results, part in parts.items():
        if part.number in found:
            both = f"{found[part.number].folder} and {results.folder}"
            raise ResultsError(f"{both} are both shard {part.number} of {part.of}; name each shard once.")
        found[part.number] = results
    of = next(iter(parts.values())).of
    if missing := [str(number) for number in range(1, of + 1) if number not in found]:
        raise ResultsError(f"Of {of} shards, these are missing: {', '.join(missing)}; grade them, and name them too.")


@contextmanager
def join_shards(
    folders: Sequence[Path], models: Models, folder: Path, *, progress: Progress | None = None
) -> Iterator[Results]:
    """Join shards into one results folder; the shards stay as they are.

    The context gives the finished results while the folder is still locked, so that views can be made from them.

    Args:
        folders: of all shards, in any order.
        models: that graded them.

    Raises:
        ResultsError: the shards do not belong together, or the folder holds something else.
        UsageError: other models graded them.
    """
    with ExitStack() as stack:
        shards = Shards([stack.enter_context(Results.open(one)) for one in folders])
        plan = shards.plan()
        if models.checksum != plan.model:
            raise UsageError(f"{folders[0]} was graded with another model; name that one (-m).")
        with begin_run(folder, plan) as run:
            _copy_all(shards, run, progress or NoProgress())
            facts = [one.facts for one in shards.results]
            conclusion = Conclusion(models, shards.part.cohort, facts[0]["counts"]["ignored"])
            failed = conclusion.finish(run, seconds=sum(one["seconds"] for one in facts))
            copy_decisions(run.results.connection, [one.connection for one in shards.results])
            remove_stale(folder, failed, heat=shards.part.heat)
            yield run.results
            remove_leftovers(folder)


def read_part(folder: Path) -> Part:
    """Return which shard a results folder holds.

    Raises:
        ResultsError: it holds none.
    """
    with Results.open(folder) as results:
        return Part.read(results)


def _copy_all(shards: Shards, run: Run, progress: Progress) -> None:
    if shards.part.heat:
        separate_overlays(run.results.folder, [one.name for one in run.results.entries()])
    with progress.task("joining", shards.part.images) as step:
        for position, (results, assessed) in enumerate(shards.iterate()):
            if run.digest(position) is None:  # of an earlier, interrupted join
                run.add(position, assessed)
            if shards.part.heat and isinstance(assessed, Assessment):
                _copy_overlay(results.heat_path(assessed.image), run.results.heat_path(assessed.image))
            step()


def _copy_overlay(source: Path, target: Path) -> None:
    """Copy an overlay; a user may have removed it."""
    if source.is_file():
        with replace_file(target) as fresh:
            shutil.copyfile(source, fresh)
