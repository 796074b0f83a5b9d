"""The SQLite file of a results folder: its schema, its versions, and transactions."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from unoqa.core.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Row = tuple[Any, ...]
"""One row of a table."""

RECORD = "record.sqlite"
"""Name of the file in a results folder."""

APPLICATION = 0x756E6F71
"""SQLite's application id of our files: the letters `unoq`."""

BUSY_SECONDS = 30.0
"""How long a process waits for another one's transaction, which takes milliseconds."""

NO_LOCKS = frozenset(
    {
        "SQLITE_PROTOCOL",
        "SQLITE_IOERR_LOCK",
        "SQLITE_IOERR_RDLOCK",
        "SQLITE_IOERR_UNLOCK",
        "SQLITE_IOERR_CHECKRESERVEDLOCK",
    }
)
"""What SQLite reports where a file system has no working locks."""

DAMAGE = (ValueError, OverflowError, TypeError, LookupError)
"""What a damaged record raises beside SQLite's errors: text that is no UTF-8, numbers that are no grade."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE images (
    position INTEGER PRIMARY KEY,      -- from 0, in the order in which the images were named
    name TEXT NOT NULL,
    path TEXT NOT NULL DEFAULT '',     -- where the file lay; empty for an image in memory
    page INTEGER NOT NULL DEFAULT 0,   -- from 0
    digest TEXT,                       -- SHA-256 of the pixels; NULL until the image is assessed
    rows INTEGER, columns INTEGER,     -- pixels of the image as read
    score REAL, percentile REAL,
    members TEXT,                      -- JSON list: weighted standardised score of each member of the panel
    point INTEGER,                     -- row in the file of points; NULL if the image is not clustered
    grade INTEGER, certainty REAL,     -- NULL until the run is finished
    error_code TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
    out_of_scope TEXT NOT NULL DEFAULT '',
    warnings TEXT NOT NULL DEFAULT ''   -- codes, separated by spaces
) STRICT;
CREATE TABLE findings (
    position INTEGER NOT NULL REFERENCES images(position) ON UPDATE CASCADE ON DELETE CASCADE,
    rank INTEGER NOT NULL,             -- from 0, the worst first
    measure TEXT NOT NULL, words TEXT NOT NULL, strength REAL NOT NULL, slight INTEGER NOT NULL, place TEXT NOT NULL,
    share REAL NOT NULL, value REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
    unit TEXT NOT NULL, direction INTEGER NOT NULL,
    PRIMARY KEY (position, rank)
) STRICT, WITHOUT ROWID;
CREATE TABLE facts (
    position INTEGER NOT NULL REFERENCES images(position) ON UPDATE CASCADE ON DELETE CASCADE,
    name TEXT NOT NULL, value TEXT NOT NULL, source TEXT NOT NULL,
    PRIMARY KEY (position, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY,
    position INTEGER NOT NULL REFERENCES images(position) ON UPDATE CASCADE ON DELETE RESTRICT,
    reader TEXT NOT NULL,
    time TEXT NOT NULL,                -- UTC, ISO 8601
    field TEXT NOT NULL,               -- what was decided, such as `grade`
    old TEXT, new TEXT,                -- NULL: not decided
    reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX decisions_by_image ON decisions (position, field, reader, id);
CREATE TRIGGER decisions_are_not_changed BEFORE UPDATE OF id, reader, time, field, old, new, reason ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER decisions_are_not_removed BEFORE DELETE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
"""
"""Version 1 of the schema."""

SEVERAL_MODELS = """
ALTER TABLE images ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';  -- what copies of a scan have in common
ALTER TABLE images ADD COLUMN model INTEGER;  -- number of the model that scored it; NULL of version 1: the only one
"""
"""Version 2: one cohort may be graded by several models, and copies among its images are named."""

REDUCED = """
ALTER TABLE images ADD COLUMN reduced TEXT;  -- JSON list: the first two numbers by which the image was clustered
CREATE INDEX images_by_name ON images (name);
"""
"""Version 3: a view can draw what was clustered, and find images by name."""

STATISTICS = """
ALTER TABLE images ADD COLUMN statistics BLOB;  -- numbers of the whole image; `meta` has their names
"""
"""Version 4: cohorts can be compared by more than their scores."""

CERTAINTY = """
ALTER TABLE images ADD COLUMN spread REAL;  -- standard error of the score; NULL of older versions: not known
ALTER TABLE images ADD COLUMN unsure INTEGER;  -- 1: a person should look; NULL of older versions: not known
UPDATE meta SET value = '""' WHERE key = 'conditions';
"""
"""Version 5: certainty is a probability. A run that continues an older one assesses all images again."""

MIGRATIONS: tuple[str, ...] = (SCHEMA, SEVERAL_MODELS, REDUCED, STATISTICS, CERTAINTY)
"""Statements that lead from each version to the next; an empty file has version 0."""

VERSION = len(MIGRATIONS)


def connect(folder: Path, *, vfs: str | None = None) -> sqlite3.Connection:
    """Open the record of a results folder, making or migrating it.

    On a network share whose locks do not work, the record is opened with SQLite's `unix-dotfile`; then one machine at a
    time may work on it.

    Args:
        vfs: SQLite's way to use files; None chooses.

    Raises:
        ResultsError: the file is no record, is damaged, or was written by a newer version.
    """
    path = folder / RECORD
    try:
        return _open(path, vfs)
    except sqlite3.DatabaseError as error:
        if vfs is None and os.name == "posix" and error.sqlite_errorname in NO_LOCKS:
            return connect(folder, vfs="unix-dotfile")
        raise _explain(error, path) from error
    except DAMAGE as error:
        raise _explain(error, path) from error


def _open(path: Path, vfs: str | None) -> sqlite3.Connection:
    uri = path.absolute().as_uri() + (f"?vfs={vfs}" if vfs else "")
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = DELETE")
        migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring a record to the version of this program."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise ResultsError(
            f"{path} was written by a newer version of unoqa (record version {version}, this one reads {VERSION}); "
            "install that version."
        )
    if version == VERSION:
        return
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()  # another process may have done it meanwhile
        for statements in MIGRATIONS[version:]:
            for statement in _split(statements):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing; other processes wait, each for a moment."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # SQLite ends it by itself where the disk is full
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into sentences about the record.

    Raises:
        ResultsError: whatever SQLite could not do.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _explain(error, path) from error


@contextmanager
def explaining_damage(path: Path) -> Iterator[None]:
    """Do so for a block that reads the record only: there, values that cannot be are damage too.

    Raises:
        ResultsError: whatever SQLite could not do, or values that no run has written.
    """
    try:
        with explaining(path):
            yield
    except DAMAGE as error:
        raise _explain(error, path) from error


def _explain(error: Exception, path: Path) -> ResultsError:
    text = str(error)
    if "locked" in text or "busy" in text:
        return ResultsError(f"Another process keeps {path} locked; wait for it and run the same command again.")
    if "full" in text:
        return ResultsError(f"{path} cannot be written: the disk is full; free some space and run the command again.")
    if "readonly" in text or "unable to open" in text or "disk I/O" in text:
        return ResultsError(f"{path} cannot be read or written ({text}); check the folder and its permissions.")
    return ResultsError(f"{path} is not a record of unoqa or is damaged ({text}); name a new folder.")


def attach(rows: Iterable[Row], others: Iterable[Row]) -> Iterator[tuple[Row, list[Row]]]:
    """Yield each row with those of another table that have its position, which is the first value of all of them.

    Args:
        rows, others: both sorted by position.
    """
    groups = groupby(others, key=itemgetter(0))
    position, group = next(groups, (None, iter(())))
    for row in rows:
        found: list[Row] = []
        if row[0] == position:
            found = list(group)
            position, group = next(groups, (None, iter(())))
        yield row, found


def _split(statements: str) -> Iterator[str]:
    """Yield single statements; those that make a trigger hold a semicolon of their own."""
    whole = ""
    for line in statements.splitlines(keepends=True):
        whole += line
        if sqlite3.complete_statement(whole):
            yield whole
            whole = ""
