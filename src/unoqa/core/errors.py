"""Every error that a user can meet, on one page.

UnoqaError                one sentence: what, where, what to do next
├── UsageError            a command, a setting or a name that does not exist
├── ImageError            one file cannot be graded: costs one row, nothing else
├── WeightsError          an encoder's weights are missing or do not fit
├── FitError              the outstanding images cannot be learned from
├── CohortError           too few images to cluster
├── ModelError            a model folder is missing, damaged or of another version
├── ResultsError          a results folder or a label file cannot be used
└── DataSetError          a labelled data set is missing, or not laid out as published
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterable


LISTED = 20
"""Known names that an error lists at most."""


class UnoqaError(Exception):
    """What went wrong, where, and what to do next, in one sentence for the user."""


@final
class UsageError(UnoqaError):
    """A command, a setting or a name that does not exist."""


@final
class ImageError(UnoqaError):
    """One file cannot be graded.

    `code` is stable and documented in `docs/outputs.md`: `unreadable`, `truncated`, `too-large`,
    `too-small`, `constant`, `not-finite`, `unsupported`.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@final
class WeightsError(UnoqaError):
    """An encoder's weights are missing or do not fit."""


@final
class FitError(UnoqaError):
    """The outstanding images cannot be learned from."""


@final
class CohortError(UnoqaError):
    """Too few images to tell gradable from ungradable by clustering."""


@final
class ModelError(UnoqaError):
    """A model folder is missing, damaged or of another version."""


@final
class ResultsError(UnoqaError):
    """A results folder or a label file cannot be used."""


@final
class DataSetError(UnoqaError):
    """A labelled data set is missing, or not laid out as published."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Build the error for a name that is not known, with the nearest known one.

    >>> print(unknown("recipe", "measure", ["measures", "default"]))
    There is no recipe 'measure'; did you mean 'measures'? Known: default, measures.
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=LISTED, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    if len(names) > LISTED:
        return UsageError(
            f"There is no {kind} '{name}'{hint} {len(names)} are known; near: {', '.join(near) or 'none'}."
        )
    return UsageError(f"There is no {kind} '{name}'{hint} Known: {', '.join(names)}.")
