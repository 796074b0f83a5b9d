"""Which scan of each eye is the best, where a manifest names eyes and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.store.results.database import RECORD, explaining_damage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unoqa.store.results.results import Results

_EYES = """
FROM images
JOIN facts AS eye ON eye.position = images.position AND eye.name = 'laterality'
JOIN facts AS session ON session.position = images.position AND session.name = 'session'
    AND session.source = 'manifest'
"""

_QUERY = f"""
SELECT images.position, eye.value, session.value, images.grade IS NOT NULL AND 1 = row_number() OVER (
    PARTITION BY coalesce(patient.value, ''), session.value, eye.value
    ORDER BY images.grade IS NULL, images.grade DESC, images.percentile DESC, images.score, images.position
)
{_EYES}
LEFT JOIN facts AS patient ON patient.position = images.position AND patient.name = 'patient'
ORDER BY images.position
"""


@final
@dataclass(frozen=True)
class EyeScan:
    """One scan of an eye.

    Attributes:
        eye: `right` or `left`.
        session: the visit, in the words of the manifest.
        best: whether no other scan of the same eye and visit (and patient, where there are any) has a better grade or,
            with the same grade, a larger percentile.
    """

    eye: str
    session: str
    best: bool


def has_eyes(results: Results) -> bool:
    """Tell whether a manifest has given eye and session of any image.

    Raises:
        ResultsError: the record cannot be read.
    """
    with explaining_damage(results.folder / RECORD):
        return bool(results.connection.execute(f"SELECT EXISTS (SELECT 1 {_EYES})").fetchone()[0])


def iterate_eyes(results: Results) -> Iterator[EyeScan | None]:
    """Yield, for each image in order, its eye and whether it is the best scan of it; None where nobody says.

    Raises:
        ResultsError: the record cannot be read.
    """
    following = 0
    with explaining_damage(results.folder / RECORD):
        for position, eye, session, best in results.connection.execute(_QUERY):
            yield from [None] * (position - following)
            yield EyeScan(eye, session, bool(best))
            following = position + 1
    yield from [None] * (len(results) - following)
