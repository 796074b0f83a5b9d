"""A file is written whole or not at all; a folder that holds only files of the operating system is empty."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import SafetensorError

from unoqa.store.files import is_empty, name_full_disk, replace_file, replace_folder, write_text


def test_a_file_is_written_and_its_folders_are_made(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", "one\ntwo – drei\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == "one\ntwo – drei\n".encode()


def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "c.txt", "old")
    with pytest.raises(OSError, match="disk full"), replace_file(tmp_path / "c.txt") as fresh:
        fresh.write_text("half", encoding="utf-8")
        raise OSError("disk full")
    assert [path.name for path in tmp_path.iterdir()] == ["c.txt"]
    assert (tmp_path / "c.txt").read_text(encoding="utf-8") == "old"


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    write_text(tmp_path / "c.txt", "old")
    with replace_file(tmp_path / "c.txt") as fresh:
        fresh.write_text("new", encoding="utf-8")
        assert (tmp_path / "c.txt").read_text(encoding="utf-8") == "old"
    assert (tmp_path / "c.txt").read_text(encoding="utf-8") == "new"


def fill(folder, text):
    with replace_folder(folder) as fresh:
        (fresh / "text").write_text(text, encoding="utf-8")


def test_a_folder_replaces_another_and_leaves_nothing_beside_it(tmp_path):
    for text in ("old", "new"):
        fill(tmp_path / "a", text)
        assert (tmp_path / "a" / "text").read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_old_folder_comes_back_if_the_new_one_cannot_replace_it(tmp_path, monkeypatch):
    fill(tmp_path / "a", "old")
    replace = Path.replace

    def interrupt(self, target):
        if self.suffix == ".part":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "a", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a" / "text").read_text(encoding="utf-8") == "old"


def test_a_link_to_a_folder_still_points_there(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    fill(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "text").read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "thumbs.db", "desktop.ini", "Desktop.ini"])
def test_a_folder_with_only_system_files_is_empty(name, tmp_path):
    assert is_empty(tmp_path)
    (tmp_path / name).touch()
    assert is_empty(tmp_path)
    (tmp_path / "thesis.doc").touch()
    assert not is_empty(tmp_path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("write", [replace_file, replace_folder, name_full_disk])
def test_a_full_disk_is_named_by_the_path_that_was_asked_for(write, number, tmp_path):
    for error in (
        OSError(number, os.strerror(number)),
        OSError(number, os.strerror(number), str(tmp_path / ".temporary.part")),
        SafetensorError(f"Error while serializing: I/O error: {os.strerror(number)} (os error {number})"),
    ):
        with pytest.raises(OSError, match=re.escape(str(tmp_path / "wanted"))) as found, write(tmp_path / "wanted"):
            raise error
        assert (found.value.errno, found.value.filename) == (number, str(tmp_path / "wanted"))
    assert list(tmp_path.iterdir()) == []


def test_other_errors_stay_as_they_are(tmp_path):
    with pytest.raises(PermissionError) as found, replace_file(tmp_path / "wanted"):
        raise PermissionError(errno.EACCES, "Permission denied", "elsewhere")
    assert found.value.filename == "elsewhere"


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size")
@pytest.mark.parametrize("library", ["python", "safetensors", "pillow"])
def test_a_file_that_the_system_cuts_short_is_named(library, tmp_path):
    program = f"""
import resource
from pathlib import Path
import numpy as np
import safetensors.numpy
from PIL import Image
from unoqa.store.files import replace_file

noise = np.random.default_rng(0).integers(0, 256, (400, 400), dtype=np.uint8)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000,) * 2)
try:
    with replace_file(Path("wanted")) as fresh:
        if {library!r} == "python":
            fresh.write_bytes(noise.tobytes())
        elif {library!r} == "safetensors":
            safetensors.numpy.save_file({{"noise": noise}}, fresh)
        else:
            Image.fromarray(noise).save(fresh, format="png")
except OSError as error:
    print(error.filename, [path.name for path in Path().iterdir()])
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stdout == "wanted []\n", ended.stderr
