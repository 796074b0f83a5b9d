"""What tests compare of two results folders: every row of the record, the points, and the views."""

from __future__ import annotations

import sqlite3
from contextlib import closing

TABLES = {
    "images": "position",
    "findings": "position, rank",
    "facts": "position, name",
    "decisions": "position, time",
}

TIMES = ("run.json", "report.html")
"""Views that say when they were made."""


def rows(folder):
    """Return all rows of the record by table."""
    with closing(sqlite3.connect(folder / "record.sqlite")) as record:
        return {
            table: record.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
            for table, order in TABLES.items()
        }


def contents(folder):
    """Return the bytes of the points and of all views and overlays that say no time."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (*TIMES, "record.sqlite", ".lock")
    }
