"""Grade what arrives in an Orthanc, and store the structured reports there.

    python examples/orthanc.py -m settled [--orthanc http://127.0.0.1:8042] [--user NAME --password-file FILE] [--once]

The script asks Orthanc which series have become stable, fetches their objects, grades them with a settled model, and
stores one structured report an object in the same study. Needs the extra `dicom`. A series that was graded is marked in
Orthanc itself, so repeated events and restarts grade nothing again; structured reports, also its own, are passed over.
If the script ends before it could mark a series, the same reports are stored again: they have the same identifiers.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import tempfile
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

import unoqa
from unoqa.batch import GradeOptions, Mode
from unoqa.core.errors import UnoqaError
from unoqa.outputs import OUTPUTS

MARK = "4711"
"""Number of the user-defined metadata of a series that was graded; Orthanc leaves those from 1024 to people."""

NOT_GRADED = ("SR", "KO", "PR")
"""Modalities of objects that are no images."""


def main() -> None:
    """Poll until the script is ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True, help="settled model folder")
    parser.add_argument("--orthanc", default="http://127.0.0.1:8042")
    parser.add_argument("--user", default="")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two polls")
    parser.add_argument("--once", action="store_true", help="end when nothing is left to grade")
    given = parser.parse_args()
    password = given.password_file.read_text().strip() if given.password_file else ""
    orthanc = Orthanc(given.orthanc, given.user, password)
    try:
        grade_changes(orthanc, unoqa.load(given.model), every=given.every, once=given.once)
    except (UnoqaError, OrthancError) as error:
        parser.exit(2, f"{error}\n")


def grade_changes(orthanc: Orthanc, model: unoqa.SettledGrader, *, every: float, once: bool) -> None:
    """Grade the series that have become stable, from the first on."""
    since = 0
    while True:
        changes = orthanc.get(f"/changes?since={since}&limit=100")
        for change in changes["Changes"]:
            if change["ChangeType"] == "StableSeries":
                grade_series(orthanc, model, change["ID"])
        since = changes["Last"]
        if changes["Done"]:
            if once:
                return
            time.sleep(every)


class OrthancError(Exception):
    """Orthanc cannot be asked, or refuses a request; one sentence."""


class Orthanc:
    """The REST interface of an Orthanc, which is asked directly: scans take no way through a proxy."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self._address = address.rstrip("/")
        secret = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {secret}"} if user else {}
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, path: str, *, method: str = "GET", data: bytes | None = None) -> bytes:
        """Return the answer to a request."""
        try:
            return self._send(path, method, data)
        except urllib.error.HTTPError as error:
            error.close()
            advice = "; check --user and --password-file" if error.code in (401, 403) else ""
            what = f"{self._address} answers {method} {path} with {error.code} {error.reason}"
            raise OrthancError(f"{what}{advice}.") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise OrthancError(
                f"{self._address} gives no answer ({reason}); check --orthanc, and start again."
            ) from error

    def _send(self, path: str, method: str, data: bytes | None) -> bytes:
        request = urllib.request.Request(self._address + path, data, self._headers, method=method)
        with self._opener.open(request, timeout=60) as answer:
            return answer.read()

    def get(self, path: str) -> dict:
        """Return an answer that is JSON."""
        return json.loads(self.ask(path))

    def has(self, path: str) -> bool:
        """Tell whether something exists."""
        try:
            self.ask(path)
        except OrthancError as error:
            if getattr(error.__cause__, "code", None) == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True


def grade_series(orthanc: Orthanc, model: unoqa.SettledGrader, series: str) -> None:
    """Grade the images of a series and store their reports, unless that was done before."""
    if not orthanc.has(f"/series/{series}") or orthanc.has(f"/series/{series}/metadata/{MARK}"):
        return
    known = orthanc.get(f"/series/{series}")
    if known["MainDicomTags"].get("Modality") not in NOT_GRADED:
        with tempfile.TemporaryDirectory(prefix="unoqa-") as folder:
            images, results = Path(folder, "images"), Path(folder, "results")
            images.mkdir()
            for instance in known["Instances"]:
                (images / f"{instance}.dcm").write_bytes(orthanc.ask(f"/instances/{instance}/file"))
            for report in make_reports(model, images, results):
                orthanc.ask("/instances", method="POST", data=report)
    orthanc.ask(f"/series/{series}/metadata/{MARK}", method="PUT", data=b"graded by unoqa")
    print(f"{series}: {known['MainDicomTags'].get('Modality', '')}, {len(known['Instances'])} objects", flush=True)


def make_reports(model: unoqa.SettledGrader, images: Path, results: Path) -> list[bytes]:
    """Grade DICOM objects, each alone, and return one structured report for each that is an image."""
    try:
        options = GradeOptions(mode=Mode.ALONE, heat=False)
        with unoqa.grade_to_folder(model, images, results, options, leave_out=("report_html",)) as record:
            OUTPUTS.load("dicom_sr")().write(record, results / "reports")
    except UnoqaError as error:  # no object of the series is an image
        print(error, flush=True)
        return []
    return [path.read_bytes() for path in sorted((results / "reports").iterdir())]


if __name__ == "__main__":
    main()
