"""Unfinished work outlives its process in a folder that one process uses at a time, and is removed when it is done."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from unoqa.core.errors import ResultsError
from unoqa.core.features import FeaturePyramid, Scale
from unoqa.core.work import Checkpoints, Work
from unoqa.store.workspace import FolderCheckpoints, Workspace, make_key

SCALES = (Scale("image", ("a", "b")),)
ARRAYS = {
    "now.weight": torch.arange(6.0).reshape(2, 3),
    "step": torch.tensor(7.0),
    "stand": torch.tensor([25, 20, float("inf")], dtype=torch.float64),
    "half": torch.tensor([0.1, 65504], dtype=torch.float16),
    "turned": torch.arange(6.0).reshape(2, 3).T,
}


def equal(found, expected):
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)


def fill(workspace):
    """Put one feature and one checkpoint into a workspace."""
    workspace.open_features(make_key("f"), SCALES).add(FeaturePyramid((torch.ones(1, 2, 1, 1),)), "digest")
    workspace.checkpoints(make_key("c")).write("part", ARRAYS)


def test_the_next_process_finds_features_and_checkpoints(tmp_path):
    with Workspace(tmp_path / "work") as workspace:
        fill(workspace)
    with Workspace(tmp_path / "work") as workspace:
        assert workspace.open_features(make_key("f"), SCALES).find("digest") == 0
        assert equal(workspace.checkpoints(make_key("c")).read("part"), ARRAYS)
        assert workspace.open_features("another encoder", SCALES).find("digest") is None
        assert workspace.checkpoints("another fit").read("part") is None


def test_one_process_at_a_time_uses_a_folder(tmp_path):
    with Workspace(tmp_path / "work"), pytest.raises(ResultsError) as caught:
        Workspace(tmp_path / "work")
    assert (
        str(caught.value)
        == f"Another process works in {tmp_path / 'work'}; wait until it ends, or choose another folder."
    )
    with Workspace(tmp_path / "work") as workspace:
        assert workspace.folder == tmp_path / "work"


def test_a_killed_process_does_not_hold_the_lock(tmp_path):
    program = (
        "import os, pathlib, signal, sys; from unoqa.store.workspace import Workspace\n"
        "kept = Workspace(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", program, tmp_path / "work"], check=False, capture_output=True)
    assert ended.returncode != 0
    assert (tmp_path / "work").is_dir(), ended.stderr
    with Workspace(tmp_path / "work") as workspace:
        fill(workspace)


def test_removed_work_leaves_nothing(tmp_path):
    with Workspace(tmp_path / "deep" / "work") as workspace:
        fill(workspace)
        workspace.remove()
        assert list((tmp_path / "deep").iterdir()) == []


def test_no_process_works_in_a_folder_while_it_is_removed(tmp_path, monkeypatch):
    removed, tree = [], shutil.rmtree

    def watch(path, **options):
        with pytest.raises(ResultsError, match="Another process works in"):
            Workspace(tmp_path / "work")
        removed.append(path.name)
        tree(path, **options)

    monkeypatch.setattr(shutil, "rmtree", watch)
    with Workspace(tmp_path / "work") as workspace:
        fill(workspace)
        workspace.remove()
    assert len(removed) == 2
    assert list(tmp_path.iterdir()) == []


def test_files_of_others_stay(tmp_path):
    work = tmp_path / "work"
    for other in ("features-2024/f.csv", "fit-of-last-year/notes.txt", "lock", "thesis.txt"):
        (work / other).parent.mkdir(parents=True, exist_ok=True)
        (work / other).write_text("years of work", encoding="utf-8")
    before = sorted(path.relative_to(work) for path in work.rglob("*"))
    with Workspace(work) as workspace:
        fill(workspace)
        workspace.remove()
    assert sorted(path.relative_to(work) for path in work.rglob("*")) == before


def test_a_temporary_workspace_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for removed in (True, False):
        with Workspace() as workspace:
            fill(workspace)
            assert [path.name for path in tmp_path.iterdir()] == [workspace.folder.name]
            if removed:
                workspace.remove()
        assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_is_replaced_whole(tmp_path):
    checkpoints = FolderCheckpoints(tmp_path / "fit")
    assert isinstance(checkpoints, Checkpoints)
    checkpoints.write("part", ARRAYS)
    checkpoints.write("part", {"step": torch.tensor(8.0)})
    assert equal(checkpoints.read("part"), {"step": torch.tensor(8.0)})
    assert len(list((tmp_path / "fit").iterdir())) == 1


def test_arrays_that_were_read_are_independent_of_the_file(tmp_path):
    checkpoints = FolderCheckpoints(tmp_path)
    checkpoints.write("part", ARRAYS)
    checkpoints.read("part")["now.weight"].zero_()
    assert equal(checkpoints.read("part"), ARRAYS)


def test_parts_of_work_have_their_own_checkpoints(tmp_path):
    work = Work(checkpoints=FolderCheckpoints(tmp_path)).part("member 0")
    for fold in range(2):
        work.part(f"fold {fold}").write({"fold": torch.tensor(fold)})
    assert [int(work.part(f"fold {fold}").read()["fold"]) for fold in range(2)] == [0, 1]
    assert work.read() is None
    assert work.part("fold 0").part("layer2").name == "member 0/fold 0/layer2"


@pytest.mark.parametrize(
    "damage", [lambda whole: b"", lambda whole: whole[:5], lambda whole: whole[:-1], lambda _: b"?" * 99]
)
def test_a_damaged_checkpoint_reads_as_none(damage, tmp_path):
    checkpoints = FolderCheckpoints(tmp_path)
    checkpoints.write("part", ARRAYS)
    (path,) = Path(tmp_path).iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert checkpoints.read("part") is None
    checkpoints.write("part", ARRAYS)
    assert equal(checkpoints.read("part"), ARRAYS)


def test_a_key_depends_on_every_value_and_on_their_order():
    keys = {
        make_key(),
        make_key("a"),
        make_key("a", "b"),
        make_key("b", "a"),
        make_key("ab"),
        make_key(["a", "b"]),
        make_key({"a": 1}),
    }
    assert len(keys) == 7
    assert make_key({"a": 1, "b": 2}) == make_key({"b": 2, "a": 1})
