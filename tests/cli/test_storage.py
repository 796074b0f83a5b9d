"""Storage that is full, or that may not be written to: one sentence, nothing lost, and the same command goes on.

Such storage is a file system of its own in memory, which only the administrator of a machine may mount.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from records import rows

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path):
    """Return a function that mounts a file system of so many kilobytes at a folder, or changes the one there."""
    mounted = []

    def mount(kilobytes, *options):
        folder = tmp_path / "disk"
        folder.mkdir(exist_ok=True)
        words = ["mount", "-t", "tmpfs", "-o", ",".join((f"size={kilobytes}k", *mounted, *options)), "tmpfs", folder]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounts a file system, which is not allowed here ({done.stderr.strip()})")
        mounted[:] = ["remount"]
        return folder

    if not sys.platform.startswith("linux") or os.geteuid():
        pytest.skip("mounts a file system, which needs Linux and its administrator")
    yield mount
    if mounted:
        subprocess.run(["umount", tmp_path / "disk"], check=True)


def run(*words):
    command = [sys.executable, "-m", "unoqa", *map(str, words), "-q"]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr


def test_a_run_goes_on_when_a_full_disk_has_space_again(settled_model, clinic, disk, tmp_path):
    scans = clinic.some(tmp_path / "scans", 12)
    folder = disk(400)
    command = ("grade", scans, "-m", settled_model, "-o")
    status, sentence = run(*command, folder / "results")
    assert status == 2
    assert sentence.startswith(f"unoqa: {folder}")
    assert sentence.count("\n") == 1
    assert re.search(r"free \S*\s?space .*run the (same )?command again\.$", sentence)
    assert not (folder / "results" / "grades.csv").exists()
    disk(64_000)
    assert run(*command, folder / "results")[0] == 0
    assert run(*command, tmp_path / "roomy")[0] == 0
    assert rows(folder / "results") == rows(tmp_path / "roomy")
    assert not list((folder / "results").rglob("*.part"))


def test_a_fit_goes_on_when_a_full_disk_has_space_again(clinic, disk, tmp_path):
    command = ("fit", clinic.outstanding, "--no-selftest", "--recipe", "measures", "-o")
    folder = disk(200)
    status, sentence = run(*command, folder / "model")
    assert (status, sentence.count("\n")) == (2, 1)
    assert sentence.startswith(f"unoqa: {folder}")
    disk(64_000)
    assert run(*command, folder / "model")[0] == 0
    assert run(*command, tmp_path / "model")[0] == 0
    made, expected = ((one / "model" / "checksums.json").read_text() for one in (folder, tmp_path))
    assert made == expected
    assert [path.name for path in folder.iterdir()] == ["model"]


def test_a_folder_that_may_only_be_read(settled_model, clinic, disk, tmp_path):
    folder = disk(64_000)
    scans = clinic.some(folder / "scans", 3)
    words = ("grade", scans, "-m", settled_model, "--alone", "-o")
    assert run(*words, folder / "results") == (0, "")
    disk(64_000, "ro")
    assert run(*words, tmp_path / "results") == (0, "")  # it writes nothing where images lie
    for command in ((*words, folder / "more"), (*words, folder / "results"), ("report", folder / "results")):
        status, sentence = run(*command)
        assert (status, sentence.count("\n")) == (2, 1)
        assert sentence.startswith("unoqa: ")
        assert str(folder) in sentence
    assert "grades.csv" in {path.name for path in (folder / "results").iterdir()}
