"""The end of a run: assessments of all images become grades, and the record gets the facts of the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, final

import torch

from unoqa.batch.grading import grade_each, leave_ungraded
from unoqa.core.assessment import Failure
from unoqa.core.grading import Grade
from unoqa.grader.open_encoders import library_versions
from unoqa.grader.packages import list_packages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.batch.grading import Outcome
    from unoqa.batch.shards import Shard
    from unoqa.grader.choice_of_model import Models
    from unoqa.grader.grader import AnyGrader
    from unoqa.store.results import Run


@final
@dataclass(frozen=True)
class Conclusion:
    """How assessed images are graded.

    Attributes:
        cohort: whether images are clustered even if a model is settled.
        ignored: number of files in the folders that are not images.
        shard: the part of the images that the run is about, which gets no grades if they are clustered; None for all.
    """

    models: Models
    cohort: bool
    ignored: int = 0
    shard: Shard | None = None

    @property
    def clusters(self) -> bool:
        """Whether the images of any model are clustered, so that all of them are needed."""
        return self.cohort or any(one.frozen_split is None for one in self.models.graders)

    def finish(self, run: Run, *, seconds: float) -> list[str]:
        """Grade all images of the record; return the names of those that failed.

        Args:
            seconds: that the run took.
        """
        assessed = run.assessments()
        facts: dict[str, Any] = {"seconds": round(seconds, 3)}
        if self.shard is not None:
            facts["shard"] = {"number": self.shard.number, "of": self.shard.of, "graded": not self.clusters}
        if self.shard is not None and self.clusters:
            outcome = leave_ungraded(self.models, assessed, self.shard)
        else:
            outcome = grade_each(self.models, assessed, cohort=self.cohort)
        graders = [one.grader for one in self.models.graders]
        run.finish(
            outcome.result.gradings,
            threshold=[one.threshold.value for one in graders],
            facts=self._make_facts(outcome) | facts,
            references=[one.fitted.reference.tolist() for one in graders],
        )
        return [one.name for one in assessed if isinstance(one, Failure)]

    def _make_facts(self, outcome: Outcome) -> dict[str, Any]:
        """Return what `run.json` shows; what differs between models stands in `models` only."""
        result = outcome.result
        counts = {grade.word: result.count(grade) for grade in reversed(Grade)}
        out = sum(bool(grading.out_of_scope) and grading.score is None for grading in result.gradings)
        failed = sum(grading.grade is None for grading in result.gradings) - out
        each = [
            {**_describe_model(model, cohort=self.cohort), "border": border}
            for model, border in zip(self.models.graders, outcome.borders, strict=True)
        ]
        shared = {key: value for key, value in each[0].items() if all(one[key] == value for one in each)}
        return {
            "notice": "For research use. Not a medical device.",
            "versions": library_versions() | _list_added_versions(self.models.graders),
            "device": str(self.models.graders[0].grader.encoders.device),
            "threads": torch.get_num_threads(),
            **shared,
            "model": self.models.checksum,
            "models": [{**one, "images": images} for one, images in zip(each, outcome.images, strict=True)],
            "counts": {
                **counts,
                "failed": failed,
                "out of scope": out,
                "all": len(result.gradings),
                "ignored": self.ignored,
            },
            "faults": sorted({words for one in self.models.graders for words in one.grader.fitted.findings.reasons}),
            "duplicates": {"exact": outcome.duplicates.exact, "near": outcome.duplicates.near},
            "warnings": list(result.warnings),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def _list_added_versions(models: Sequence[AnyGrader]) -> dict[str, str]:
    """Return name and version of each other package that adds a choice to a model."""
    graders = [one.grader for one in models]
    found = {
        package for one in graders for package in list_packages(one.model.settings, one.fitted.findings.names).values()
    }
    return dict(package.rsplit(" ", 1) for package in sorted(found))


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
        **({} if grader.model.calibration is None else {"calibration": grader.model.calibration}),
        **({} if grader.model.adapted is None else {"adapted": grader.model.adapted}),
    }
