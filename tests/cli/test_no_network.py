"""Fitting, grading and reporting use no network, whatever a dependency may have in mind."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys

import pytest

FORBIDDEN = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.")

def note(event, arguments):
    if event.startswith(FORBIDDEN) and event != "socket.gethostname":
        with open(LOG, "a", encoding="utf-8") as stream:
            print(event, arguments, file=stream)

LOG = sys.argv.pop(1)
sys.addaudithook(note)
"""

COMMAND = "from unoqa.cli import main; main()"

CONNECTION = """
import socket
try:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
except OSError:
    pass
"""


def run(program, folder, *arguments):
    """Run a program as a user with an empty home does, outside of any continuous integration; return what it sought."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "XDG_CACHE_HOME")}
    environment |= dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA"), str(folder / "home"))
    (folder / "home").mkdir(exist_ok=True)
    log = folder / "log"
    log.touch()
    command = [sys.executable, "-c", PROGRAM + program, str(log), *map(str, arguments)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "http" not in ended.stdout + ended.stderr
    return log.read_text(encoding="utf-8")


def test_a_connection_would_be_seen(tmp_path):
    assert "socket.connect" in run(CONNECTION, tmp_path)


@pytest.mark.slow
def test_no_command_connects_to_anything(clinic, tmp_path):
    model, results = tmp_path / "model", tmp_path / "results"
    for arguments in (
        ("fit", clinic.outstanding, "-o", model),
        ("grade", clinic.mixed, "-m", model, "-o", results),
        ("report", results),
    ):
        assert run(COMMAND, tmp_path, *arguments) == ""
    assert list((tmp_path / "home").rglob("*.onnx"))
