"""A model folder is read if it is complete and unchanged; otherwise the error names what is wrong."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from unoqa.core.errors import ModelError, ResultsError
from unoqa.store.model_folder import check_model_folder, read_model_folder, write_model_folder

DOCUMENT = {"name": "site 1 – Zürich", "alpha": 0.1, "layers": [2, 3], "panel": {"scales": ["tiles"]}}
ARRAYS = {"mean": torch.arange(3.0), "kept": torch.tensor([1, 2]), "half": torch.ones(2, 2).half().T}
GRAPHS = {1: b"the network of an encoder", 12: b"another network"}
FILES = (
    "model.toml",
    "arrays.safetensors",
    "encoder-1.onnx",
    "encoder-12.onnx",
    "MODEL_CARD.md",
    "checksums.json",
)


@pytest.fixture
def model(tmp_path):
    write_model_folder(tmp_path / "model", DOCUMENT, ARRAYS, GRAPHS, "# Card – für alle\n")
    return tmp_path / "model"


def read_error(folder):
    with pytest.raises(ModelError) as caught:
        read_model_folder(folder)
    return str(caught.value)


def test_document_arrays_and_graphs_come_back(model):
    document, arrays, graphs, _ = read_model_folder(model)
    assert graphs == GRAPHS
    assert document == {"format": 4, **DOCUMENT}
    assert arrays.keys() == ARRAYS.keys()
    assert all(torch.equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    assert all(arrays[name].dtype == ARRAYS[name].dtype for name in ARRAYS)


def test_a_folder_holds_files_of_plain_data(model):
    assert sorted(path.name for path in model.iterdir()) == sorted(FILES)
    header = (model / "arrays.safetensors").read_bytes()
    length = int.from_bytes(header[:8], "little")
    assert json.loads(header[8 : 8 + length]).keys() >= ARRAYS.keys()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("flip", [0x01, 0x80])
@pytest.mark.requirement("R5")
def test_every_changed_byte_is_noticed(model, name, flip):
    sound = (model / name).read_bytes()
    for place in range(len(sound)):
        changed = bytearray(sound)
        changed[place] ^= flip
        (model / name).write_bytes(changed)
        sentence = read_error(model)
        assert name in sentence or sentence.startswith(
            (f"The model {model} has format", f"The model {model} lacks encoder-")
        )


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("cut", [0, 10, -1])
@pytest.mark.requirement("R5")
def test_a_cut_file_is_named(model, name, cut):
    (model / name).write_bytes((model / name).read_bytes()[:cut])
    if (name, cut) == ("checksums.json", -1):  # the last line end carries nothing
        read_model_folder(model)
    else:
        assert name in read_error(model) or f"The model {model} has format" in read_error(model)


@pytest.mark.parametrize("name", FILES[:-1])
@pytest.mark.requirement("R5")
def test_a_missing_file_is_named(model, name):
    (model / name).unlink()
    assert read_error(model) == f"The model {model} lacks {name}; copy the whole folder again."


def test_a_folder_without_checksums_is_not_a_complete_model(model):
    (model / "checksums.json").unlink()
    assert read_error(model) == (
        f"{model} is not a complete model (it has no checksums.json); name a folder that `unoqa fit` wrote."
    )


def test_a_folder_that_does_not_exist_is_named_with_the_command_that_makes_one(tmp_path):
    folder = tmp_path / "model"
    assert (
        read_error(folder)
        == f"There is no model folder {folder}; check the path, or fit a model with `unoqa fit` first."
    )


def test_another_version_is_reported_before_a_wrong_checksum(model):
    text = (model / "model.toml").read_text(encoding="utf-8")
    (model / "model.toml").write_text(text.replace("format = 4", "format = 1"), encoding="utf-8")
    assert read_error(model) == (
        f"The model {model} has format 1, of unoqa another version, but this version reads 4; "
        f"fit it again: `unoqa fit OUTSTANDING -o {model} --overwrite`."
    )


def test_a_graph_that_is_not_listed_is_refused(model):
    (model / "encoder-3.onnx").write_bytes(b"put there later")
    assert read_error(model).startswith(f"{model / 'encoder-3.onnx'} changed after the model was saved ")


def test_checksums_that_are_no_table_are_damaged(model):
    (model / "checksums.json").write_text("[]", encoding="utf-8")
    assert read_error(model).startswith(f"{model / 'checksums.json'} is damaged; ")


def test_a_copy_is_the_same_model_in_any_folder(model, tmp_path):
    shutil.copytree(model, tmp_path / "copy")
    write_model_folder(tmp_path / "again", DOCUMENT, ARRAYS, GRAPHS, "# Card – für alle\n")
    checksum = hashlib.sha256((model / "checksums.json").read_bytes()).hexdigest()
    assert {read_model_folder(folder).checksum for folder in (model, tmp_path / "copy", tmp_path / "again")} == {
        checksum
    }


def test_a_model_replaces_a_model_but_nothing_else(model, tmp_path):
    write_model_folder(model, {"alpha": 0.2}, {}, {}, "")
    assert read_model_folder(model)[:3] == ({"format": 4, "alpha": 0.2}, {}, {})
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "photo.png").touch()
    for folder, sentence in (
        (tmp_path / "holiday", "holds something that is not a model; name a new folder."),
        (tmp_path / "holiday" / "photo.png", "is a file; name a folder for the model."),
    ):
        with pytest.raises(ResultsError) as caught:
            write_model_folder(folder, DOCUMENT, ARRAYS, GRAPHS, "")
        assert str(caught.value) == f"{folder} {sentence}"


def test_a_model_folder_that_holds_other_files_is_not_replaced(model):
    (model / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ResultsError) as caught:
        write_model_folder(model, DOCUMENT, ARRAYS, GRAPHS, "")
    assert str(caught.value) == f"{model} holds something that is not a model; name a new folder."
    assert (model / "notes.txt").exists()


def test_a_model_folder_that_holds_system_files_is_replaced(model):
    (model / ".DS_Store").touch()
    write_model_folder(model, {"alpha": 0.2}, {}, {}, "")
    assert read_model_folder(model)[0]["alpha"] == 0.2


def test_the_working_directory_is_refused(tmp_path, monkeypatch):
    (tmp_path / "within").mkdir()
    monkeypatch.chdir(tmp_path / "within")
    for folder in (Path(), Path(".."), tmp_path):
        with pytest.raises(ResultsError) as caught:
            check_model_folder(folder)
        assert str(caught.value) == (
            f"A model replaces its folder, but {folder} holds the working directory or is a mount point; "
            "name a folder inside it."
        )


def test_an_interrupted_rewrite_leaves_the_former_model(model):
    before = read_model_folder(model)[0]
    with pytest.raises(TypeError):
        write_model_folder(model, {"alpha": object()}, ARRAYS, GRAPHS, "")
    assert read_model_folder(model)[0] == before
    assert [path.name for path in model.parent.iterdir()] == [model.name]
