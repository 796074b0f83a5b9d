"""The whole reproduction, on a small phantom and a ResNet-18 of random weights: made once, gone on from many times."""

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
from unoqa.benchmark.datasets.labelled_folder import LabelledFolder
from unoqa.benchmark.datasets.phantom import Phantom
from unoqa.benchmark.reproduction.images import Library
from unoqa.benchmark.reproduction.run import Plan, reproduce
from unoqa.core.errors import DataSetError, WeightsError
from unoqa.core.progress import NoProgress
from unoqa.encoders.timm import Timm
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.store.workspace import Workspace

DRAWN = Phantom(outstanding=24, clinic=(8, 16, 16), size=96)
MODEL = "resnet18.tv_in1k"
LEARNED = ("PaDiM", "PatchCore", "FastFlow", "CFLOW")
UNTRAINED = ("NIQE", "vessel structure", "`measures` panel", "`default` panel", "chance")
FIGURE = re.compile(r"-?\d+\.\d / \d+\.\d")
PAPERS = re.compile(r"\d+\.\d\d / \d+\.\d\d")


@dataclass(frozen=True)
class Made:
    """One whole reproduction: its plan, the folder that it was made in, and how long that took."""

    plan: Plan
    output: Path
    seconds: float

    def copied(self, folder):
        """Copy everything, so that a test may go on from it."""
        return shutil.copytree(self.output, folder / "copy")

    def text(self, name="reproduction.md"):
        return (self.output / name).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    DRAWN.studies(folder / "data", seed=0)
    weights = random_weights(tmp_path_factory.getbasetemp())
    plan = Plan("phantom", DRAWN, folder / "data", MODEL, weights, quick=True, size=96)
    started = time.monotonic()
    reproduce(plan, folder / "tables", NoProgress())
    return Made(plan, folder / "tables", time.monotonic() - started)


def tables(text):
    """Return each table of a report by its title: a list of rows, the head first."""
    parts = [part.splitlines() for part in text.split("\n## ")[1:]]
    cut = {title: [line for line in rest if line.startswith("| ")] for title, *rest in parts}
    return {title: [row.strip("| ").split(" | ") for row in rows if "---" not in row] for title, rows in cut.items()}


def table(text, title):
    head, *rows = tables(text)[title]
    return {tuple(row[:2]): dict(zip(head, row, strict=True)) for row in rows}


def untimed(text):
    """Return a report without its day, and without how long everything took."""
    lines = [line for line in text.splitlines() if not line.startswith("* date: ")]
    timed = [place for place, line in enumerate(lines) if line.startswith("## Scores")]
    return [line.rsplit(" | ", 2)[0] if timed and place > timed[0] else line for place, line in enumerate(lines)]


def work(folder):
    """Return the evidence and the cells that were kept, with when they were written."""
    kept = [*(folder / "work" / "fit-evidence").iterdir(), folder / "work" / "cells.jsonl"]
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in kept}


def cells(folder):
    with (folder / "reproduction.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_first_table_has_a_figure_wherever_the_paper_has_one(made):
    rows = table(made.text(), "Table 1: phantom, test set")
    ours = [(name, reduction) for name in LEARNED for reduction in ("PCA", "NMF")]
    assert list(rows) == [*ours, *((name, "score") for name in UNTRAINED), ("majority class", "–")]
    for name, row in rows.items():
        kinds = dict(list(row.items())[2:])
        assert all(FIGURE.fullmatch(value) for column, value in kinds.items() if "paper" not in column)
        published = [PAPERS.fullmatch(value) is not None for column, value in kinds.items() if "paper" in column]
        assert published == [name in ours] * 3


def test_the_other_tables_are_whole(made):
    ablation = table(made.text(), "Table 2: phantom, test set")
    assert [name for name, _ in ablation] == ["F_QS", "F_single", "F_single + FDR", "F_multi", "F_multi + FDR"]
    kinds = table(made.text(), "F_H: phantom, test set")
    assert list(kinds) == [
        (name, kind)
        for name in ("FastFlow", "CFLOW")
        for kind in ("prob", "energy", "log-energy", "quantile", "latent")
    ]
    scores = table(made.text(), "Scores: phantom")
    assert [name for name, _ in scores] == [*LEARNED, *UNTRAINED[:-1]]
    every = [value for row in (*ablation.values(), *kinds.values()) for value in list(row.values())[2:]]
    assert all(FIGURE.fullmatch(value.removesuffix(" –")) for value in every)
    assert all(0 <= float(row["O vs rest"]) <= 1 for row in scores.values())


def test_the_report_says_what_it_was_made_of_and_what_was_left_out(made):
    text = made.text()
    assert "* data set: phantom (a quick look: few images, and flows that learn for a short while)\n" in text
    assert f"* encoder: {MODEL}, layers 1, 2, weights SHA-256 " in text
    assert "* recipes: padim-resnet18, patchcore-resnet18, fastflow-resnet18, cflow-resnet18\n" in text
    assert text.split("## Notes\n\n")[1].splitlines() == [
        f"* {name}: layer 3 left out, which the weights file lacks." for name in (*LEARNED, "`default` panel")
    ]
    assert "tested: 8 / 16 / 16 outstanding / gradable / ungradable" in text


def test_page_and_csv_hold_the_same_figures(made):
    page = made.text("reproduction.html")
    rows = tables(made.text())["Table 1: phantom, test set"]
    assert all(f"<td>{value}</td>" in page for value in rows[1][2:])
    names = ("system", "points", "reduction", "clustering", "gate")
    found = {tuple(row[name] for name in names): row for row in cells(made.output)}
    one = found["CFLOW", "maps", "nmf", "gmm", "conformal"]
    assert rows[8][-1] == f"{100 * float(one['kappa']):.1f} / {100 * float(one['accuracy']):.1f}"
    assert len(found) == len(cells(made.output))


def test_what_a_system_learned_from_on_the_way_is_gone(made):
    left = {path.name.split("-")[0] for path in (made.output / "work").iterdir()}
    assert left - {".unoqa"} == {"cells.jsonl", "features", "fit", "latents"}  # some filelocks leave their file
    assert [path.name for path in (made.output / "work").glob("fit-*")] == ["fit-evidence"]


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: os.truncate(file, 1000)], ids=["removed", "cut"])
def test_latents_that_are_not_there_any_more_are_made_again(spoil, made, tmp_path):
    output = made.copied(tmp_path)
    latents = {path: path.read_bytes() for path in (output / "work").glob("latents-*")}
    for path in latents:
        spoil(path)
    reproduce(made.plan, output, NoProgress())
    assert {path: path.read_bytes() for path in latents} == latents
    assert (output / "reproduction.csv").read_text(encoding="utf-8") == made.text("reproduction.csv")
    assert latents


def test_a_second_call_computes_nothing_again(made, tmp_path):
    output = made.copied(tmp_path)
    before, started = work(output), time.monotonic()
    reproduce(made.plan, output, NoProgress())
    assert time.monotonic() - started < made.seconds / 2
    assert work(output) == before
    for name in ("reproduction.md", "reproduction.html", "reproduction.csv"):
        lines = [(output / name).read_text(encoding="utf-8").splitlines(), made.text(name).splitlines()]
        assert [line for line in lines[0] if "date" not in line] == [line for line in lines[1] if "date" not in line]


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_in_the_same_tables(made, tmp_path):
    output, kills = tmp_path / "tables", 0
    for steps in (20, 200, 400):
        try:
            reproduce(made.plan, output, Failing(steps, KeyboardInterrupt))
        except KeyboardInterrupt:
            kills += 1
    assert kills == 3
    reproduce(made.plan, output, NoProgress())
    assert (output / "reproduction.csv").read_bytes() == (made.output / "reproduction.csv").read_bytes()
    assert untimed((output / "reproduction.md").read_text(encoding="utf-8")) == untimed(made.text())


@pytest.mark.slow
def test_several_seeds_show_their_spread(made, tmp_path):
    output = made.copied(tmp_path)
    reproduce(replace(made.plan, seeds=2), output, NoProgress())
    text = (output / "reproduction.md").read_text(encoding="utf-8")
    row = table(text, "Table 1: phantom, test set")["CFLOW", "PCA"]
    assert re.fullmatch(r"-?\d+\.\d ± \d+\.\d / \d+\.\d ± \d+\.\d", row["K-means: F1-max*"])
    assert row["K-means: paper"] == "46.32 / 68.06"
    assert "mean ± standard deviation of 2 seeds" in text
    assert {row["seed"] for row in cells(output)} == {"0", "1"}
    assert "± " not in "".join(tables(text)["F_H: phantom, test set"][1])


def test_corrected_labels_change_cells_and_nothing_is_learned_again(made, tmp_path):
    output = made.copied(tmp_path)
    data = shutil.copytree(made.plan.data, tmp_path / "data")
    before = work(output)
    text = (data / "labels.csv").read_text(encoding="utf-8")
    (data / "labels.csv").write_text(text.replace("outstanding", "gradable", 1), encoding="utf-8")
    reproduce(replace(made.plan, data=data), output, NoProgress())
    after = work(output)
    assert {name for name in after if after[name] != before.get(name)} == {"cells.jsonl"}
    assert "tested: 7 / 17 / 16 " in (output / "reproduction.md").read_text(encoding="utf-8")
    changed = [
        one["accuracy"] != other["accuracy"] for one, other in zip(cells(output), cells(made.output), strict=True)
    ]
    assert sum(changed) > len(changed) / 2


def test_other_weights_and_another_size_are_other_features(tmp_path):
    keys = set()
    for seed, size in ((0, 64), (1, 64), (0, 96)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = timm.create_model("test_resnet.r160_in1k", features_only=True, out_indices=(1,))
        encoder = Timm(model="test_resnet.r160_in1k", layers=(1,))
        open_encoders = OpenEncoders.opened([encoder], size, device=torch.device("cpu"), weights=[network.state_dict()])
        with Workspace() as workspace:
            keys.add(Library(open_encoders, [encoder], workspace).key(encoder))
    assert len(keys) == 3


def labelled(folder, data, outstanding, worse=12):
    """Write the first scans of a phantom as a folder with one table."""
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


def refusal(plan, output, error=DataSetError):
    with pytest.raises(error) as caught:
        reproduce(plan, output, NoProgress())
    return str(caught.value)


def test_too_few_images_to_fit_on_are_refused_before_anything_is_learned(made, tmp_path):
    folder = labelled(tmp_path / "data", made.plan.data, 9)
    (folder / "fit3.png").write_text("no image")
    plan = replace(made.plan, dataset=LabelledFolder(), data=folder)
    assert refusal(plan, tmp_path / "tables") == (
        "Study all: a threshold without labels takes at least 9 outstanding images to fit on, and 8 can be read "
        "(fit3.png holds no image that is read (bmp, jpeg, png, tiff); open it in a viewer and export it again); "
        "give more."
    )
    assert not list((tmp_path / "tables").glob("*.md"))


def test_a_split_of_which_no_image_can_be_read_is_refused(made, tmp_path):
    folder = labelled(tmp_path / "data", made.plan.data, 10)
    for path in folder.glob("test*.png"):
        Image.new("L", (64, 64), 90).save(path)
    sentence = refusal(replace(made.plan, dataset=LabelledFolder(), data=folder), tmp_path / "tables")
    assert sentence.startswith("Study all: no image of the test split is left (test0.png ")
    assert sentence.endswith("; give others.")


def test_weights_without_a_first_layer_are_refused(made, tmp_path):
    safetensors.torch.save_file({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "stem.safetensors")
    plan = replace(made.plan, weights=tmp_path / "stem.safetensors")
    assert refusal(plan, tmp_path / "tables", WeightsError).startswith("The weights given lack ")
    assert not (tmp_path / "tables").exists()


@pytest.mark.slow
def test_references_with_labels_have_a_table_of_their_own_on_another_encoder(made, tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("test_resnet.r160_in1k", features_only=True, out_indices=(1, 2, 3, 4))
    safetensors.torch.save_file(network.state_dict(), tmp_path / "weights.safetensors")
    plan = replace(made.plan, model="test_resnet.r160_in1k", weights=tmp_path / "weights.safetensors", supervised=True)
    assert reproduce(plan, tmp_path / "tables", NoProgress()).notes == (
        "`default` panel: on test_resnet.r160_in1k, not on resnet18.tv_in1k as in its recipe.",
    )
    text = (tmp_path / "tables" / "reproduction.md").read_text(encoding="utf-8")
    head, *rows = tables(text)["With labels: phantom, test set"]
    assert head == ["reference", "kappa / accuracy", "O vs rest", "U vs rest"]
    assert [row[0] for row in rows] == ["finetuned*", "logistic*", "svm*"]
    assert all(FIGURE.fullmatch(row[1]) for row in rows)
    assert float(rows[2][2]) > 0.6
    started = time.monotonic()
    reproduce(plan, tmp_path / "tables", NoProgress())
    assert time.monotonic() - started < 10
