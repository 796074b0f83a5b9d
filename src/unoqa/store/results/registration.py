"""Which images a run is about, and which rows of the record they have."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

from unoqa.core.errors import ResultsError
from unoqa.store.file_names import find_common_folder
from unoqa.store.path_text import to_path, to_text, to_words
from unoqa.store.results.places import ImageEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from unoqa.store.results.results import Results

CLEARED = (
    "digest = NULL, rows = NULL, columns = NULL, score = NULL, percentile = NULL, members = NULL, point = NULL, "
    "grade = NULL, certainty = NULL, reduced = NULL, error_code = '', error = '', out_of_scope = '', warnings = '', "
    "fingerprint = '', model = NULL, statistics = NULL, spread = NULL, unsure = NULL"
)
"""Assignments that make a row one of an image that is not assessed."""


@final
@dataclass(frozen=True)
class RunPlan:
    """What a run is about.

    Attributes:
        images: in the order in which they were named.
        root: folder below which all of them lie; empty if they are in memory.
        model: checksum of the model; a results folder belongs to one model.
        conditions: versions, device and settings that scores may depend on; images assessed under other conditions
            are assessed again.
        append: whether images may be added to those in the record.
        shard: which part of a cohort the images are, as JSON; None if they are all.
    """

    images: Sequence[ImageEntry]
    root: str
    model: str
    conditions: str
    append: bool = False
    shard: Mapping[str, Any] | None = None


def register_images(results: Results, plan: RunPlan) -> list[int]:
    """Give each image of the plan its row."""
    plan = _make_storable(plan)
    folder = results.folder
    model = results.read_meta("model", None)
    if model is not None and model != plan.model:
        raise ResultsError(f"{folder} holds the results of another model; name a new folder.")
    known = results.entries()
    if not known:
        _insert(results, 0, plan.images)
        results.write_meta(root=plan.root)
        return list(range(len(plan.images)))
    if plan.append:
        return _append(results, known, plan)
    names, wanted = [one.name for one in known], [one.name for one in plan.images]
    if names != wanted:
        if results.finished or Counter(names) - Counter(wanted):
            raise ResultsError(
                f"{folder} holds the results of other images; name a new folder, or add these images to it (append)."
            )
        _insert_between(results, names, plan.images)
    _move(results, plan)
    return list(range(len(wanted)))


def _make_storable(plan: RunPlan) -> RunPlan:
    """Return the plan with paths as a record keeps them."""
    return replace(plan, images=[replace(one, path=to_text(one.path)) for one in plan.images], root=to_text(plan.root))


def _append(results: Results, known: Sequence[ImageEntry], plan: RunPlan) -> list[int]:
    rows = {(one.path, one.page): position for position, one in enumerate(known)}
    taken = {one.name for one in known}
    positions, fresh = [], list[ImageEntry]()
    for one in plan.images:
        position = rows.get((one.path, one.page)) if one.path else None
        if position is None:
            position = len(known) + len(fresh)
            name = one.name if one.name not in taken else _full_name(one)
            fresh.append(ImageEntry(name, one.path, one.page))
        positions.append(position)
    _insert(results, len(known), fresh)
    roots = map(to_path, (results.read_meta("root", ""), plan.root))
    results.write_meta(root=to_text(find_common_folder(roots)))
    return positions


def _insert_between(results: Results, names: Sequence[str], images: Sequence[ImageEntry]) -> None:
    """Give images that came since an unfinished run their rows; the rows of the others move."""
    left = Counter(names)
    fresh = []
    moved = defaultdict[str, list[int]](list)
    for position, one in enumerate(images):
        if left[one.name] > 0:
            left[one.name] -= 1
            moved[one.name].append(position)
        else:
            fresh.append((position, one))
    new = {old: moved[name].pop(0) for old, name in enumerate(names)}
    # By way of negative rows, so that no two rows meet.
    update = results.connection.executemany
    update("UPDATE images SET position = ? WHERE position = ?", [(-1 - row, old) for old, row in new.items()])
    update("UPDATE images SET position = -1 - position WHERE position = ?", [(-1 - row,) for row in new.values()])
    for position, one in fresh:
        _insert(results, position, [one])


def _full_name(entry: ImageEntry) -> str:
    """Name an image by its whole path, where another image has its short name."""
    path = to_words(to_path(entry.path))
    return f"{path}#{entry.page + 1}" if entry.page else path


def _insert(results: Results, first: int, images: Sequence[ImageEntry]) -> None:
    results.connection.executemany(
        "INSERT INTO images (position, name, path, page) VALUES (?, ?, ?, ?)",
        [(first + number, one.name, one.path, one.page) for number, one in enumerate(images)],
    )


def _move(results: Results, plan: RunPlan) -> None:
    """Note where the images lie now."""
    results.connection.executemany(
        "UPDATE images SET path = ?, page = ? WHERE position = ?",
        [(one.path, one.page, position) for position, one in enumerate(plan.images)],
    )
    results.write_meta(root=plan.root)


def check_others(results: Results, positions: Collection[int]) -> None:
    """Refuse a run that leaves images of the record without a result: it would finish and lose them.

    Args:
        positions: of the images that the run is about.

    Raises:
        ResultsError: other images were not assessed, or under other conditions.
    """
    mine = frozenset(positions)
    rows = results.connection.execute(
        "SELECT position, name FROM images WHERE digest IS NULL AND error_code = '' ORDER BY position"
    )
    if left := next((name for position, name in rows if position not in mine), None):
        raise ResultsError(
            f"{results.folder} holds other images that must be graded first, such as {left} (their run is not "
            "finished, or had other versions, another device or other findings); name all images in one command."
        )


def clear_assessments(results: Results) -> None:
    """Forget all assessments, which other conditions made; readers' decisions stay."""
    results.connection.execute(f"UPDATE images SET {CLEARED}")
    results.connection.execute("DELETE FROM findings")
    results.connection.execute("DELETE FROM facts")
