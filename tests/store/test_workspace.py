"""Unfinished work outlives its process in a folder of its own, one process at a time, and leaves nothing when done."""

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


def same(found, expected):
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)


def filled(workspace):
    """Put one feature and one checkpoint into a workspace."""
    workspace.features(make_key("f"), SCALES).add(FeaturePyramid((torch.ones(1, 2, 1, 1),)), "digest")
    workspace.checkpoints(make_key("c")).write("part", ARRAYS)


def test_features_and_checkpoints_are_there_for_the_next_process(tmp_path):
    with Workspace(tmp_path / "work") as workspace:
        filled(workspace)
    with Workspace(tmp_path / "work") as workspace:
        assert workspace.features(make_key("f"), SCALES).find("digest") == 0
        assert same(workspace.checkpoints(make_key("c")).read("part"), ARRAYS)
        assert workspace.features("another encoder", SCALES).find("digest") is None
        assert workspace.checkpoints("another fit").read("part") is None


def test_a_folder_is_of_one_process_at_a_time(tmp_path):
    with Workspace(tmp_path / "work"), pytest.raises(ResultsError) as caught:
        Workspace(tmp_path / "work")
    assert str(caught.value) == f"Another process works in {tmp_path / 'work'}; wait for it, or name another output."
    with Workspace(tmp_path / "work") as workspace:
        assert workspace.folder == tmp_path / "work"


def test_a_killed_process_holds_no_folder(tmp_path):
    program = (
        "import os, pathlib, signal, sys; from unoqa.store.workspace import Workspace\n"
        "kept = Workspace(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", program, tmp_path / "work"], check=False, capture_output=True)
    assert ended.returncode != 0
    assert (tmp_path / "work").is_dir(), ended.stderr
    with Workspace(tmp_path / "work") as workspace:
        filled(workspace)


def test_what_is_removed_leaves_nothing(tmp_path):
    with Workspace(tmp_path / "deep" / "work") as workspace:
        filled(workspace)
        workspace.remove()
        assert list((tmp_path / "deep").iterdir()) == []


def test_nobody_works_there_while_it_is_removed(tmp_path, monkeypatch):
    removed, tree = [], shutil.rmtree

    def watched(path, **options):
        with pytest.raises(ResultsError, match="Another process works in"):
            Workspace(tmp_path / "work")
        removed.append(path.name)
        tree(path, **options)

    monkeypatch.setattr(shutil, "rmtree", watched)
    with Workspace(tmp_path / "work") as workspace:
        filled(workspace)
        workspace.remove()
    assert len(removed) == 2
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_else_keeps_there_stays(tmp_path):
    work = tmp_path / "work"
    for theirs in ("features-2024/f.csv", "fit-of-last-year/notes.txt", "lock", "thesis.txt"):
        (work / theirs).parent.mkdir(parents=True, exist_ok=True)
        (work / theirs).write_text("years of work", encoding="utf-8")
    before = sorted(path.relative_to(work) for path in work.rglob("*"))
    with Workspace(work) as workspace:
        filled(workspace)
        workspace.remove()
    assert sorted(path.relative_to(work) for path in work.rglob("*")) == before


def test_a_temporary_workspace_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for removed in (True, False):
        with Workspace() as workspace:
            filled(workspace)
            assert [path.name for path in tmp_path.iterdir()] == [workspace.folder.name]
            if removed:
                workspace.remove()
        assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_is_replaced_whole(tmp_path):
    checkpoints = FolderCheckpoints(tmp_path / "fit")
    assert isinstance(checkpoints, Checkpoints)
    checkpoints.write("part", ARRAYS)
    checkpoints.write("part", {"step": torch.tensor(8.0)})
    assert same(checkpoints.read("part"), {"step": torch.tensor(8.0)})
    assert len(list((tmp_path / "fit").iterdir())) == 1


def test_what_was_read_is_no_window_on_the_file(tmp_path):
    checkpoints = FolderCheckpoints(tmp_path)
    checkpoints.write("part", ARRAYS)
    checkpoints.read("part")["now.weight"].zero_()
    assert same(checkpoints.read("part"), ARRAYS)


def test_parts_of_a_work_have_checkpoints_of_their_own(tmp_path):
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
    assert same(checkpoints.read("part"), ARRAYS)


def test_a_key_stands_for_every_value_in_its_order():
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
