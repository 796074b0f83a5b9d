"""What is not read is counted and named: image files of other kinds, and what unoqa itself has written."""

from __future__ import annotations

import sqlite3
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from unoqa.core.errors import ImageError, UsageError
from unoqa.formats import collect, describe_unread, read


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Return a function that writes files at paths below a new working folder: PNG images unless told otherwise."""
    monkeypatch.chdir(tmp_path)

    def files(*names, content=None):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                Image.new("L", (8, 8)).save(name, format="PNG")
            else:
                Path(name).write_bytes(content)

    return files


def names(found):
    return [reference.name for reference in found.references]


def encode(kind):
    stream = BytesIO()
    Image.new("L", (8, 8)).save(stream, kind)
    return stream.getvalue()


def test_image_files_of_other_kinds_are_counted_by_kind(put):
    put("all/1.png")
    put("all/a.webp", "all/b.WEBP", "all/sub/c.webp", "all/d.gif", "all/e.mha", "all/notes.txt", content=b"x")
    found = collect([Path("all")])
    assert (names(found), found.ignored) == (["1.png"], 1)
    assert found.unread == {".webp": 3, ".gif": 1, ".mha": 1}
    assert found.describe_left_out() == (
        "3 .webp, 1 .gif and 1 .mha files were not read; convert them to PNG or TIFF.",
    )


@pytest.mark.parametrize(
    ("unread", "sentence"),
    [
        ({}, ""),
        ({".jp2": 1}, "1 .jp2 file was not read; convert it to PNG or TIFF."),
        ({".gif": 1, ".webp": 3}, "3 .webp and 1 .gif files were not read; convert them to PNG or TIFF."),
    ],
)
def test_the_sentence_names_kinds_and_numbers(unread, sentence):
    assert describe_unread(unread) == sentence


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (encode("GIF"), ".gif"),
        (encode("WEBP"), ".webp"),
        (encode("JPEG2000"), ".jp2"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00", ".heic"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", ".jxl"),
    ],
)
def test_a_kind_is_recognised_by_content_too(content, kind, put):
    put("all/1.png")
    put("all/IM0001", content=content)
    put("all/named.tif", content=content)
    found = collect([Path("all")])
    assert (names(found), found.unread, found.ignored) == (["1.png", "named.tif"], {kind: 1}, 0)
    sentence = f"named.tif is a {kind} file, which unoqa does not read; export it as a grey PNG or TIFF."
    with pytest.raises(ImageError, match=f"^{sentence}$") as caught:
        read(found.references[1])
    assert caught.value.code == "unsupported"


HEYEX = "in HEYEX, export the angiogram of the slab as a picture (PNG, TIFF, BMP) or as DICOM"


@pytest.mark.parametrize(
    ("content", "kind", "advice"),
    [
        (
            b"HSF-OCT-103\x00",
            ".vol",
            "in HEYEX, export the angiogram of the slab as a picture (PNG, TIFF, BMP) or as DICOM",
        ),
        (b"CMDb\x00", ".e2e", "in HEYEX, export the angiogram of the slab as a picture (PNG, TIFF, BMP) or as DICOM"),
        (b"FOCTFDA", ".fda", "in IMAGEnet, export the en-face angiogram as a picture or as DICOM"),
        (b"MATLAB 7.3 MAT-file", ".mat", "save the slab alone as a .npy file or, in MATLAB, as a .mat file with -v7"),
    ],
)
def test_a_kind_of_a_device_is_refused_with_how_to_export_it(content, kind, advice, put):
    put("all/1.png")
    put("all/named.tif", content=content)
    put(f"all/named{kind if kind != '.mat' else '.h5'}", content=content)
    found = collect([Path("all")])
    with pytest.raises(ImageError, match="which unoqa does not read") as caught:
        read(found.references[1])
    assert str(caught.value) == f"named.tif is a {kind} file, which unoqa does not read; {advice}."
    (sentence,) = found.describe_left_out()
    assert sentence.endswith(f": {advice}.")


def test_what_has_no_signature_is_named_by_its_ending(put):
    put("all/1.png")
    put("all/scan.img", "all/scan.oct", "all/scan.raw", content=b"\x00" * 600)
    assert collect([Path("all")]).describe_left_out() == (
        "1 .img, 1 .oct and 1 .raw files were not read; .img: on the CIRRUS or in FORUM, export the en-face angiogram "
        "as a picture or as DICOM; .oct: export the en-face angiogram as a picture, or convert an en-face .raw by "
        "`oct-to-tiff FILE --en-face`; .raw: export the en-face angiogram as a picture, or convert an en-face .raw by "
        "`oct-to-tiff FILE --en-face`.",
    )


def test_a_folder_of_other_kinds_only_says_so(put):
    put("all/a.webp", "all/b.webp", "all/c.gif", "all/d.txt", content=b"x")
    with pytest.raises(UsageError) as caught:
        collect([Path("all")])
    assert str(caught.value) == (
        "'all' holds no image that unoqa reads: 2 .webp and 1 .gif files were not read; convert them to PNG or TIFF."
    )


def make_record(path):
    Path(path).parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA application_id = 0x756E6F71; CREATE TABLE images (name TEXT);")
    connection.close()


def make_results():
    make_record("all/results/record.sqlite")


@pytest.mark.parametrize(
    "markers",
    [
        ["results/grades.csv", "results/run.json"],
        ["results/.unfinished/journal"],
        ["results/model.toml", "results/checksums.json"],
        ["results/phantom/labels.csv", "results/model/model.toml"],
        None,
    ],
)
def test_what_unoqa_has_written_is_not_searched_for_scans(markers, put):
    if markers is None:
        make_results()
    else:
        put(*(f"all/{marker}" for marker in markers), content=b"")
    put("all/1.png", "all/results/cohort.png", "all/results/heat/1.png.png", "all/results/phantom/clinic/2.png")
    found = collect([Path("all")])
    assert (names(found), found.own_outputs, found.ignored) == (["1.png"], 1, 0)
    assert found.describe_left_out() == ("1 folder was not searched, with results, models or demos of unoqa.",)


@pytest.mark.parametrize(
    "files",
    [
        ["grades.csv"],
        ["run.json"],
        ["model.toml"],
        ["phantom/labels.csv"],
        ["record.sqlite"],
        ["heat/overlay.txt"],
    ],
)
def test_a_folder_with_a_similar_file_is_searched(files, put):
    put(*(f"all/sub/{file}" for file in files), content=b"SQLite format 3\x00")
    put("all/sub/1.png", "all/sub/heat/2.png")
    assert names(collect([Path("all")])) == ["sub/1.png", "sub/heat/2.png"]
    assert names(collect([Path("all/sub/heat")])) == ["2.png"]


@pytest.mark.parametrize(
    "given",
    ["all/results", "all/results/heat", "all/results/heat/sub", "all/results/cohort.png", "all/results/heat/1.png.png"],
)
def test_results_that_a_user_names_are_refused(given, put):
    make_results()
    put("all/1.png", "all/results/cohort.png", "all/results/heat/1.png.png", "all/results/heat/sub/2.png.png")
    with pytest.raises(UsageError) as caught:
        collect([Path("all/1.png"), Path(given)])
    assert str(caught.value) == (
        f"'{given}' belongs to results of unoqa and holds no scans; name files or folders of scans."
    )


def test_the_scans_of_a_demo_can_be_named(put):
    put("demo/phantom/labels.csv", "demo/model/model.toml", "demo/model/checksums.json", content=b"")
    put("demo/phantom/clinic/1.png", "demo/cohort.png")
    assert names(collect([Path("demo/phantom/clinic"), Path("demo/phantom")])) == ["1.png", "clinic/1.png"]
    for given, what in (("demo", "a demo"), ("demo/cohort.png", "a demo"), ("demo/model", "a model")):
        with pytest.raises(UsageError, match=f"^'{given}' belongs to {what} of unoqa and holds no scans; name"):
            collect([Path(given)])


def test_a_folder_of_results_only_says_so(put):
    make_results()
    with pytest.raises(UsageError) as caught:
        collect([Path("all")])
    assert str(caught.value) == (
        "'all' holds no image that unoqa reads: 1 folder was not searched, with results, models or demos of unoqa; "
        "give files or folders of bmp, dicom, jpeg, matlab, nifti, npy, png, tiff."
    )
