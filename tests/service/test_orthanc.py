"""The script for Orthanc: it asks Orthanc directly; with a real one, a stored object comes back with its report."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from dicom_files import make_object, write_object

SCRIPT = Path(__file__).parents[2] / "examples" / "orthanc.py"


@pytest.fixture
def script():
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("orthanc_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Answer(BaseHTTPRequestHandler):
    """Answers as Orthanc does: 200 to `/system`, 401 to `/secret`, 404 to all else."""

    def do_GET(self):
        self.send_response({"/system": 200, "/secret": 401}.get(self.path, 404))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *words):
        """Print nothing."""


def test_no_request_takes_the_way_of_a_proxy_and_a_refusal_is_one_sentence(script, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}"
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, closed)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        orthanc = script.Orthanc(address, "", "")
        try:
            assert orthanc.get("/system") == {}
            assert orthanc.has("/nothing") is False
            with pytest.raises(script.OrthancError) as refused:
                orthanc.has("/secret")
            advice = "check --user and --password-file"
            assert str(refused.value) == f"{address} answers GET /secret with 401 Unauthorized; {advice}."
        finally:
            server.shutdown()
    with pytest.raises(script.OrthancError, match=rf"^{closed} gives no answer \(.*refused.*\); check --orthanc"):
        script.Orthanc(closed, "", "").get("/system")


@pytest.fixture
def orthanc(tmp_path):
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    if program is None:
        if os.environ.get("UNOQA_REQUIRE_ORTHANC"):
            pytest.fail("Orthanc is not installed, and UNOQA_REQUIRE_ORTHANC demands it")
        pytest.skip("needs Orthanc")
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    settings = {
        "Name": "tests", "StorageDirectory": str(tmp_path / "storage"), "IndexDirectory": str(tmp_path / "storage"),
        "HttpPort": ports[0], "DicomPort": ports[1], "DicomServerEnabled": False, "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False, "StableAge": 1, "Plugins": [],
    }  # fmt: skip
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    process = subprocess.Popen([program, str(tmp_path / "orthanc.json")], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{ports[0]}"
    wait(lambda: answers(address))
    yield address
    process.terminate()
    process.wait(30)


def answers(address):
    try:
        return httpx.get(f"{address}/system").is_success
    except httpx.TransportError:
        return False


def wait(ready, seconds=60):
    ends = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < ends
        time.sleep(0.2)


def run(address, model):
    command = [sys.executable, str(SCRIPT), "-m", str(model), "--orthanc", address, "--once"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout


def stable(address):
    changes = httpx.get(f"{address}/changes?limit=1000").json()["Changes"]
    return [change["ID"] for change in changes if change["ChangeType"] == "StableSeries"]


def reports(address):
    found = httpx.post(f"{address}/tools/find", json={"Level": "Instance", "Query": {"Modality": "SR"}}).json()
    return [dcmread(BytesIO(httpx.get(f"{address}/instances/{one}/file").content)) for one in found]


@pytest.mark.slow
def test_a_stored_object_comes_back_with_its_report(orthanc, settled_model, clinic):
    pixels = np.asarray(Image.open(sorted(clinic.mixed.iterdir())[2]))
    source = make_object(pixels)
    httpx.post(f"{orthanc}/instances", content=write_object(source)).raise_for_status()
    wait(lambda: len(stable(orthanc)) == 1)
    run(orthanc, settled_model)
    (report,) = reports(orthanc)
    assert report.StudyInstanceUID == source.StudyInstanceUID
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert evidence.ReferencedSOPInstanceUID == source.SOPInstanceUID
    wait(lambda: len(stable(orthanc)) == 2)  # of its own report
    again = run(orthanc, settled_model)
    assert again.count("SR, 1 objects") == 1
    assert "OP" not in again
    httpx.post(f"{orthanc}/instances", content=write_object(source)).raise_for_status()  # sent once more
    assert run(orthanc, settled_model) == ""
    assert len(reports(orthanc)) == 1
