"""What the record knows of each image beside its grading: for views that show all of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.core.facts import Fact
from unoqa.store.results.database import RECORD, attach, explaining_damage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from unoqa.store.results.results import Results


@final
@dataclass(frozen=True)
class Details:
    """What is known of one image beside its grading.

    Attributes:
        facts: by name.
        warnings: codes of how the image differs from those that the model was fitted on.
        members: the weighted standardised score of each member of the panel; empty without a score.
        reduced: the first two numbers by which the image was clustered; empty if it was not.
    """

    facts: Mapping[str, Fact]
    warnings: tuple[str, ...]
    members: tuple[float, ...]
    reduced: tuple[float, ...]


def iterate_details(results: Results) -> Iterator[Details]:
    """Yield the details of all images, in the order of `Results.iterate`.

    Raises:
        ResultsError: the record cannot be read.
    """
    with explaining_damage(results.folder / RECORD):
        known = results.connection.execute("SELECT position, name, value, source FROM facts ORDER BY position, name")
        rows = results.connection.execute("SELECT position, warnings, members, reduced FROM images ORDER BY position")
        for (_, warnings, members, reduced), found in attach(rows, known):
            facts = {name: Fact(value, source) for _, name, value, source in found}
            yield Details(facts, tuple(warnings.split()), _numbers(members), _numbers(reduced))


def read_warnings(results: Results) -> list[tuple[str, ...]]:
    """Return the codes of how each image differs from those that the model was fitted on, in their order.

    Raises:
        ResultsError: the record cannot be read.
    """
    with explaining_damage(results.folder / RECORD):
        rows = results.connection.execute("SELECT warnings FROM images ORDER BY position")
        return [tuple(warnings.split()) for (warnings,) in rows]


def _numbers(text: str | None) -> tuple[float, ...]:
    return tuple(json.loads(text)) if text else ()
