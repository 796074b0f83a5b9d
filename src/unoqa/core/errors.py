"""All errors that a user can meet. The message of each is one sentence: what is wrong, where, and what to do next.

UnoqaError                catches all of them
├── UsageError            a command, a setting or a name that does not exist
├── ImageError            one image cannot be graded; all others still are
├── WeightsError          an encoder's weights are missing or do not fit
├── FitError              the model cannot be fitted on the outstanding images
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


MAX_LISTED = 20
"""Maximum number of known names that an error lists."""


class UnoqaError(Exception):
    """One sentence for the user: what is wrong, where, and what to do next."""


@final
class UsageError(UnoqaError):
    """A command, a setting or a name that does not exist."""


@final
class ImageError(UnoqaError):
    """One image cannot be graded.

    Attributes:
        code: `unreadable`, `truncated`, `changed`, `too-large`, `too-small`, `constant`, `not-finite`,
            `intensity-range`, `conflict`, `no-scan`, `out-of-scope` or `unsupported`; codes are stable, and documented
            in `docs/outputs.md`.
        scope: empty, or in what it is not such a scan as the model knows, such as `other-slab`.
    """

    def __init__(self, code: str, sentence: str, *, scope: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.scope = scope


@final
class WeightsError(UnoqaError):
    """An encoder's weights are missing or do not fit."""


@final
class FitError(UnoqaError):
    """The model cannot be fitted on the outstanding images."""


@final
class CohortError(UnoqaError):
    """There are too few images to tell gradable from ungradable by clustering."""


@final
class ModelError(UnoqaError):
    """A model folder is missing, damaged or of another version."""


@final
class ResultsError(UnoqaError):
    """A results folder or a label file cannot be used."""


@final
class DataSetError(UnoqaError):
    """A labelled data set is missing, or not laid out as published."""


def unknown_name_error(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for an unknown name; its message suggests the nearest known one.

    >>> print(unknown_name_error("recipe", "measure", ["measures", "default"]))
    There is no recipe 'measure'; did you mean 'measures'? Known: default, measures.
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=MAX_LISTED, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    if len(names) > MAX_LISTED:
        return UsageError(
            f"There is no {kind} '{name}'{hint} {len(names)} are known; near: {', '.join(near) or 'none'}."
        )
    return UsageError(f"There is no {kind} '{name}'{hint} Known: {', '.join(names)}.")
