"""Fitting, grading, reporting and exporting use no network, whatever a dependency may have in mind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import JPEG2000Lossless

from dicom_files import make_object, write_object

PROGRAM = """
import socket
import sys

import pytest

FORBIDDEN = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.")

def asks_for_ipv6(event, arguments):
    # urllib3, which pydicom imports where it is installed, asks the system: it binds a socket to this machine itself.
    made = event == "socket.__new__" and arguments[1] == socket.AF_INET6
    return made or event == "socket.bind" and arguments[1][0] == "::1"

def note(event, arguments):
    if event.startswith(FORBIDDEN) and event != "socket.gethostname" and not asks_for_ipv6(event, arguments):
        with open(LOG, "a", encoding="utf-8") as stream:
            print(event, arguments, file=stream)
        raise PermissionError("this process has no network")

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


CONNECTION_BY_IPV6 = """
import socket
try:
    socket.socket(socket.AF_INET6).connect(("::1", 9))
except OSError:
    pass
"""


def run(program, folder, *arguments):
    """Run a program as a user with an empty home does, outside of any continuous integration; return what it sought."""
    hidden = ("CI", "XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA"), str(folder / "home"))
    (folder / "home").mkdir(exist_ok=True)
    log = folder / "log"
    log.touch()
    command = [sys.executable, "-c", PROGRAM + program, str(log), *map(str, arguments)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "http" not in ended.stdout + ended.stderr
    return log.read_text(encoding="utf-8")


@pytest.mark.requirement("R7")
def test_a_connection_would_be_seen(tmp_path):
    assert "socket.getaddrinfo ('127.0.0.1', 9" in run(CONNECTION, tmp_path)
    assert "socket.connect" in run(CONNECTION_BY_IPV6, tmp_path)


def test_onnx_runtime_keeps_no_identifier_and_starts_no_report(tmp_path, sources):
    """Its report is sent by code that no audit hook sees; it begins with an identifier in the user's home."""
    assert run("import unoqa.encoders.parts.onnx_graph", tmp_path) == ""
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []
    importing = [name for name, text in sources.items() if re.search(r"^\s*(import|from) onnxruntime", text, re.M)]
    assert importing == ["encoders/parts/silent_onnxruntime.py"]


@pytest.mark.slow
@pytest.mark.requirement("R7")
def test_no_command_connects_to_anything(clinic, tmp_path):
    model, results = tmp_path / "model", tmp_path / "results"
    images = shutil.copytree(clinic.mixed, tmp_path / "images")
    for path in list(images.iterdir())[:2]:
        made = make_object(np.asarray(Image.open(path)))
        path.with_suffix(".dcm").write_bytes(write_object(made, JPEG2000Lossless))
    for arguments in (
        ("fit", clinic.outstanding, "-o", model),
        ("grade", images, "-m", model, "-o", results),
        ("report", results),
        ("export", results, "-o", tmp_path / "final.csv"),
        ("export", results, "-o", tmp_path / "final.xlsx", "--as", "xlsx"),
        ("export", results, "-o", tmp_path / "final.parquet", "--as", "parquet"),
        ("export", results, "-o", tmp_path / "reports", "--as", "dicom-sr"),
        ("export", results, "-o", tmp_path / "copies", "--as", "dicom-quality"),
    ):
        assert run(COMMAND, tmp_path, *arguments) == ""
    assert list((tmp_path / "home").rglob("*.onnx"))
    assert not list((tmp_path / "home").rglob("deviceid"))
