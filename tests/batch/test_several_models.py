"""Several models grade one cohort: each image goes to the one that knows such scans, and the rest is out of scope."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from unoqa import Recipe, Results, grade_to_folder
from unoqa.batch import GradeOptions
from unoqa.cli.parts.application import application
from unoqa.core.assessment import OTHER_CONTENT
from unoqa.core.errors import UsageError
from unoqa.grader.choice_of_model import Models

QUICK = GradeOptions(heat=False)

COLUMNS = "path,device,slab,eye,session"


def write(folder, scans, device, slab="superficial", size=None):
    """Write scans and a manifest of them; return its rows."""
    folder.mkdir(exist_ok=True)
    rows = []
    for number, scan in enumerate(scans):
        image = Image.fromarray(scan.pixels)
        name = f"{device}-{slab}-{number}.png"
        (image if size is None else image.resize((size, size))).save(folder / name)
        rows.append(f"{name},{device},{slab},{'OD' if number % 2 else 'OS'},visit {number // 4}")
    return rows


def save(path, rows):
    path.write_text("\n".join([COLUMNS, *rows]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folders(outstanding_scans, tmp_path_factory):
    """Return the folders of two models: fitted on scans of two devices, of the same size."""
    base = tmp_path_factory.mktemp("models")
    for device in ("Cirrus", "Spectralis"):
        scans = outstanding_scans if device == "Cirrus" else outstanding_scans[::-1][:20]
        manifest = save(base / "scans.csv", write(base, scans, device))
        Recipe.named("measures").fit(manifest).save(base / device)
    return [base / "Cirrus", base / "Spectralis"]


def read(folder):
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_image_goes_to_the_model_of_its_device(folders, clinic_scans, tmp_path):
    rows = write(tmp_path, clinic_scans, "Spectralis") + write(tmp_path, clinic_scans, "Cirrus")
    rows += write(tmp_path, clinic_scans[:1], "Triton") + write(tmp_path, clinic_scans[:1], "Cirrus", "deep")
    models = Models.load(folders, device="cpu")
    grade_to_folder(models, save(tmp_path / "scans.csv", rows), tmp_path / "results", QUICK).close()
    graded = read(tmp_path / "results")
    thresholds = {one.grader.threshold.value for one in models.graders}
    by_device = {
        device: {float(row["threshold"]) for row in graded if row["image"].startswith(f"{device}-superficial")}
        for device in ("Cirrus", "Spectralis")
    }
    assert by_device["Cirrus"].isdisjoint(by_device["Spectralis"])
    assert np.allclose(sorted(value for found in by_device.values() for value in found), sorted(thresholds), atol=1e-6)
    rest = [row for row in graded if not row["score"]]
    assert [row["image"] for row in rest] == ["Triton-superficial-0.png", "Cirrus-deep-0.png"]
    assert {(row["out_of_scope"], row["grade"], row["threshold"]) for row in rest} == {("no-model", "", "")}
    assert rest[0]["error"] == (
        "out-of-scope: Triton-superficial-0.png (size 128×128, device Triton, slab superficial) is like the scans of "
        "none of the models; fit a model on such scans, or name device, field of view and slab in a manifest, at fit "
        "and here."
    )
    facts = json.loads((tmp_path / "results" / "run.json").read_text(encoding="utf-8"))
    assert [one["images"] for one in facts["models"]] == [20, 20]
    assert "threshold" not in facts  # it differs
    assert facts["recipe"] == "measures"
    told = CliRunner().invoke(application, ["info", str(tmp_path / "results")])
    assert told.exit_code == 0, told.output
    assert "None" not in told.stdout
    for one in facts["models"]:
        border = "" if one["border"] is None else f", ungradable from a score of {one['border']:.6f}"
        assert (
            f"model {one['model']}: recipe measures, 20 images, threshold {one['threshold']:.6f}{border}\n"
            in told.stdout
        )


def test_each_model_gives_the_grades_that_it_gives_alone(folders, clinic_scans, tmp_path):
    rows = {device: write(tmp_path, clinic_scans, device) for device in ("Cirrus", "Spectralis")}
    both = save(tmp_path / "both.csv", [*rows["Cirrus"], *rows["Spectralis"]])
    grade_to_folder(Models.load(folders, device="cpu"), both, tmp_path / "both", QUICK).close()
    alone = []
    for device, folder in zip(rows, folders, strict=True):
        manifest = save(tmp_path / f"{device}.csv", rows[device])
        grade_to_folder(Models.load([folder], device="cpu"), manifest, tmp_path / device, QUICK).close()
        alone += read(tmp_path / device)
    keys = ("image", "grade", "score", "threshold", "certainty", "reasons", "percentile")
    assert [[row[key] for key in keys] for row in read(tmp_path / "both")] == [
        [row[key] for key in keys] for row in alone
    ]


def test_the_order_of_the_models_does_not_matter(folders, clinic_scans, tmp_path):
    manifest = save(tmp_path / "scans.csv", write(tmp_path, clinic_scans, "Cirrus"))
    for order in (folders, folders[::-1]):
        grade_to_folder(Models.load(order, device="cpu"), manifest, tmp_path / "results", QUICK).close()


def test_without_facts_two_models_that_fit_alike_are_told(folders, clinic_scans, tmp_path):
    for number, scan in enumerate(clinic_scans):
        Image.fromarray(scan.pixels).save(tmp_path / f"{number}.png")
    images = [tmp_path / f"{number}.png" for number in range(len(clinic_scans))]
    with grade_to_folder(Models.load(folders, device="cpu"), images, tmp_path / "results", QUICK) as results:
        errors = [grading.error for grading in results.gradings]
    one, other = (folder.name for folder in folders)  # and not where they lie
    assert {f"is like the scans of {one} and {other} alike; fit" in error for error in errors} in ({True}, {False})
    assert all(f"{other} and {one} alike" in error or f"{one} and {other} alike" in error for error in errors)
    assert not any(str(folders[0].parent) in error for error in errors)


def test_models_whose_folders_have_one_name_are_told_apart(folders, tmp_path):
    copies = []
    for number, folder in enumerate(folders):
        (tmp_path / f"device {number}").mkdir()
        copies.append(shutil.copytree(folder, tmp_path / f"device {number}" / "model"))
    assert set(Models.load(copies, device="cpu").names) == {"device 0/model", "device 1/model"}


def test_an_image_of_another_size_is_out_of_scope_only_with_several_models(folders, clinic_scans, tmp_path):
    manifest = save(tmp_path / "scans.csv", write(tmp_path, clinic_scans, "Cirrus", size=200))
    with grade_to_folder(Models.load(folders, device="cpu"), manifest, tmp_path / "two", QUICK) as results:
        assert {grading.out_of_scope for grading in results.gradings} == {"no-model"}
    with grade_to_folder(Models.load(folders[:1], device="cpu"), manifest, tmp_path / "one", QUICK) as results:
        assert {grading.out_of_scope for grading in results.gradings} <= {"", OTHER_CONTENT}
        assert "another size" in results.facts["warnings"][0]


def test_one_model_too_refuses_another_slab(folders, clinic_scans, tmp_path):
    rows = write(tmp_path, clinic_scans, "Cirrus") + write(tmp_path, clinic_scans[:1], "Cirrus", "deep")
    with grade_to_folder(
        Models.load(folders[:1], device="cpu"), save(tmp_path / "scans.csv", rows), tmp_path / "results"
    ) as results:
        *_, deep = results.gradings
    assert (deep.grade, deep.out_of_scope) == (None, "other-slab")
    assert deep.error == (
        "out-of-scope: Cirrus-deep-0.png has the slab 'deep' by manifest, and the model is for 'superficial'; "
        "grade it with a model of such scans (fit takes the slab)."
    )


def _rank(row):
    return -int(row["grade_code"] or -1), -float(row["percentile"]), float(row["score"])


def test_the_best_scan_of_each_eye(folders, clinic_scans, tmp_path):
    rows = write(tmp_path, clinic_scans, "Cirrus")
    rows[3] = ",".join([*rows[3].split(",")[:3], "", ""])  # of an unknown eye
    results = tmp_path / "results"
    grade_to_folder(Models.load(folders[:1], device="cpu"), save(tmp_path / "scans.csv", rows), results, QUICK).close()
    graded = read(results)
    assert list(graded[0])[-3:] == ["eye", "session", "best_of_eye"]
    assert (graded[3]["eye"], graded[3]["session"], graded[3]["best_of_eye"]) == ("", "", "")
    for session in {row["session"] for row in graded} - {""}:
        for eye in ("left", "right"):
            group = [row for row in graded if (row["session"], row["eye"]) == (session, eye)]
            best = min(group, key=_rank)
            assert [row["best_of_eye"] for row in group] == ["yes" if row is best else "no" for row in group]


def test_a_changed_manifest_changes_the_facts_and_a_run_without_one_has_no_columns(folders, clinic_scans, tmp_path):
    rows = write(tmp_path, clinic_scans, "Cirrus")
    models, results = Models.load(folders[:1], device="cpu"), tmp_path / "results"
    grade_to_folder(models, save(tmp_path / "scans.csv", rows), results, QUICK).close()
    rows[0] = rows[0].replace(",OS,", ",OD,")
    grade_to_folder(models, save(tmp_path / "scans.csv", rows), results, QUICK).close()
    assert read(results)[0]["eye"] == "right"
    with Results.open(results) as record:
        assert record.facts_of(0).laterality.value == "right"
    (tmp_path / "bare.csv").write_text("\n".join(["path", *(row.split(",")[0] for row in rows)]), encoding="utf-8")
    grade_to_folder(models, tmp_path / "bare.csv", results, QUICK).close()
    assert list(read(results)[0])[-1] == "out_of_scope"


def test_copies_are_named(folders, clinic_scans, tmp_path):
    rows = write(tmp_path, clinic_scans, "Cirrus")
    Image.fromarray(clinic_scans[0].pixels).save(tmp_path / "again.bmp")
    Image.fromarray(clinic_scans[1].pixels).save(tmp_path / "again.jpg")
    rows += [f"again.{kind},Cirrus,superficial,OD,visit 9" for kind in ("bmp", "jpg")]
    manifest = save(tmp_path / "scans.csv", rows)
    with grade_to_folder(Models.load(folders[:1], device="cpu"), manifest, tmp_path / "results", QUICK) as results:
        facts = results.facts
    assert facts["duplicates"] == {
        "exact": [["again.bmp", "Cirrus-superficial-0.png"]],
        "near": [["again.jpg", "Cirrus-superficial-1.png"]],
    }
    assert "1 image is an exact copy of another: again.bmp = Cirrus-superficial-0.png." in facts["warnings"]


def test_the_same_model_twice_is_refused(folders):
    with pytest.raises(UsageError, match="are the same model; name it once"):
        Models.load([folders[0], folders[0]], device="cpu")
