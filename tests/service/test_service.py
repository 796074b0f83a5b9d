"""The service as programs meet it: a process of its own on loopback, asked by HTTP."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO

import httpx
import numpy as np
import pytest
from PIL import Image

from unoqa.batch import GradeOptions, Mode
from unoqa.core.errors import UsageError
from unoqa.grader.choice_of_model import Models
from unoqa.outputs.grades_csv import COLUMNS
from unoqa.outputs.parts.run import grade_to_folder
from unoqa.service.desk import Desk, clean_name, describe_grading
from unoqa.service.options import read_token
from unoqa.service.server import Server, check_address

TOKEN = "a-token-of-the-tests-0123456789"


@contextmanager
def serving(model, folder, *words):
    """Yield the address of a service, and its process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "unoqa", "serve", "-m", f"clinic={model}", "--port", "0",
         "--batches", folder / "batches", "--threads", "2", *map(str, words)],
        env=os.environ | {"OMP_NUM_THREADS": "2"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        address = process.stdout.readline().strip()
        assert address, process.stderr.read()
        wait(lambda: httpx.get(f"{address}/readyz").is_success, errors=httpx.TransportError)
        yield address, process
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()
            process.stdout.close()
            process.stderr.close()


def wait(ready, seconds=60, errors=()):
    ends = time.monotonic() + seconds
    while True:
        try:
            if ready():
                return
        except errors:
            pass
        assert time.monotonic() < ends
        time.sleep(0.1)


def send(address, path, **fields):
    return httpx.post(f"{address}/v1/grade", files={"file": (path.name, path.read_bytes())}, data=fields, timeout=120)


@pytest.fixture(scope="module")
def service(settled_model, tmp_path_factory, clinic):
    base = tmp_path_factory.mktemp("service")
    clinic.some(base / "root" / "today", 3)
    with serving(settled_model, base, "--files-root", base / "root") as (address, _):
        yield address


@pytest.fixture(scope="module")
def scans(clinic):
    return sorted(clinic.mixed.iterdir())


@pytest.fixture(scope="module")
def graded(settled_model, clinic, tmp_path_factory):
    """Return what `unoqa grade` gives of each scan."""
    folder = tmp_path_factory.mktemp("graded") / "results"
    loaded = Models.load([settled_model], device="cpu")
    options = GradeOptions(mode=Mode.ALONE, heat=False)
    with grade_to_folder(loaded, clinic.mixed, folder, options, leave_out=("report_html",)) as results:
        return {grading.image: json.loads(json.dumps(describe_grading(grading))) for grading in results.gradings}


def test_one_image_gets_the_columns_of_the_table_and_its_findings(service, scans, graded):
    answer = send(service, scans[2])
    assert answer.status_code == 200
    assert list(answer.json()) == [*COLUMNS, "unsure", "findings", "warnings"]
    assert answer.json() == {**graded[scans[2].name], "warnings": []}


def test_the_overlay_comes_on_request(service, scans):
    heat = send(service, scans[2], heat="true").json()["heat"]
    with Image.open(BytesIO(base64.b64decode(heat))) as overlay, Image.open(scans[2]) as scan:
        assert (overlay.mode, overlay.size) == ("RGB", scan.size)


def test_requests_side_by_side_change_no_grade(service, scans, graded):
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda scan: send(service, scan), scans))
    assert [answer.json() for answer in answers] == [{**graded[scan.name], "warnings": []} for scan in scans]


def test_what_is_no_image_is_refused_in_one_sentence(service, tmp_path, scans):
    (tmp_path / "notes.txt").write_text("no image")
    answer = send(service, tmp_path / "notes.txt")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("notes.txt is no image; send one of these: bmp, dicom,")
    (tmp_path / "half.png").write_bytes(scans[0].read_bytes()[:999])
    answer = send(service, tmp_path / "half.png")
    assert (answer.status_code, answer.json()["grade"]) == (422, None)
    assert answer.json()["error"].startswith("truncated: half.png")
    answer = send(service, scans[0], model="other")
    assert (answer.status_code, answer.json()) == (400, {"error": "Name one of the models: clinic."})
    answer = httpx.post(f"{service}/v1/grade")
    assert (answer.status_code, list(answer.json())) == (422, ["error"])


def test_a_file_of_several_images_is_a_batch(service, scans, tmp_path):
    with Image.open(scans[0]) as one, Image.open(scans[1]) as other:
        one.save(tmp_path / "two.tif", save_all=True, append_images=[other])
    answer = send(service, tmp_path / "two.tif")
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "two.tif holds 2 images; send it as a batch (/v1/batches).",
    )


def test_a_batch_of_files_and_one_of_paths(service, scans, graded):
    sent = [("files", (scan.name, scan.read_bytes())) for scan in scans[:3]]
    of_files = httpx.post(f"{service}/v1/batches", files=sent, timeout=60)
    of_paths = httpx.post(f"{service}/v1/batches", data={"paths": ["today"]})
    assert [of_files.status_code, of_paths.status_code] == [202, 202]
    for answer, prefix in ((of_files, "0000"), (of_paths, "")):
        address = f"{service}/v1/batches/{answer.json()['batch']}"
        wait(lambda address=address: httpx.get(address).json()["state"] == "done")
        state = httpx.get(address).json()
        assert (state["done"], state["total"]) == (3, 3)
        images = httpx.get(f"{address}/images").json()
        assert [one["score"] for one in images] == [graded[scan.name]["score"] for scan in scans[:3]]
        assert all(one["image"].startswith(prefix) for one in images)
        assert httpx.get(f"{address}/grades.csv").text.startswith(",".join(COLUMNS))
        assert "sandbox" in httpx.get(f"{address}/report.html").headers["Content-Security-Policy"]
    assert len(httpx.get(f"{service}/v1/batches").json()) >= 2


@pytest.mark.parametrize("path", ["../today", "/etc", "today/../../x"])
def test_paths_outside_the_root_are_refused(service, path):
    answer = httpx.post(f"{service}/v1/batches", data={"paths": [path]})
    assert answer.status_code == 400


def test_what_does_not_exist(service):
    answer = httpx.get(f"{service}/v1/batches/{'0' * 32}")
    assert (answer.status_code, answer.json()) == (404, {"error": f"There is no batch {'0' * 32}."})
    assert httpx.get(f"{service}/nothing").status_code == 404
    assert httpx.post(f"{service}/v1/batches").status_code == 400


def test_pages_and_other_hosts_may_not_ask(service):
    assert httpx.get(f"{service}/v1/models", headers={"Origin": service}).status_code == 403
    assert httpx.get(f"{service}/v1/models", headers={"Host": "evil.example"}).status_code == 403
    assert httpx.get(f"{service}/v1/models").json()[0]["name"] == "clinic"


def test_counts_for_prometheus(service, scans):
    send(service, scans[2])
    text = httpx.get(f"{service}/metrics").text
    assert 'unoqa_images_total{grade="' in text
    assert "unoqa_queue 0.0" in text


@pytest.mark.slow
def test_limits_token_and_a_restart(settled_model, scans, tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    root = tmp_path / "root"
    root.mkdir()
    for number in range(60):
        shutil.copy(scans[number % len(scans)], root / f"{number:03d}.png")
    words = ("--token-file", tmp_path / "token", "--max-mb", 1, "--queue", 2, "--files-root", root)
    known = {"Authorization": f"Bearer {TOKEN}"}
    with serving(settled_model, tmp_path, *words) as (address, process):
        assert httpx.get(f"{address}/v1/models").status_code == 401
        assert httpx.get(f"{address}/v1/models", headers={"Authorization": "Bearer other"}).status_code == 401
        assert httpx.get(f"{address}/healthz").is_success
        large = httpx.post(f"{address}/v1/grade", headers=known, files={"file": ("a.png", bytes(1_000_001))})
        assert (large.status_code, large.json()) == (413, {"error": "A request may have 1 MB at most."})
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        parts = iter([head, bytes(600_000), bytes(600_000), b"\r\n--x--\r\n"])
        streamed = httpx.post(f"{address}/v1/grade", headers=known | kind, content=parts)
        assert streamed.status_code == 413  # also where no header says how long it is
        file = {"file": ("a.png", scans[0].read_bytes())}
        with ThreadPoolExecutor(24) as clients:
            post = lambda _: httpx.post(f"{address}/v1/grade", headers=known, files=file, timeout=60)  # noqa: E731
            answers = list(clients.map(post, range(24)))
        assert {answer.status_code for answer in answers} == {200, 429}
        assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 429)
        batch = httpx.post(f"{address}/v1/batches", headers=known, data={"paths": ["."]}).json()["batch"]
        state = f"/v1/batches/{batch}"
        wait(lambda: httpx.get(address + state, headers=known).json()["done"] >= 5)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with serving(settled_model, tmp_path, *words) as (address, process):
        wait(lambda: httpx.get(address + state, headers=known).json()["state"] == "done", seconds=120)
        assert len(httpx.get(f"{address}{state}/images", headers=known).json()) == 60
        again = httpx.post(f"{address}/v1/batches", headers=known, data={"paths": ["."]}).json()["batch"]
        httpx.delete(f"{address}/v1/batches/{again}", headers=known)
        wait(lambda: httpx.get(f"{address}/v1/batches/{again}", headers=known).json()["state"] == "cancelled")
        process.terminate()
        _, errors = process.communicate(timeout=60)
        assert TOKEN not in errors


@pytest.mark.slow
def test_a_client_that_is_gone_frees_its_place_and_an_accepted_request_is_finished(settled_model, scans, tmp_path):
    with serving(settled_model, tmp_path, "--queue", 1) as (address, process):
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as gone:
            head = "POST /v1/grade HTTP/1.1\r\nHost: {}\r\nContent-Length: 100000\r\n"
            head += "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            gone.sendall(head.format(address.removeprefix("http://")).encode())
            wait(lambda: "unoqa_queue 1.0" in httpx.get(f"{address}/metrics").text)
            assert send(address, scans[0]).status_code == 429
        wait(lambda: "unoqa_queue 0.0" in httpx.get(f"{address}/metrics").text)
        with ThreadPoolExecutor(1) as client:
            last = client.submit(send, address, scans[0])
            wait(lambda: "unoqa_queue 1.0" in httpx.get(f"{address}/metrics").text or last.done())
            process.terminate()
            assert last.result().status_code == 200


@pytest.mark.slow
def test_an_image_that_takes_too_long_gets_503_and_the_service_goes_on(settled_model, scans, tmp_path):
    large = np.arange(6000 * 6000, dtype=np.uint32).reshape(6000, 6000) % 251  # takes seconds to grade
    Image.fromarray(large.astype(np.uint8)).save(tmp_path / "large.png", compress_level=1)
    with serving(settled_model, tmp_path, "--seconds", 2) as (address, _):
        answer = send(address, tmp_path / "large.png")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert answer.json() == {"error": "The image was not graded within 2 seconds; send it again later."}
        wait(lambda: send(address, scans[0]).status_code == 200, seconds=240)


@pytest.mark.slow
def test_the_description_is_true(service):
    pytest.importorskip("schemathesis")
    # No description says which bytes are an image, so that valid requests are accepted is not asked.
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{service}/openapi.json", "--max-examples", "20",
               "--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all",
               "--exclude-checks", "positive_data_acceptance"]  # fmt: skip
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:]


def test_what_cannot_be_served(grader, tmp_path):
    with pytest.raises(UsageError, match=r"The model plain cannot be served\. Grading single images takes a settled"):
        Desk({"plain": Models.of(grader)}, threads=1)
    with pytest.raises(UsageError, match=r"Other machines reach 0\.0\.0\.0, so the service needs a token there"):
        check_address("0.0.0.0", None)
    check_address("0.0.0.0", TOKEN)
    check_address("::1", None)
    said = []
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o644)
    assert read_token(tmp_path / "token", notify=said.append) == TOKEN
    assert said == [
        f"Warning: other users of this machine may read the token in {tmp_path / 'token'}; "
        f"run: chmod 600 {tmp_path / 'token'}."
    ]
    (tmp_path / "token").chmod(0o600)
    read_token(tmp_path / "token", notify=said.append)
    assert len(said) == 1
    (tmp_path / "token").write_text("short")
    with pytest.raises(UsageError, match="must have 16 letters or more, without spaces"):
        read_token(tmp_path / "token")
    with pytest.raises(UsageError, match="The token cannot be read from"):
        read_token(tmp_path / "none")
    taken = Server("127.0.0.1", 0)
    with pytest.raises(UsageError, match="cannot be used"):
        Server("127.0.0.1", int(taken.address.rpartition(":")[2]))
    taken.run(None, grace=0.0, started=_raise_interrupt)


def _raise_interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.png", "a.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\a.png", "a.png"),
        ("..", "image"),
        ("a\0\nb.png", "ab.png"),
    ],
)
def test_names_of_files_are_only_names(given, kept):
    assert clean_name(given) == kept
