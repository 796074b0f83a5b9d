"""Commands that run in processes of their own, so that neither a closed page nor a killed server ends them.

A job is a folder: its command, what it prints, how far it is. Its process holds a lock for as long as it lives; so a
server that was started anew knows which jobs still run.
"""

from __future__ import annotations

import builtins
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, final

from filelock import FileLock, Timeout

from unoqa.app.start.commands import UNMEASURED, show_command
from unoqa.core.errors import UsageError
from unoqa.store.files import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from unoqa.web.roots import Root

JOBS = ".unoqa-jobs"
"""The hidden folder of jobs, in the folder that was opened."""

JOB, PID, LOG, PROGRESS, LOCK, EXIT = "job.json", "pid", "log.txt", "progress.json", "lock", "exit"
"""What is in the folder of a job."""

MOST = 12
"""Jobs that the page shows, the newest first."""

LAST_CHARACTERS = 20_000
"""Of what a job has printed."""

NAMED, NEXT = "  ", "Next: unoqa "
"""How lines of messages begin that name an image, and those that name the next command."""

STATES = {0: "done", 3: "done, with failures"}
"""By exit status; see `unoqa.cli.parts.exit_status`."""


@final
class Jobs:
    """The jobs of one folder.

    Requests come on several threads at once; each method is done before the next begins, so that two presses of a
    button start one job.
    """

    def __init__(self, root: Root) -> None:
        self._root = root
        self._folder = root.folder / JOBS
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._turn = threading.Lock()

    def start(self, command: list[str]) -> str:
        """Run a command; return the name of its job.

        Raises:
            UsageError: another job runs.
        """
        with self._turn:
            self._check_free()
            name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
            folder = self._folder / name
            folder.mkdir(parents=True)
            write_text(folder / JOB, json.dumps({"command": command, "folder": str(self._root.folder)}))
            self._run(name)
            return name

    def resume(self, name: str) -> None:
        """Run the command of a job again; fits and gradings continue where they stopped.

        Raises:
            UsageError: there is no such job, or another one runs.
        """
        with self._turn:
            folder = self._find(name)
            self._check_free()
            (folder / EXIT).unlink(missing_ok=True)
            self._run(name)

    def stop(self, name: str) -> None:
        """End the process of a job; what it has done stays.

        Raises:
            UsageError: there is no such job, or it has ended.
        """
        with self._turn:
            folder = self._find(name)
            if not self._is_running(name):
                raise UsageError("This job has ended already.")
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(int((folder / PID).read_text(encoding="utf-8")), signal.SIGTERM)

    def remove(self, name: str) -> None:
        """Forget a job; what it has made stays.

        Raises:
            UsageError: there is no such job, or it is running.
        """
        with self._turn:
            folder = self._find(name)
            if self._is_running(name):
                raise UsageError("This job is running; stop it first.")
            shutil.rmtree(folder)

    def list(self) -> list[dict[str, Any]]:
        """Return the newest jobs: command, state, progress and what they print."""
        with self._turn:
            return [self._describe(folder) for folder in self._newest()]

    def _newest(self) -> Sequence[Path]:
        return [path.parent for path in sorted(self._folder.glob(f"*/{JOB}"), reverse=True)[:MOST]]

    def _check_free(self) -> None:
        if any(self._is_running(folder.name) for folder in self._newest()):
            raise UsageError("Another job is running; wait for it, or stop it first.")

    def _run(self, name: str) -> None:
        folder = self._find(name)
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        with (folder / LOG).open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "unoqa.app.start.worker", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                creationflags=flags,
                start_new_session=True,  # where there are sessions: Ctrl-C at the server does not reach it
            )
        self._children[name] = child
        write_text(folder / PID, str(child.pid))

    def _find(self, name: str) -> Path:
        folder = self._folder / name
        if not name.replace("-", "").isdecimal() or not (folder / JOB).is_file():
            raise UsageError("There is no such job any more; reload the page.")
        return folder

    def _is_running(self, name: str) -> bool:
        child = self._children.get(name)
        if child is not None and child.poll() is None:
            return True
        lock = FileLock(self._folder / name / LOCK)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return True
        lock.release()
        return False

    def _describe(self, folder: Path) -> dict[str, Any]:
        job = json.loads((folder / JOB).read_text(encoding="utf-8"))
        running = self._is_running(folder.name)
        status = folder / EXIT
        code = int(status.read_text(encoding="utf-8")) if status.is_file() else None
        state = "running" if running else "stopped" if code is None else STATES.get(code, "not done")
        words = job["command"]
        log = _read_log(folder / LOG)
        return {
            "name": folder.name,
            "command": show_command(words),
            "action": words[0],
            "output": words[words.index("-o") + 1] if "-o" in words else words[-1],
            "state": state,
            "progress": _read_progress(folder / PROGRESS) if running else [],
            "log": log,
            "pictures": [] if running or words[0] in UNMEASURED else self._find_pictures(words[1], log),
        }

    def _find_pictures(self, images: str, log: str) -> builtins.list[dict[str, str]]:
        """Return the images that the messages name, each in a line of its own, and where they lie."""
        found = {}
        for line in log.splitlines():
            if line.startswith(NAMED) and (folder := self._root.folder / images).is_dir():
                name = line.removeprefix(NAMED).split(" = ")[0].split(": ")[0]
                with suppress(UsageError, OSError):  # it leads out of the folder, or is too long for a name
                    if (path := self._root.follow(folder / name)).is_file():
                        found[name] = self._root.name(path)
        return [{"name": name, "path": path} for name, path in found.items()]


def _read_progress(path: Path) -> list[dict[str, Any]]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not written yet
        return []


def _read_log(path: Path) -> str:
    """Return the end of what a job has printed, without the next command for a terminal: the page has its own."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")[-LAST_CHARACTERS:]
    except OSError:
        return ""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(NEXT))
