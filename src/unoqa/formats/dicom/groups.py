"""Where an element stands: at the top of an object, or in the functional groups of a frame (PS3.3, C.7.6.16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom import Dataset


def find_holder(header: Dataset, page: int, group: str, keyword: str) -> Dataset | None:
    """Return the part of the header that has an element for a frame; None if none has.

    The frame's own groups come first, then those that all frames share, then the top.

    Args:
        group: the sequence of the functional group that may hold the element.
        keyword: of the element.
    """
    own = header.get("PerFrameFunctionalGroupsSequence") or ()
    shared = header.get("SharedFunctionalGroupsSequence") or ()
    for item in (*own[page : page + 1], *shared[:1]):
        if (held := item.get(group)) and keyword in held[0]:
            return held[0]
    return header if keyword in header else None
