"""A file is there whole or not at all."""

from __future__ import annotations

import pytest

from unoqa.store.atomic import replacing, write_text


def test_a_file_is_written_with_its_folders(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", "one\ntwo – drei\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == "one\ntwo – drei\n".encode()


def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "c.txt", "old")
    with pytest.raises(OSError, match="disk full"), replacing(tmp_path / "c.txt") as fresh:
        fresh.write_text("half", encoding="utf-8")
        raise OSError("disk full")
    assert [path.name for path in tmp_path.iterdir()] == ["c.txt"]
    assert (tmp_path / "c.txt").read_text(encoding="utf-8") == "old"


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    write_text(tmp_path / "c.txt", "old")
    with replacing(tmp_path / "c.txt") as fresh:
        fresh.write_text("new", encoding="utf-8")
        assert (tmp_path / "c.txt").read_text(encoding="utf-8") == "old"
    assert (tmp_path / "c.txt").read_text(encoding="utf-8") == "new"
