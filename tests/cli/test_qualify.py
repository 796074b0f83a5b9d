"""A site measures a model: one page to sign, and a bill of materials; figures are those of the parts."""

import json
import re
import shutil
from importlib.metadata import version

import pytest
from PIL import Image

from unoqa import load
from unoqa.benchmark.phantom.cohort import draw_scans
from unoqa.benchmark.qualification.bill_of_materials import make_bill
from unoqa.benchmark.qualification.page import describe_refusal
from unoqa.benchmark.qualification.run import Qualification
from unoqa.core.intervals import Share


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    """Return a folder of six outstanding scans that no model was fitted on, and of one damaged file."""
    folder = tmp_path_factory.mktemp("held-out")
    for scan in draw_scans(outstanding=6, gradable=0, ungradable=0, seed=77, size=128):
        Image.fromarray(scan.pixels).save(folder / scan.name)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


@pytest.fixture(scope="module")
def graded(clinic, tmp_path_factory):
    """Return a folder of twelve scans with a table of their grades."""
    folder = clinic.some(tmp_path_factory.mktemp("site") / "graded", 12)
    shutil.copy(clinic.labels, folder / "grades.csv")
    return folder


@pytest.mark.requirement("R14")
def test_the_report_has_model_refusal_agreement_and_a_place_to_sign(
    unoqa, held_out, graded, settled_model, tmp_path, settled
):
    table, folder = graded / "grades.csv", tmp_path / "report"
    ended = unoqa("qualify", held_out, "-m", settled_model, "--labels", table, "-o", folder, "--quiet",
                   "--site", "Eye <Clinic>", "--progress", tmp_path / "progress")  # fmt: skip
    page = (folder / "site-report.html").read_text(encoding="utf-8")
    assert ended.exit_code == 3, ended.output
    assert "broken.png" in page
    assert '<th scope="row">site</th><td>Eye &lt;Clinic&gt;</td>' in page
    assert '<th scope="row">device</th><td>____' in page
    assert '<th scope="row">outstanding scans</th><td>held-out' in page
    assert (tmp_path / "progress").read_text() == "[]"
    assert load(settled_model).grader.model.checksum in page
    refused = sum(
        not settled.grader.threshold.passes(settled.grade_all(path).gradings[0].score)
        for path in held_out.iterdir()
        if path.name != "broken.png"
    )
    assert f"Of 6 outstanding scans of this site, {refused} (" in page
    assert ended.stdout.startswith(f"Of 6 outstanding scans of this site, {refused} (")
    counts = [int(count) for count in re.findall(r'<td class="figure">(\d+)</td>', page)]
    assert sum(counts) == 12
    for words in ("kappa", "blink", "Known limits", "Signature", "not a medical device"):
        assert words in page
    assert re.findall(r"<script|https?://|src=", page) == []


@pytest.mark.requirement("R14")
def test_the_bill_names_what_is_installed_and_what_needs_what():
    bill = make_bill()
    components = {one["name"]: one for one in bill["components"]}
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "unoqa"
    assert components["torch"]["purl"] == f"pkg:pypi/torch@{version('torch')}"
    assert {"numpy", "pydantic-core", "markupsafe", "pydicom"} <= set(components)
    assert {"pytest", "mypy", "unoqa"} & set(components) == set()
    known = {one["bom-ref"] for one in (*bill["components"], bill["metadata"]["component"])}
    assert {one["ref"] for one in bill["dependencies"]} == known
    assert {needed for one in bill["dependencies"] for needed in one["dependsOn"]} <= known
    assert json.dumps(bill) == json.dumps(make_bill())


def test_the_bill_names_the_version_that_runs_whatever_was_installed_before(monkeypatch):
    monkeypatch.setattr("unoqa.benchmark.qualification.bill_of_materials.__version__", "9.9")
    bill = make_bill()
    assert bill["metadata"]["component"]["version"] == "9.9"
    assert "pkg:pypi/unoqa@9.9" in {one["ref"] for one in bill["dependencies"]}


def test_the_bill_alone_takes_neither_scans_nor_a_model(unoqa, tmp_path):
    ended = unoqa("qualify", "--sbom", tmp_path / "new" / "sbom.json")
    assert ended.exit_code == 0, ended.output
    assert json.loads((tmp_path / "new" / "sbom.json").read_text(encoding="utf-8")) == make_bill()
    (tmp_path / "file").touch()
    ended = unoqa("qualify", "--sbom", tmp_path / "file" / "sbom.json")
    assert (ended.exit_code, ended.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("share", "end"),
    [
        (Share(4, 40), "The interval holds that aim: these 40 scans do not contradict it."),
        (Share(20, 40), "Find out why before you use it."),
        (Share(0, 100), "That is fewer, so more poor scans may pass."),
    ],
)
def test_the_first_sentence_judges_by_the_interval(share, end):
    assert describe_refusal(Qualification(share, 0.1, None, None, ())).endswith(end)


@pytest.mark.slow
def test_without_grades_the_page_says_what_is_not_known(unoqa, held_out, model, tmp_path):
    for path in list(held_out.glob("scan*"))[:5]:
        (tmp_path / "five").mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "five")
    ended = unoqa("qualify", tmp_path / "five", "-m", model, "-o", tmp_path / "report", "--quiet")
    assert ended.exit_code == 0, ended.output
    page = (tmp_path / "report" / "site-report.html").read_text(encoding="utf-8")
    assert "How well the grades serve this site is then unknown." in page


def test_what_cannot_be_measured_is_refused_in_a_sentence(refusal, held_out, graded, model, settled_model, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine", encoding="utf-8")
    assert refusal("qualify", held_out, "-m", model, "-o", other) == (
        f"{other} holds something that is not a site report; name a new folder."
    )
    names = tmp_path / "names.csv"
    names.write_text("image,grade\nnobody.png,1\n", encoding="utf-8")
    sentence = refusal(
        "qualify", held_out, "-m", settled_model, "--labels", names, "--images", graded, "-o", tmp_path / "r"
    )
    assert sentence.startswith("No label matches an image of the results; check the label file's column 'image': ")
    assert not (tmp_path / "r").exists()
