"""The process of one job: runs a command as `python -m unoqa` does, and holds the job's lock meanwhile."""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from unoqa.app.start.commands import UNMEASURED
from unoqa.app.start.jobs import EXIT, JOB, LOCK, PROGRESS
from unoqa.store.files import write_text

LONGEST_WAIT = 5
"""Seconds until the lock of a job that is taken is held by another worker; a server that looks at it has it briefly."""


def run_job(folder: Path) -> None:
    """Run the command of a job; its exit status is written when it ends, and missing if it was killed.

    Raises:
        SystemExit: another process does the job.
    """
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=LONGEST_WAIT)
    except Timeout:
        sys.exit("unoqa: Another process does this job already; wait for it, or stop it first.")
    with lock:
        os.chdir(job["folder"])
        (folder / PROGRESS).unlink(missing_ok=True)
        words = job["command"]
        told = [] if words[0] in UNMEASURED else ["--progress", str(folder / PROGRESS)]
        sys.argv = ["unoqa", *words, *told]
        status: object = 1
        try:
            runpy.run_module("unoqa", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            status = end.code
        finally:
            write_text(folder / EXIT, str(status if isinstance(status, int) else 0 if status is None else 1))


if __name__ == "__main__":
    run_job(Path(sys.argv[1]).absolute())
