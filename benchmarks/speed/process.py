"""A command as a whole process: how long it takes, and how much memory it keeps for itself."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

EVERY = 0.05
"""Seconds between two looks at the memory."""

LAST_LINES = 15
"""Lines of a failed command that are shown."""


@dataclass(frozen=True)
class Ran:
    """What a process took.

    Attributes:
        memory: most bytes at a time that only this process and those it started held.
        said: its standard output.
    """

    seconds: float
    memory: int
    said: str

    def figures(self) -> dict[str, float]:
        return {"seconds": self.seconds, "memory": self.memory}


def run(command: Sequence[str | Path], *, allowed: Sequence[int] = (0,)) -> Ran:
    """Run a command to its end.

    Args:
        allowed: exit statuses that are no failure.

    Raises:
        SystemExit: the command failed; its last lines are told.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaints:
        started = time.perf_counter()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=complaints)
        try:
            memory = _watched(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - started
        said, complained = (_text(file) for file in (output, complaints))
    if process.returncode not in allowed:
        last = "\n".join((said + complained).splitlines()[-LAST_LINES:])
        raise SystemExit(f"This command ended with status {process.returncode}: {' '.join(words)}\n{last}")
    return Ran(seconds, memory, said)


def _watched(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end; between looks it sleeps, so that watching costs the watched next to nothing."""
    most = 0
    while process.poll() is None:
        family = _family(process.pid)
        most = max(most, _private(process.pid) if len(family) == 1 else sum(map(_private_of_several, family)))
        try:
            process.wait(EVERY)
        except subprocess.TimeoutExpired:
            continue
    return most


def _family(process: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [process]
    for one in found:
        for task in _entries(Path(f"/proc/{one}/task")):
            try:
                found += map(int, (task / "children").read_text(encoding="ascii").split())
            except OSError:
                continue
    return found


def _private(process: int) -> int:
    """Return the bytes of a process that no file stands behind: anonymous and shared memory.

    Pages of mapped files do not count, libraries nor caches: the system drops them when it wants their place. The
    system counts as it goes, so that looking costs nothing.
    """
    return _lines(Path(f"/proc/{process}/status"), ("RssAnon:", "RssShmem:"))


def _private_of_several(process: int) -> int:
    """Return the same, what several processes hold being shared out among them.

    To look, the system walks through all pages while the process may not claim any: it takes milliseconds.
    """
    return _lines(Path(f"/proc/{process}/smaps_rollup"), ("Pss_Anon:", "Pss_Shmem:"))


def _lines(file: Path, wanted: tuple[str, ...]) -> int:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except OSError:  # it ended between two looks
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(wanted))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def say(sentence: str) -> None:
    """Tell on the error stream how far the measuring is."""
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)
