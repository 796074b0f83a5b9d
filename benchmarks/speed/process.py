"""Run a command as a process, and measure its time and its private memory."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

INTERVAL = 0.05
"""Seconds between two readings of the memory."""

LAST_LINES = 15
"""Number of lines of a failed command's output that are shown."""


@dataclass(frozen=True)
class CompletedRun:
    """A finished process.

    Attributes:
        processor: seconds that processors worked for the process and its descendants.
        memory: the most bytes of private memory that the process and its descendants held at one time.
        output: its standard output.
    """

    seconds: float
    processor: float
    memory: int
    output: str


def run(command: Sequence[str | Path], *, allowed: Sequence[int] = (0,)) -> CompletedRun:
    """Run a command to its end.

    Args:
        allowed: exit statuses that do not count as failure.

    Raises:
        SystemExit: the command failed; the message shows its last lines.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as output_file, tempfile.TemporaryFile() as error_file:
        started, worked = time.perf_counter(), _processor_seconds()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output_file, stderr=error_file)
        try:
            memory = _watch_memory(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds, processor = time.perf_counter() - started, _processor_seconds() - worked
        output, errors = (_read_text(file) for file in (output_file, error_file))
    if process.returncode not in allowed:
        last = "\n".join((output + errors).splitlines()[-LAST_LINES:])
        raise SystemExit(f"This command ended with status {process.returncode}: {' '.join(words)}\n{last}")
    return CompletedRun(seconds, processor, memory, output)


def _processor_seconds() -> float:
    """Return the seconds that processors worked for the ended children of this process."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch_memory(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process, and return its peak memory; sleep between readings, so that they cost little."""
    most = 0
    while process.poll() is None:
        family = _find_descendants(process.pid)
        most = max(most, _private_bytes(process.pid) if len(family) == 1 else sum(map(_proportional_bytes, family)))
        try:
            process.wait(INTERVAL)
        except subprocess.TimeoutExpired:
            continue
    return most


def _find_descendants(process: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [process]
    for member in found:  # grows while it is read
        for task in _list_entries(Path(f"/proc/{member}/task")):
            try:
                found += map(int, (task / "children").read_text(encoding="ascii").split())
            except OSError:
                continue
    return found


def _private_bytes(process: int) -> int:
    """Return the bytes of a process without mapped files: anonymous and shared memory.

    Pages of mapped files, such as libraries and caches, do not count: the system can drop them. The system keeps these
    counters up to date, so that reading them costs nothing.
    """
    return _sum_lines(Path(f"/proc/{process}/status"), ("RssAnon:", "RssShmem:"))


def _proportional_bytes(process: int) -> int:
    """Return the same, where pages shared by several processes are divided among them.

    The system walks through all pages for it, which takes milliseconds, and the process cannot claim memory meanwhile.
    """
    return _sum_lines(Path(f"/proc/{process}/smaps_rollup"), ("Pss_Anon:", "Pss_Shmem:"))


def _sum_lines(file: Path, wanted: tuple[str, ...]) -> int:
    """Return the sum in bytes of the lines that begin with one of the words."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except OSError:  # the process ended between two readings
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(wanted))


def _list_entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _read_text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def log(sentence: str) -> None:
    """Print a sentence with the time on the error stream."""
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)
