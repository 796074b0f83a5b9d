"""A portable path can be written on every system; names that a system takes for the same are found."""

from __future__ import annotations

import os

import pytest

from unoqa.store.file_names import (
    MAX_NAME_BYTES,
    find_clashes,
    find_common_folder,
    make_portable_path,
    make_short_digest,
)


@pytest.mark.parametrize("name", ["scan", "left/scan.tif", "Größe/眼 1.tif#2", "a." + "b" * (MAX_NAME_BYTES - 6)])
def test_a_portable_name_stays_as_it_is(name):
    assert str(make_portable_path(name, ".png")) == f"{name}.png"


@pytest.mark.parametrize("part", ["a<b", "a:b", "a?", "a\\b", "a\tb", "con", "LPT1.tif", "b" * MAX_NAME_BYTES])
def test_a_file_name_that_some_system_forbids_becomes_a_digest_with_the_suffix(part):
    assert str(make_portable_path(f"left/{part}", ".png")) == f"left/{make_short_digest(f'{part}.png')}.png"


@pytest.mark.parametrize("folder", ["a<b", "nul", "dot.", "space "])
def test_a_folder_name_that_some_system_forbids_becomes_a_digest(folder):
    assert str(make_portable_path(f"{folder}/scan", ".png")) == f"{make_short_digest(folder)}/scan.png"


def test_a_portable_path_is_relative():
    assert str(make_portable_path("/abs/scan", ".png")) == "abs/scan.png"


def test_names_that_differ_in_case_or_in_the_coding_of_accents_clash():
    names = ["b/Scan", "b/scan", "Größe", "gro\u0308sse", "c/scan"]
    assert find_clashes(names, ".png") == sorted(names[:4])


@pytest.mark.parametrize(
    ("folders", "common"),
    [
        (["/clinic/today", "/clinic/old"], "/clinic"),
        (["", "/clinic"], "/clinic"),
        (["", ""], ""),
        ([], ""),
        (["/clinic", "drive"], ""),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of other systems")
def test_the_deepest_common_folder(folders, common):
    assert find_common_folder(folders) == common
