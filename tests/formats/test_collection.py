"""Every image in what a user gives is found once, in order, with a unique name; other files are counted."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from unoqa.core.errors import ImageError, UsageError
from unoqa.formats import Collection, collect, read


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Return a function that writes images at paths below a new working folder."""
    monkeypatch.chdir(tmp_path)

    def images(*names):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8)).save(name, format="PNG")

    return images


def names(*inputs, **options):
    return [reference.name for reference in collect([Path(path) for path in inputs], **options).references]


def test_a_folder_is_searched_deep_and_in_order(put):
    put("all/b.png", "all/B.png", "all/a/2.png", "all/a/10.png", "all/a.png", "all/é 1#x.png")
    assert names("all") == ["B.png", "a/10.png", "a/2.png", "a.png", "b.png", "é 1#x.png"]


def test_other_and_hidden_files_are_counted(put):
    put("all/1.png", "all/.2.png", "all/.git/3.png", "all/__MACOSX/4.png")
    for name in ("notes.txt", "Thumbs.db", ".DS_Store"):
        Path("all", name).write_bytes(b"\x00\x01")
    found = collect([Path("all")])
    assert ([reference.name for reference in found.references], found.ignored) == (["1.png"], 6)


def test_content_decides_and_a_file_with_an_image_suffix_keeps_its_row(put):
    put("all/no-suffix", "all/wrong.csv")
    Path("all/text.png").write_text("not an image")
    Path("all/empty.TIFF").touch()
    empty, good, text, wrong = collect([Path("all")]).references
    assert read(good).pixels.shape == read(wrong).pixels.shape == (8, 8)
    kinds = "bmp, dicom, jpeg, matlab, nifti, npy, png, tiff"
    with pytest.raises(ImageError, match=rf"text\.png holds no image that unoqa reads \({kinds}\)"):
        read(text)
    with pytest.raises(ImageError, match=r"empty\.TIFF ends before its image does"):
        read(empty)


def test_a_file_is_called_by_its_own_name(put):
    put("deep/er/1.png")
    assert names("deep/er/1.png") == ["1.png"]


def test_a_file_named_twice_has_two_rows_in_order(put):
    put("all/1.png", "all/sub/2.png")
    assert names("all/sub/2.png", "all/1.png", "all/sub/2.png") == ["2.png", "1.png", "2.png"]
    assert names("all/sub/2.png", "all") == ["2.png", "1.png", "sub/2.png"]


def test_a_file_given_by_two_paths_has_two_names(put):
    put("all/1.png")
    assert names("all/1.png", Path("all/1.png").resolve()) == ["all/1.png", Path("all/1.png").resolve().as_posix()]


def test_the_pages_of_a_file_named_twice_are_rows_twice(put):
    put("all/1.png")
    Image.new("L", (8, 8)).save("all/scan.tif", save_all=True, append_images=[Image.new("L", (8, 8))])
    assert names("all", "all/scan.tif") == ["1.png", "scan.tif", "scan.tif#2", "scan.tif", "scan.tif#2"]


def test_each_link_to_a_file_has_a_row(put):
    put("all/1.png", "far/2.png")
    for name in ("a.png", "b.png"):
        Path("all", name).symlink_to(Path("all/1.png").resolve())
    assert names("all") == ["1.png", "a.png", "b.png"]


def test_a_folder_is_entered_through_each_link_to_it(put):
    put("all/1.png", "far/2.png")
    for name in ("a", "b"):
        Path("all", name).symlink_to(Path("far").resolve())
    assert names("all", follow_links=True) == ["1.png", "a/2.png", "b/2.png"]


def test_only_names_that_clash_become_longer(put):
    put("a/1.png", "a/2.png", "b/1.png", "c/1.png")
    assert names("a", "b", "c/1.png") == ["a/1.png", "2.png", "b/1.png", "c/1.png"]


def test_names_that_clash_again_are_the_paths_as_given(put):
    put("x/a/1.png", "y/a/1.png", "y/a/2.png")
    assert names("x/a", "y/a") == ["x/a/1.png", "y/a/1.png", "2.png"]


def test_the_names_of_all_pages_of_a_file_become_longer_together(put):
    put("b/scan.tif")
    Path("a").mkdir()
    Image.new("L", (8, 8)).save("a/scan.tif", save_all=True, append_images=[Image.new("L", (8, 8))])
    assert names("a", "b") == ["a/scan.tif", "a/scan.tif#2", "b/scan.tif"]


def test_a_file_named_like_a_page_keeps_a_name_of_its_own(put):
    put("all/scan.tif#2")
    Image.new("L", (8, 8)).save("all/scan.tif", save_all=True, append_images=[Image.new("L", (8, 8))])
    assert names("all") == ["all/scan.tif#1", "all/scan.tif#2", "all/scan.tif#2#1"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*[st.sampled_from("ab")] * 4), min_size=1, unique=True))
def test_names_are_unique_whatever_overlaps(put, tmp_path_factory, parts):
    root = tmp_path_factory.mktemp("overlap")
    files = [root.joinpath(*path[:3], f"{path[3]}.png") for path in parts]
    put(*files)
    inputs = [root / "a", root / "b", *(file.parent for file in files), *files]
    found = collect([path for path in inputs if path.exists()]).references
    paths = {reference.name: reference.path for reference in found}
    assert all(paths[reference.name] == reference.path for reference in found)
    assert set(paths.values()) == set(files)
    assert len(found) == sum(file.is_relative_to(path) for path in inputs for file in files)


def test_links_to_files_are_followed_and_links_to_folders_on_request(put):
    put("all/real/1.png", "far/2.png")
    Path("all/2.png").symlink_to(Path("far/2.png").resolve())
    Path("all/far").symlink_to(Path("far").resolve())
    assert names("all") == ["2.png", "real/1.png"]
    assert collect([Path("all")]).ignored == 1
    assert names("all", follow_links=True) == ["2.png", "far/2.png", "real/1.png"]


def test_a_circle_of_links_ends(put):
    put("all/1.png")
    Path("all/self").symlink_to(Path("all").resolve())
    Path("all/loop.png").symlink_to("loop.png")
    found = collect([Path("all")], follow_links=True)
    assert [reference.name for reference in found.references] == ["1.png", "loop.png"]
    with pytest.raises(ImageError, match=r"loop\.png cannot be opened"):
        read(found.references[1])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_never_opened(put):
    put("all/1.png")
    os.mkfifo("all/pipe.png")
    found = collect([Path("all")])
    assert ([reference.name for reference in found.references], found.ignored) == (["1.png"], 1)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_gets_a_row(put):
    put("all/1.png", "all/shut/2.png")
    Path("all/1.png").chmod(0)
    Path("all/shut").chmod(0)
    references = collect([Path("all")]).references
    Path("all/shut").chmod(0o700)
    assert [reference.name for reference in references] == ["1.png", "shut"]
    for reference in references:
        with pytest.raises(ImageError, match=r"cannot be opened \("):
            read(reference)


@pytest.mark.skipif(os.name != "posix", reason="only POSIX allows file names that are not Unicode")
def test_a_file_name_that_is_not_unicode_becomes_unicode(put):
    put(os.fsdecode(b"all/\xf6d.png"))
    (name,) = names("all")
    assert name == r"\udcf6d.png"


@pytest.mark.parametrize(
    ("files", "what"), [(0, " and no other file"), (1, ", only 1 other file"), (3, ", only 3 other files")]
)
def test_a_folder_without_images_says_what_it_holds(put, files, what):
    Path("all").mkdir()
    for number in range(files):
        Path(f"all/{number}.txt").touch()
    sentence = f"'all' holds no image{what}; give files or folders of bmp, dicom, jpeg, matlab, nifti, npy, png, tiff."
    with pytest.raises(UsageError, match=re.escape(sentence)):
        collect([Path("all")])


def test_what_does_not_exist_is_named(put):
    put("1.png")
    with pytest.raises(UsageError, match=r"There is no file or folder 'l\.png'; check its spelling\."):
        collect([Path("1.png"), Path("l.png")])


def test_a_pattern_that_the_shell_left_alone_is_expanded(put):
    put("all/2.png", "all/1.png", "all/.3.png", "all/sub/4.png", "all/[5].png")
    assert names("all/*.png") == ["1.png", "2.png", "[5].png"]
    assert names("all/**/4.png") == ["4.png"]
    assert names("all/[5].png") == ["[5].png"]
    assert names(Path("all/?.png").resolve()) == ["1.png", "2.png"]
    with pytest.raises(UsageError) as caught:
        collect([Path("all/*.tif")])
    assert str(caught.value) == (
        "There is no file or folder 'all/*.tif', and as a pattern it matches nothing; check its spelling."
    )


def test_nothing_given_is_a_usage_error():
    with pytest.raises(UsageError, match="No image was given"):
        collect([])


def test_collections_of_the_same_images_are_equal(put):
    put("1.png")
    assert collect([Path()]) == Collection(collect([Path("1.png")]).references, 0)
