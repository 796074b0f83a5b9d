"""Recent images, taken from the records of results folders and put in groups: devices or sites, and weeks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, final

from unoqa.core.assessment import Assessment, Failure
from unoqa.core.errors import UsageError
from unoqa.grader.statistics import FEWEST, CohortStatistics, Numbers, list_numbers
from unoqa.store.results import Results
from unoqa.store.results.assessments import iterate_assessments

if TYPE_CHECKING:
    from pathlib import Path

By = Literal["week", "device", "site"]
"""How images are put in groups: the weeks of all images, or the weeks of each device or site."""

ALL = "all images"
"""Name of the only group if images are grouped by weeks alone."""


@final
@dataclass(frozen=True)
class Period:
    """Images of one group, taken in one week, or in several that follow each other and have few images each.

    Attributes:
        group: the device or site, or `all images`.
        first, last: the Mondays of its first and last week; None if no date of the group's images is known.
        cohort: numbers of its images.
    """

    group: str
    first: date | None
    last: date | None
    cohort: CohortStatistics

    @property
    def name(self) -> str:
        """The weeks in words."""
        if self.first is None or self.last is None:
            return "all dates"
        start = _write(self.first)
        return f"week of {start}" if self.first == self.last else f"weeks of {start} to {_write(self.last)}"


@final
@dataclass(frozen=True)
class Recent:
    """All periods, group by group and in the order of time, and sentences about images that are in none."""

    periods: tuple[Period, ...]
    notes: tuple[str, ...]


def iterate_images(folders: Sequence[Path], model: str) -> Iterator[Assessment]:
    """Yield the images of results folders that a model has scored; of copies with the same pixels, the first.

    Args:
        model: its checksum.

    Raises:
        ResultsError: a folder holds no finished results.
        UsageError: other models graded the images of a folder, or the version that did kept no statistics.
    """
    seen = set[str]()
    for folder in folders:
        with Results.open(folder) as results:
            results.check_finished()
            number = _find_model(results, model)
            for one in iterate_assessments(results):
                if isinstance(one, Failure) or one.model != number or one.digest in seen:
                    continue
                if not one.statistics:
                    raise UsageError(f"{folder} was graded by a version that kept no measures; grade its images again.")
                seen.add(one.digest)
                yield one


def group_images(images: Iterable[Assessment], by: By) -> Recent:
    """Put images in periods of at least 20.

    Raises:
        UsageError: no period has as many.
    """
    groups = defaultdict[str, _Group](_Group)
    for image in images:
        groups[_name_group(image, by)].add(image)
    periods, notes = [], list[str]()
    for name in sorted(groups):
        found, note = groups[name].divide(name)
        periods += found
        notes += note
    if not periods:
        raise UsageError(
            f"Monitoring takes at least {FEWEST} images of one group, and there are too few: "
            f"{', '.join(f'{name} {len(groups[name])}' for name in sorted(groups)) or 'none'}; name results of "
            "more images."
        )
    return Recent(tuple(periods), tuple(notes))


def _find_model(results: Results, model: str) -> int:
    models = results.facts.get("models", [{"model": results.read_meta("model", "")}])
    numbers = [number for number, one in enumerate(models) if one["model"] == model]
    if not numbers:
        raise UsageError(
            f"{results.folder} was graded by another model, whose scores mean something else; name the model that "
            "graded it (-m), or grade the images with this one."
        )
    return numbers[0]


def _name_group(image: Assessment, by: By) -> str:
    if by == "week":
        return ALL
    fact = image.facts.device if by == "device" else image.facts.site
    text = f"{by} not known" if fact is None else fact.value
    return "".join(letter if letter.isprintable() else " " for letter in text)  # it steers no terminal


@final
@dataclass
class _Group:
    """The images of one group.

    Attributes:
        weeks: numbers of the images of each week, by its Monday.
        undated: numbers of those whose date is not known.
        strange: how many images have each date that is none.
    """

    weeks: defaultdict[date, list[Numbers]] = field(default_factory=lambda: defaultdict(list))
    undated: list[Numbers] = field(default_factory=list)
    strange: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.undated) + sum(map(len, self.weeks.values()))

    def add(self, image: Assessment) -> None:
        text = "" if image.facts.acquired is None else image.facts.acquired.value
        monday = _find_monday(text)
        (self.undated if monday is None else self.weeks[monday]).append(list_numbers(image))
        self.strange.update([text] if text and monday is None else [])

    def divide(self, group: str) -> tuple[list[Period], list[str]]:
        """Return the periods, and sentences about images that are in none."""
        notes = [_note_date(group, text, count) for text, count in self.strange.items()]
        if not self.weeks:
            if len(self) < FEWEST:
                return [], [*notes, f"{group}: {len(self)} images, too few to compare ({FEWEST} are needed)."]
            return [Period(group, None, None, CohortStatistics.stack(self.undated))], notes
        if undated := len(self.undated) - self.strange.total():
            notes.append(f"{group}: {undated} images have no date and are in no week.")
        merged = list(_merge(self.weeks))
        if len(rest := merged[-1][2]) < FEWEST:
            notes.append(f"{group}: the last {len(rest)} images wait until there are {FEWEST} to compare.")
        enough = [one for one in merged if len(one[2]) >= FEWEST]
        return [Period(group, first, last, CohortStatistics.stack(some)) for first, last, some in enough], notes


def _merge(weeks: Mapping[date, list[Numbers]]) -> Iterator[tuple[date, date, list[Numbers]]]:
    """Yield weeks, those with few images together with the next; at the end there may be too few."""
    first, some = None, list[Numbers]()
    for monday in sorted(weeks):
        first, some = first or monday, [*some, *weeks[monday]]
        if len(some) >= FEWEST or monday == max(weeks):
            yield first, monday, some
            first, some = None, []


def _find_monday(text: str) -> date | None:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return day - timedelta(days=day.weekday())


def _note_date(group: str, text: str, count: int) -> str:
    images = "1 image has" if count == 1 else f"{count} images have"
    return f"{group}: {images} the date '{text}', which is none; write 2026-03-12 in the manifest and grade again."


def _write(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
