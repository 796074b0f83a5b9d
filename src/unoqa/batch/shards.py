"""Shards: the parts of a cohort that processes without a common scheduler grade, each into a folder of its own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, final

from unoqa.core.errors import ResultsError, UsageError

if TYPE_CHECKING:
    from unoqa.store.results import ImageEntry, Results

T = TypeVar("T")


@final
@dataclass(frozen=True)
class Shard:
    """One of several equal parts: every `of`-th image, from the one at `number`.

    Attributes:
        number: from 1.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard that a text such as `3/8` names.

        Raises:
            UsageError: it names none.
        """
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"'{text}' names no shard; give its number and how many there are, such as 3/8.")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def cut(images: Sequence[T], shard: Shard | None) -> tuple[T, ...]:
    """Return the images of a shard; of None, all.

    Raises:
        UsageError: there are more shards than images.
    """
    if shard is None:
        return tuple(images)
    if shard.of > len(images):
        raise UsageError(f"{len(images)} images cannot be cut into {shard.of} shards; give {len(images)} at most.")
    return tuple(images[shard.number - 1 :: shard.of])


@final
@dataclass(frozen=True)
class Part:
    """What a record keeps of the shard that it holds.

    Attributes:
        number, of: the shard.
        images: number of images of all shards.
        digest: SHA-256 of the names, paths and pages of all these images.
        models: folders of the models.
        cohort: whether images are clustered even if the model is settled.
        heat: whether overlays are made.
    """

    number: int
    of: int
    images: int
    digest: str
    models: tuple[str, ...]
    cohort: bool
    heat: bool

    @classmethod
    def read(cls, results: Results) -> Part:
        """Return which shard a results folder holds.

        Raises:
            ResultsError: it holds none, or its run is not finished.
        """
        kept = results.read_meta("shard", None)
        if kept is None:
            raise ResultsError(
                f"{results.folder} holds no shard; name the folders that `unoqa grade … --shard I/N` made."
            )
        results.check_finished()
        return cls(**{**kept, "models": tuple(kept["models"])})


def digest_names(images: Sequence[ImageEntry]) -> str:
    """Return the SHA-256 of the names, paths and pages of images, in their order."""
    digest = hashlib.sha256()
    for one in images:
        digest.update(json.dumps([one.name, one.path, one.page]).encode())
    return digest.hexdigest()
