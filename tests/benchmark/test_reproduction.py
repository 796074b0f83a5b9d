"""The whole reproduction, on a small phantom with a ResNet-18 of random weights: run once, resumed by many tests."""

from __future__ import annotations

import csv
import os
import re
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch
from PIL import Image

from clinic import random_weights
from interrupting import Failing
from unoqa.batch.executors.dask import Dask
from unoqa.benchmark.datasets.labelled_folder import LabelledFolder
from unoqa.benchmark.datasets.phantom import Phantom
from unoqa.benchmark.reproduction.images import FeatureLibrary
from unoqa.benchmark.reproduction.run import Plan, reproduce
from unoqa.benchmark.reproduction.systems import Effort
from unoqa.core.errors import DataSetError, WeightsError
from unoqa.core.progress import NoProgress
from unoqa.encoders.timm import Timm
from unoqa.grader.cached_features import CachedFeatures
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.store.workspace import Workspace

PHANTOM = Phantom(outstanding=24, clinic=(8, 16, 16), size=96)
MODEL = "resnet18.tv_in1k"
PAPERS = ("PaDiM", "PatchCore", "FastFlow", "CFLOW")
OTHERS = ("NIQE", "vessel structure", "`measures` panel", "`default` panel", "chance")
NUMBERS = re.compile(r"-?\d+\.\d / \d+\.\d")
PUBLISHED = re.compile(r"\d+\.\d\d / \d+\.\d\d")


@dataclass(frozen=True)
class Finished:
    """One whole reproduction: its plan, its folder, and how many seconds it took."""

    plan: Plan
    output: Path
    seconds: float

    def copy(self, folder):
        """Copy the folder, so that a test may resume from it."""
        return shutil.copytree(self.output, folder / "copy")

    def text(self, name="reproduction.md"):
        return (self.output / name).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    PHANTOM.find_studies(folder / "data", seed=0)
    weights = random_weights(tmp_path_factory.getbasetemp())
    plan = Plan("phantom", PHANTOM, folder / "data", MODEL, weights, effort=Effort(quick=True), size=96)
    started = time.monotonic()
    reproduce(plan, folder / "tables", NoProgress())
    return Finished(plan, folder / "tables", time.monotonic() - started)


def tables(text):
    """Return each table of a report by its title: a list of rows, with the head first."""
    parts = [part.splitlines() for part in text.split("\n## ")[1:]]
    cut = {title: [line for line in rest if line.startswith("| ")] for title, *rest in parts}
    return {title: [row.strip("| ").split(" | ") for row in rows if "---" not in row] for title, rows in cut.items()}


def table(text, title):
    head, *rows = tables(text)[title]
    return {tuple(row[:2]): dict(zip(head, row, strict=True)) for row in rows}


def without_times(text):
    """Return the lines of a report without its date and without seconds."""
    lines = [line for line in text.splitlines() if not line.startswith("* date: ")]
    timed = [place for place, line in enumerate(lines) if line.startswith("## Scores")]
    return [line.rsplit(" | ", 2)[0] if timed and place > timed[0] else line for place, line in enumerate(lines)]


def work(folder):
    """Return the kept scores and cells, with the times when they were written."""
    kept = [*(folder / "work" / "fit-scores").iterdir(), folder / "work" / "cells.jsonl"]
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in kept}


def cells(folder):
    with (folder / "reproduction.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_first_table_has_a_number_wherever_the_paper_has_one(finished):
    rows = table(finished.text(), "Table 1: phantom, test set")
    ours = [(name, reduction) for name in PAPERS for reduction in ("PCA", "NMF")]
    rows = {(name.removesuffix(" ‡"), reduction): row for (name, reduction), row in rows.items()}
    assert list(rows) == [*ours, *((name, "score") for name in OTHERS), ("majority class", "–")]
    for name, row in rows.items():
        kinds = dict(list(row.items())[2:])
        assert all(NUMBERS.fullmatch(value) for column, value in kinds.items() if "paper" not in column)
        published = [PUBLISHED.fullmatch(value) is not None for column, value in kinds.items() if "paper" in column]
        assert published == [name in ours] * 3


def test_the_other_tables_are_complete(finished):
    ablation = table(finished.text(), "Table 2: phantom, test set")
    assert [name for name, _ in ablation] == ["F_QS", "F_single", "F_single + FDR", "F_multi", "F_multi + FDR"]
    kinds = table(finished.text(), "F_H: phantom, test set")
    assert list(kinds) == [
        (name, kind)
        for name in ("FastFlow", "CFLOW")
        for kind in ("prob", "energy", "log-energy", "quantile", "latent")
    ]
    scores = table(finished.text(), "Scores: phantom")
    assert [name for name, _ in scores] == [*PAPERS, *OTHERS[:-1]]
    learned = tables(finished.text())["What the flows learned: phantom"][1:]
    assert [row[:2] for row in learned] == [
        [name, by] for name in ("FastFlow", "CFLOW") for by in ("score", "mean of the maps")
    ]
    every = [value for row in (*ablation.values(), *kinds.values()) for value in list(row.values())[2:]]
    assert all(NUMBERS.fullmatch(value.removesuffix(" –")) for value in every)
    assert all(0 <= float(row["O vs rest"]) <= 1 for row in scores.values())


def test_the_report_names_its_settings_and_what_was_left_out(finished):
    text = finished.text()
    assert "* data set: phantom (a quick look: few images; flows keep their last parameters, " in text
    assert f"* encoder: {MODEL}, layers 1, 2, weights SHA-256 " in text
    assert "* recipes: padim-resnet18, patchcore-resnet18, fastflow-resnet18, cflow-resnet18\n" in text
    assert "* training: budget\n" in text
    assert text.split("## Notes\n\n")[1].splitlines() == [
        f"* {name}: layer 3 is left out; the weights file lacks it." for name in PAPERS
    ]
    assert "; tested: 8 / 16 / 16 outstanding / gradable / ungradable" in text


def test_page_and_csv_hold_the_same_numbers(finished):
    page = finished.text("reproduction.html")
    rows = tables(finished.text())["Table 1: phantom, test set"]
    assert all(f"<td>{value}</td>" in page for value in rows[1][2:])
    names = ("system", "points", "reduction", "clustering", "threshold")
    found = {tuple(row[name] for name in names): row for row in cells(finished.output)}
    cell = found["CFLOW", "maps", "nmf", "gmm", "conformal"]
    assert rows[8][-1] == f"{100 * float(cell['kappa']):.1f} / {100 * float(cell['accuracy']):.1f}"
    assert len(found) == len(cells(finished.output))


def test_checkpoints_of_finished_fits_are_removed(finished):
    left = {path.name.split("-")[0] for path in (finished.output / "work").iterdir()}
    assert left - {".unoqa"} == {"cells.jsonl", "features", "fit", "latents"}  # some filelocks leave their file
    assert [path.name for path in (finished.output / "work").glob("fit-*")] == ["fit-scores"]


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: os.truncate(file, 1000)], ids=["removed", "cut"])
def test_missing_latents_are_computed_again(spoil, finished, tmp_path):
    output = finished.copy(tmp_path)
    latents = {path: path.read_bytes() for path in (output / "work").glob("latents-*")}
    for path in latents:
        spoil(path)
    reproduce(finished.plan, output, NoProgress())
    assert {path: path.read_bytes() for path in latents} == latents
    assert (output / "reproduction.csv").read_text(encoding="utf-8") == finished.text("reproduction.csv")
    assert latents


def test_a_second_run_computes_nothing_again(finished, tmp_path):
    output = finished.copy(tmp_path)
    before, started = work(output), time.monotonic()
    reproduce(finished.plan, output, NoProgress())
    assert time.monotonic() - started < finished.seconds / 2
    assert work(output) == before
    for name in ("reproduction.md", "reproduction.html", "reproduction.csv"):
        lines = [(output / name).read_text(encoding="utf-8").splitlines(), finished.text(name).splitlines()]
        assert [line for line in lines[0] if "date" not in line] == [line for line in lines[1] if "date" not in line]


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_in_the_same_tables(finished, tmp_path):
    output, kills = tmp_path / "tables", 0
    for steps in (20, 200, 400):
        try:
            reproduce(finished.plan, output, Failing(steps, KeyboardInterrupt))
        except KeyboardInterrupt:
            kills += 1
    assert kills == 3
    reproduce(finished.plan, output, NoProgress())
    assert (output / "reproduction.csv").read_bytes() == (finished.output / "reproduction.csv").read_bytes()
    assert without_times((output / "reproduction.md").read_text(encoding="utf-8")) == without_times(finished.text())


@pytest.mark.slow
def test_several_seeds_show_their_standard_deviation(finished, tmp_path):
    output = finished.copy(tmp_path)
    reproduce(replace(finished.plan, seeds=2), output, NoProgress())
    text = (output / "reproduction.md").read_text(encoding="utf-8")
    row = table(text, "Table 1: phantom, test set")["CFLOW", "PCA"]
    assert re.fullmatch(r"-?\d+\.\d ± \d+\.\d / \d+\.\d ± \d+\.\d", row["K-means: F1-max*"])
    assert row["K-means: paper"] == "46.32 / 68.06"
    assert "mean ± standard deviation of 2 seeds" in text
    assert {row["seed"] for row in cells(output)} == {"0", "1"}
    assert "± " not in "".join(tables(text)["F_H: phantom, test set"][1])


def test_corrected_labels_change_cells_and_nothing_is_fitted_again(finished, tmp_path):
    output = finished.copy(tmp_path)
    data = shutil.copytree(finished.plan.data, tmp_path / "data")
    before = work(output)
    text = (data / "labels.csv").read_text(encoding="utf-8")
    (data / "labels.csv").write_text(text.replace("outstanding", "gradable", 1), encoding="utf-8")
    reproduce(replace(finished.plan, data=data), output, NoProgress())
    after = work(output)
    assert {name for name in after if after[name] != before.get(name)} == {"cells.jsonl"}
    assert "tested: 7 / 17 / 16 " in (output / "reproduction.md").read_text(encoding="utf-8")
    changed = [
        one["accuracy"] != other["accuracy"] for one, other in zip(cells(output), cells(finished.output), strict=True)
    ]
    assert sum(changed) > len(changed) / 2


def test_features_have_another_key_with_other_weights_or_another_size(tmp_path):
    keys = set()
    for seed, size in ((0, 64), (1, 64), (0, 96)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = timm.create_model("test_resnet.r160_in1k", features_only=True, out_indices=(1,))
        encoder = Timm(model="test_resnet.r160_in1k", layers=(1,))
        open_encoders = OpenEncoders.open([encoder], size, device=torch.device("cpu"), weights=[network.state_dict()])
        with Workspace() as workspace:
            keys.add(FeatureLibrary([encoder], CachedFeatures(open_encoders, workspace)).key(encoder))
    assert len(keys) == 3


def labelled(folder, data, outstanding, worse=12):
    """Write the first scans of a phantom as a folder with one label file."""
    folder.mkdir()
    lines = ["image,grade,split"]
    for place, path in enumerate(sorted((data / "outstanding").iterdir())[:outstanding]):
        shutil.copy(path, folder / f"fit{place}.png")
        lines.append(f"fit{place}.png,2,fit")
    for place, path in enumerate(sorted((data / "clinic").iterdir())[:worse]):
        shutil.copy(path, folder / f"test{place}.png")
        lines.append(f"test{place}.png,{place % 2},test")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def message(plan, output, error=DataSetError):
    with pytest.raises(error) as caught:
        reproduce(plan, output, NoProgress())
    return str(caught.value)


def test_too_few_images_to_fit_on_are_refused_before_any_fit(finished, tmp_path):
    folder = labelled(tmp_path / "data", finished.plan.data, 9)
    (folder / "fit3.png").write_text("no image")
    plan = replace(finished.plan, dataset=LabelledFolder(), data=folder)
    assert message(plan, tmp_path / "tables") == (
        "Study all: a threshold without labels needs at least 9 outstanding images to fit on, and 8 can be read "
        "(fit3.png holds no image that unoqa reads (bmp, dicom, jpeg, matlab, nifti, npy, png, tiff); "
        "open it in a viewer and export it "
        "again); "
        "give more."
    )
    assert not list((tmp_path / "tables").glob("*.md"))


def test_a_split_without_readable_images_is_refused(finished, tmp_path):
    folder = labelled(tmp_path / "data", finished.plan.data, 10)
    for path in folder.glob("test*.png"):
        Image.new("L", (64, 64), 90).save(path)
    sentence = message(replace(finished.plan, dataset=LabelledFolder(), data=folder), tmp_path / "tables")
    assert sentence.startswith("Study all: no image of the test split is left (test0.png ")
    assert sentence.endswith("; give others.")


def test_weights_without_a_first_layer_are_refused(finished, tmp_path):
    safetensors.torch.save_file({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "stem.safetensors")
    plan = replace(finished.plan, weights=tmp_path / "stem.safetensors")
    assert message(plan, tmp_path / "tables", WeightsError).startswith("The weights given lack ")
    assert not (tmp_path / "tables").exists()


def test_in_a_quick_look_no_two_of_the_papers_rows_are_equal(finished):
    rows = table(finished.text(), "Table 1: phantom, test set")
    numbers = [tuple(list(rows[name, "PCA"].values())[2:]) for name in PAPERS]
    assert len(set(numbers)) == len(PAPERS)
    for row in tables(finished.text())["What the flows learned: phantom"][1:]:
        kept, seen, planned = (float(part) for part in row[2].split(" / "))
        assert kept == seen == planned > 0
        assert row[3].split(" → ")[0] == row[4] != row[3].split(" → ")[1]  # it began as the Gaussian, and left it


@pytest.mark.slow
def test_training_as_published_stands_beside_our_budget(finished, tmp_path):
    output = finished.copy(tmp_path)
    before = work(output)
    reproduce(replace(finished.plan, effort=Effort("both", share=0.01, quick=True)), output, NoProgress())
    assert all(work(output)[name] == before[name] for name in before if name != "cells.jsonl")
    text = (output / "reproduction.md").read_text(encoding="utf-8")
    assert "* training: both, 1.0% of the published passes\n" in text
    rows = [name for name, reduction in table(text, "Table 1: phantom, test set") if reduction == "PCA"]
    assert rows == [row for name in PAPERS for row in (name, f"{name}, as published")]
    first = table(text, "Table 1: phantom, test set")["CFLOW, as published", "PCA"]
    assert first["K-means: paper"] == "46.32 / 68.06"
    assert "Table 2, as published: phantom, test set" in tables(text)
    learned = {row[0]: row for row in tables(text)["What the flows learned: phantom"][1:]}
    assert learned["CFLOW, as published"][2] == "1.9 / 1.9 / 1.9"  # 1 % of 200 passes, in whole steps
    assert learned["FastFlow, as published"][2] == "4.0 / 4.0 / 4.0"  # 1 % of 500, but 4 at most in a quick look
    assert learned["FastFlow, as published"][4] == "–"


@pytest.mark.slow
def test_supervised_references_have_a_table_also_with_another_encoder(finished, tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("test_resnet.r160_in1k", features_only=True, out_indices=(1, 2, 3, 4))
    safetensors.torch.save_file(network.state_dict(), tmp_path / "weights.safetensors")
    plan = replace(
        finished.plan, model="test_resnet.r160_in1k", weights=tmp_path / "weights.safetensors", supervised=True
    )
    assert reproduce(plan, tmp_path / "tables", NoProgress()).notes == ()
    text = (tmp_path / "tables" / "reproduction.md").read_text(encoding="utf-8")
    head, *rows = tables(text)["With labels: phantom, test set"]
    assert head == ["reference", "kappa / accuracy", "O vs rest", "U vs rest"]
    assert [row[0] for row in rows] == ["finetuned*", "logistic*", "svm*"]
    assert all(NUMBERS.fullmatch(row[1]) for row in rows)
    assert float(rows[2][2]) > 0.6
    started = time.monotonic()
    reproduce(plan, tmp_path / "tables", NoProgress())
    assert time.monotonic() - started < 10


@pytest.mark.slow
def test_workers_give_the_features_that_threads_give(finished, tmp_path):
    pytest.importorskip("distributed", reason="needs the extra cluster")
    output = finished.copy(tmp_path)
    expected = {path: path.read_bytes() for path in (output / "work").glob("features-*/*")}
    for path in expected:
        path.unlink()
    reproduce(replace(finished.plan, executor=Dask(scheduler="local:2")), output, NoProgress())
    assert {path: path.read_bytes() for path in (output / "work").glob("features-*/*")} == expected
    assert without_times((output / "reproduction.md").read_text(encoding="utf-8")) == without_times(finished.text())
