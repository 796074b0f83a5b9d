"""Readers' decisions: events that are added to the record and never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, final

from unoqa.core.errors import UsageError
from unoqa.store.results.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

_COLUMNS = "position, reader, time, field, old, new, reason"


@final
@dataclass(frozen=True)
class Decision:
    """One decision of a reader about one image; decisions are added and never changed.

    Attributes:
        number: counts all decisions of the record, from 1.
        time: UTC, ISO 8601.
        old: what the reader had decided before; None if nothing.
        new: None withdraws a decision.
    """

    number: int
    position: int
    reader: str
    time: str
    field: str
    old: str | None
    new: str | None
    reason: str


def add_decision(
    connection: sqlite3.Connection, position: int, reader: str, field: str, new: str | None, reason: str
) -> Decision | None:
    """Add a decision in a transaction of its own; one that changes nothing, as when it is sent twice, is not added.

    Raises:
        UsageError: the reader changes an earlier decision without a reason.
    """
    with transaction(connection):
        row = connection.execute(
            "SELECT new FROM decisions WHERE position = ? AND field = ? AND reader = ? ORDER BY id DESC LIMIT 1",
            (position, field, reader),
        ).fetchone()
        old = None if row is None else row[0]
        if new == old:
            return None
        if old is not None and not reason:
            raise UsageError(f"The {field} '{old}' of {reader} is changed to '{new}': say why.")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        values = (position, reader, now, field, old, new, reason)
        added = connection.execute(f"INSERT INTO decisions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    return Decision(added.lastrowid or 0, *values)


def read_decisions(connection: sqlite3.Connection, position: int | None = None) -> tuple[Decision, ...]:
    """Return the decisions about one image, or all, the earliest first."""
    which, values = ("", ()) if position is None else ("WHERE position = ?", (position,))
    rows = connection.execute(f"SELECT id, {_COLUMNS} FROM decisions {which} ORDER BY id", values)
    return tuple(Decision(*row) for row in rows)


def copy_decisions(connection: sqlite3.Connection, shards: Sequence[sqlite3.Connection]) -> None:
    """Add the decisions in the records of shards to that of their join, once; the earliest is the first.

    Args:
        shards: in their order; image i of shard k is image `k + i · (number of shards)` of the join.
    """
    every = [
        (position * len(shards) + number, *values)
        for number, shard in enumerate(shards)
        for position, *values in shard.execute(f"SELECT {_COLUMNS} FROM decisions ORDER BY id")
    ]
    with transaction(connection):
        (known,) = connection.execute("SELECT count(*) FROM decisions").fetchone()
        if not known:
            every.sort(key=lambda row: row[2])  # of one reader's decisions at one time, the order stays
            connection.executemany(f"INSERT INTO decisions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", every)
