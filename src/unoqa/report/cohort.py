"""A graded cohort as pages show it: all of the record, and which images a page has room for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float

from unoqa.core.facts import IDENTIFIERS
from unoqa.core.grading import Grade, Grading
from unoqa.store.results.details import iterate_details
from unoqa.store.results.reviews import collect_reviews

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unoqa.core.facts import Fact
    from unoqa.store.results import Results
    from unoqa.store.results.reviews import Review

MOST_IMAGES = 5000
"""Images that a page shows; of more, those that are not outstanding come first."""

FEW = 12
"""Most values of a fact by which images are grouped in a table."""

GRADES = (Grade.OUTSTANDING, Grade.GRADABLE, Grade.UNGRADABLE, None)
"""The order in which grades are shown, the best first; None: no grade."""


@final
@dataclass(frozen=True)
class Scan:
    """One image of a cohort.

    Attributes:
        position: its row in the record.
        facts: by name, without those that say who was scanned: they stay in the record.
        flags: codes of what is odd about it, beside its quality.
        members: the weighted standardised score of each member of the panel.
    """

    position: int
    grading: Grading
    facts: Mapping[str, Fact]
    flags: tuple[str, ...]
    members: tuple[float, ...]
    reduced: tuple[float, ...]


@final
@dataclass(frozen=True)
class ScoringModel:
    """A model that scored images of the cohort.

    Attributes:
        facts: as `run.json` shows them.
        threshold: the score up to which an image is outstanding.
        reference: scores of outstanding images that it was not fitted on; empty if the record is older.
    """

    facts: Mapping[str, Any]
    threshold: float
    reference: Float[np.ndarray, " reference"]


@final
@dataclass(frozen=True)
class Cohort:
    """All images of a record, and the facts of the run that graded them.

    Attributes:
        run: facts of the run.
        models: those that scored the images. Scores of several cannot be compared, so they are drawn as what they
            exceed the threshold of their model by.
        reviews: what readers have decided, by position; images that nobody has looked at have none.
    """

    scans: tuple[Scan, ...]
    run: dict[str, Any]
    models: tuple[ScoringModel, ...]
    reviews: Mapping[int, Review] = field(default_factory=dict)

    @classmethod
    def read(cls, results: Results) -> Cohort:
        """Read the record of a finished run.

        Raises:
            ResultsError: the run is not finished.
        """
        results.check_finished()
        scans = []
        for position, (grading, details) in enumerate(zip(results.iterate(), iterate_details(results), strict=True)):
            facts = {name: fact for name, fact in details.facts.items() if name not in IDENTIFIERS}
            flags = tuple(filter(None, (grading.out_of_scope, *details.warnings)))
            scans.append(Scan(position, grading, facts, flags, details.members, details.reduced))
        run = results.facts
        described = run.get("models") or [run]  # a record of version 1 has one model
        thresholds = np.atleast_1d(results.read_meta("threshold", float("nan"))).tolist()
        references = results.read_meta("references", []) or [[]] * len(described)
        models = [
            ScoringModel(facts, threshold, np.asarray(scores, dtype=np.float64))
            for facts, threshold, scores in zip(described, thresholds, references, strict=True)
        ]
        return cls(tuple(scans), run, tuple(models), collect_reviews(results.decisions))

    @property
    def several(self) -> bool:
        """Whether several models scored the images."""
        return len(self.models) > 1

    @property
    def threshold(self) -> float:
        """The score, as it is drawn, up to which an image is outstanding."""
        return 0.0 if self.several else self.models[0].threshold

    @property
    def border(self) -> float | None:
        """The score, as it is drawn, above which an image is ungradable; None if there is no single one."""
        border = None if self.several else self.models[0].facts.get("border")
        return border if isinstance(border, float) else None

    @property
    def reference(self) -> Float[np.ndarray, " reference"]:
        """The scores, as they are drawn, of outstanding images that the models were not fitted on."""
        return np.concatenate([one.reference - (one.threshold if self.several else 0.0) for one in self.models])

    @property
    def seed(self) -> int:
        """The seed of the run; of several models, that of the first."""
        return int(self.models[0].facts.get("seed") or 0)

    def draw(self, scan: Scan) -> float | None:
        """Return the score of an image as it is drawn; None if it has none."""
        grading = scan.grading
        if grading.score is None:
            return None
        return grading.score - grading.threshold if self.several else grading.score

    def count(self, grade: Grade | None) -> int:
        """Count the images of a grade; of None, those without one."""
        return sum(scan.grading.grade is grade for scan in self.scans)

    def scores(self, grade: Grade | None) -> Float[np.ndarray, " scored"]:
        """Return the scores, as they are drawn, of the images of a grade; of None, of those without a grade."""
        scores = [self.draw(scan) for scan in self.scans if scan.grading.grade is grade]
        return np.array([score for score in scores if score is not None], dtype=np.float64)

    def groupings(self) -> dict[str, dict[str, list[Scan]]]:
        """Return the ways to group the images: by each fact that has 2 to 12 values, and by the folder they lay in."""
        found = {}
        names = sorted({name for scan in self.scans for name in scan.facts})
        for name in names:
            found[name.replace("_", " ")] = _group(self.scans, [_value(scan, name) for scan in self.scans])
        found["folder"] = _group(self.scans, [scan.grading.image.rpartition("/")[0] or "." for scan in self.scans])
        return {name: groups for name, groups in found.items() if 2 <= len(groups) <= FEW}

    def choose(self, most: int = MOST_IMAGES) -> list[Scan]:
        """Choose the images for a page, in their order: all, or first those not outstanding, then a seeded sample."""
        if len(self.scans) <= most:
            return list(self.scans)
        generator = np.random.default_rng(self.seed)
        first = [scan for scan in self.scans if scan.grading.grade is not Grade.OUTSTANDING]
        rest = [scan for scan in self.scans if scan.grading.grade is Grade.OUTSTANDING]
        chosen = _sample(first, most, generator)
        chosen += _sample(rest, most - len(chosen), generator)
        return sorted(chosen, key=lambda scan: scan.position)


def _value(scan: Scan, name: str) -> str:
    return scan.facts[name].value if name in scan.facts else "not known"


def _group(scans: Sequence[Scan], values: Sequence[str]) -> dict[str, list[Scan]]:
    groups: dict[str, list[Scan]] = {value: [] for value, _ in Counter(values).most_common()}
    for scan, value in zip(scans, values, strict=True):
        groups[value].append(scan)
    return groups


def _sample(scans: Sequence[Scan], most: int, generator: np.random.Generator) -> list[Scan]:
    if len(scans) <= most:
        return list(scans)
    return [scans[row] for row in generator.choice(len(scans), size=most, replace=False)]
