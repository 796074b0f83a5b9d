"""A scheduler of Dask and its workers on loopback, each a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest


def start(*words, folder=None, largest=None, **environment):
    """Start a module of Python; `largest` is the size in kilobytes of the largest file that it may write."""
    limit = "" if largest is None else f"ulimit -f {2 * largest}; "
    return subprocess.Popen(
        ["sh", "-c", f'{limit}exec "$@"', "sh", sys.executable, "-m", *map(str, words)],
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=folder,
    )


def end(process):
    """End a process and what it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Cluster:
    """A scheduler and its workers, each a process."""

    def __init__(self, base):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.base = base
        self.processes = []
        self.start_scheduler()

    def start_scheduler(self):
        self.scheduler = start(
            "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", self.port, "--no-dashboard", "--no-show"
        )
        self.processes.append(self.scheduler)

    def add(self, folder="worker", *, nanny=True, largest=None, **environment):
        local = self.base / folder
        local.mkdir(exist_ok=True)
        watched = () if nanny else ("--no-nanny",)
        worker = start(
            "distributed.cli.dask_worker", self.address, "--nthreads", 1, "--no-dashboard", "--memory-limit", 0,
            "--local-directory", local, "--host", "127.0.0.1", *watched,
            folder=local, largest=largest, TMPDIR=str(local), **environment,
        )  # fmt: skip
        self.processes.append(worker)
        return worker


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path)
    yield made
    for process in made.processes:
        end(process)


class During:
    """Progress that does something once, after some steps."""

    def __init__(self, steps, act):
        self.left, self.act = steps, act

    @contextmanager
    def task(self, title, total):
        yield self.step

    def step(self):
        self.left -= 1
        if self.left == 0:
            self.act()
