"""What of a person is kept: by default nothing that the header of a file says of who, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, final

from unoqa.core.facts import DATES, DECLARED, IDENTIFIERS, Fact, Facts
from unoqa.store.hidden_names import hide_name, hide_paths
from unoqa.store.site_key import check_key, hash_text

if TYPE_CHECKING:
    from collections.abc import Sequence

READER_OF_PERSONS = "pydicom"
"""The library without which no format reads anything of a person from a header."""

HASHED = ", hashed"
"""What the source of a fact has after it where the value is a hash."""


@final
@dataclass(frozen=True)
class Privacy:
    """What is kept of that which headers say of a person; what a user declares in a manifest always is.

    Attributes:
        keep_identifiers: whether patient and session stay as they are; else they are hashes with the key of the site.
        keep_dates: whether the date of the scan is kept.
        hash_names: whether names and paths of files are hashed too, everywhere.
    """

    keep_identifiers: bool = False
    keep_dates: bool = False
    hash_names: bool = False

    def check(self) -> None:
        """Make or read what hashing takes, before the work of a command that shall not end in the midst of it.

        Raises:
            UsageError: the key of the site, or the file that remembers hashed names, cannot be read or made.
        """
        if self.hash_names:
            hide_paths([])
        if self.hash_names or (find_spec(READER_OF_PERSONS) and not self.keep_identifiers):
            check_key()

    def hide_name(self, name: str, page: int = 0) -> str:
        """Return the name that an image has in results; `#2` and so on after it stays."""
        if not self.hash_names:
            return name
        mark = f"#{page + 1}" if page else ""
        return hide_name(name.removesuffix(mark)) + mark

    def hide_paths(self, paths: Sequence[str]) -> list[str]:
        """Return the paths as results keep them."""
        return hide_paths(paths) if self.hash_names else list(paths)

    def clean(self, facts: Facts) -> Facts:
        """Return the facts that may be kept."""
        changed: dict[str, Fact | None] = {}
        for name, fact in facts.known():
            if fact.source == DECLARED:
                continue
            if name in IDENTIFIERS and not self.keep_identifiers:
                changed[name] = _hash(name, fact)
            if name in DATES and not self.keep_dates:
                changed[name] = None
        return replace(facts, **changed) if changed else facts


NOTHING_KEPT = Privacy()
"""What holds unless asked for."""


def _hash(name: str, fact: Fact) -> Fact:
    if fact.source.endswith(HASHED):
        return fact
    return Fact(hash_text(f"{name}:{fact.value}"), fact.source + HASHED)
