"""A file is written whole or not at all; a folder that holds only files of the operating system is empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from unoqa.store.files import is_empty, replace_file, replace_folder, write_text


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
