"""A manifest names images and what is known of them; nothing in it is guessed, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from unoqa import EnfaceImage, UnoqaError
from unoqa.core.assessment import Failure
from unoqa.core.errors import ImageError, UsageError
from unoqa.core.facts import Fact, Facts, agree
from unoqa.grader.manifest import read_manifest
from unoqa.grader.source import ImageSource

PIXELS = np.random.default_rng(0).integers(0, 256, (80, 72), dtype=np.uint8)


@pytest.fixture
def manifest(tmp_path):
    """Return a function that writes a manifest beside the scans `a.png` and `b.png`."""
    for name in ("a.png", "b.png"):
        Image.fromarray(PIXELS).save(tmp_path / name)

    def write(text, name="scans.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def values(facts):
    return {name: fact.value for name, fact in facts.known()}


def test_every_column_states_a_fact_of_the_image(manifest):
    path = manifest(
        "Path;Eye;Session;Patient;Site;Date;Device;Field of view;Slab\n"
        "a.png;OD;baseline;P 7;Bonn;2024-05-01;Cirrus;6x6 mm;SVP\n"
        "b.png;left;;;;;;4,5;whole retina\n"
    )
    first, second = ImageSource.find(path).images
    assert values(first.facts) == {
        "laterality": "right",
        "session": "baseline",
        "patient": "P 7",
        "site": "Bonn",
        "acquired": "2024-05-01",
        "device": "Cirrus",
        "field_of_view": "6 × 6",
        "slab": "superficial",
    }
    assert values(second.load().facts) == {
        "laterality": "left",
        "field_of_view": "4.5 × 4.5",
        "slab": "whole retina",
    }
    assert {fact.source for _, fact in first.facts.known()} == {"manifest"}


def test_its_paths_are_relative_to_it_and_so_are_the_names(manifest, tmp_path):
    (tmp_path / "deep").mkdir()
    Image.fromarray(PIXELS).save(tmp_path / "deep" / "c.png")
    path = manifest(f"path\ndeep/c.png\n{tmp_path / 'a.png'}\n")
    assert [image.name for image in ImageSource.find(path).images] == ["deep/c.png", "a.png"]


def test_a_file_that_is_missing_or_is_no_image_keeps_its_row(manifest, tmp_path):
    (tmp_path / "notes.txt").write_text("no scan", encoding="utf-8")
    path = manifest("path,eye\na.png,OD\ngone.png,OS\nnotes.txt,OD\n")
    results = [image.apply(lambda scan: scan.name) for image in ImageSource.find(path).images]
    assert [result.name if isinstance(result, Failure) else result for result in results] == [
        "a.png",
        "gone.png",
        "notes.txt",
    ]
    assert [result.code for result in results[1:]] == ["unreadable", "unreadable"]
    assert values(results[1].facts) == {"laterality": "left"}


def test_pages_of_a_file_share_what_is_said_of_it(manifest, tmp_path):
    pages = [Image.fromarray(PIXELS), Image.fromarray(255 - PIXELS)]
    pages[0].save(tmp_path / "two.tif", save_all=True, append_images=pages[1:])
    images = ImageSource.find(manifest("path,eye\ntwo.tif,OS\n")).images
    assert [(image.name, values(image.facts)) for image in images] == [
        ("two.tif", {"laterality": "left"}),
        ("two.tif#2", {"laterality": "left"}),
    ]


def test_columns_that_are_not_used_are_named(manifest):
    source = ImageSource.find(manifest("path,patent\na.png,7\n"))
    assert source.left_out == (
        "Columns of the manifest that are not used: patent; known are those of a table with a column path (and any of "
        "eye, session, patient, site, date, device, field of view, slab).",
    )


REFUSED = {
    "eye,grade\nOD,2\n": "scans.csv has no column path; give a table with a column path",
    "path,eye\na.png,both\n": "Line 2 of .*scans.csv has the eye 'both'; write OD or right, OS or left.",
    "path,fov\na.png,wide\n": "Line 2 of .*scans.csv has the field of view 'wide'; write its sides in millimetres",
    "path\na.png\nb.png\na.png\n": "Line 4 of .*scans.csv names a.png again, after line 2; delete one of the two.",
    "path,patient,subject\na.png,1,2\n": "scans.csv has the columns patient and subject, which mean the same",
    "path,eye\n,OD\n": "Line 2 of .*scans.csv has the eye 'OD' and no path; name it, or delete the line.",
    "path\n": "scans.csv names no image; give a table with a column path",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_plain_is_refused_with_its_line(text, manifest):
    with pytest.raises(UsageError, match=REFUSED[text]):
        read_manifest(manifest(text))


def test_a_manifest_is_given_alone(manifest, tmp_path):
    with pytest.raises(UnoqaError, match="A manifest is given alone; name its images in the table"):
        ImageSource.find([manifest("path\na.png\n"), tmp_path / "b.png"])


def test_a_conflict_with_the_file_itself_is_named():
    header = Facts(laterality=Fact("right", "DICOM (0020,0062)"))
    with pytest.raises(ImageError, match=r"a.dcm has the laterality 'right' by DICOM .* and 'left' by manifest; find"):
        header.complete(Facts(laterality=Fact("left", "manifest")), "a.dcm")


def test_what_the_file_says_stands_and_what_it_does_not_say_is_added():
    header = Facts(device=Fact("Carl Zeiss Meditec CIRRUS HD-OCT 5000", "DICOM"), patient=Fact("hash", "DICOM"))
    declared = Facts(device=Fact("cirrus", "manifest"), slab=Fact("deep", "manifest"), patient=Fact("7", "manifest"))
    both = header.complete(declared, "a.dcm")
    assert values(both) == {"device": "Carl Zeiss Meditec CIRRUS HD-OCT 5000", "slab": "deep", "patient": "7"}
    assert both.was_completed_by(declared)
    assert not both.was_completed_by(replace(declared, slab=None))
    assert not both.was_completed_by(replace(declared, slab=Fact("superficial", "manifest")))


@pytest.mark.parametrize(
    ("key", "first", "second", "same"),
    [
        ("laterality", "right", "left", False),
        ("field_of_view", "6 × 6", "6.0 x 6.0 mm", True),
        ("field_of_view", "6 × 6", "3 × 3", False),
        ("device", "Heidelberg Spectralis", "Spectralis OCT2", False),
        ("slab", "superficial", "deep", False),
        ("patient", "P7", "P77", False),
    ],
)
def test_values_agree(key, first, second, same):
    assert agree(key, first, second) is same


def test_the_image_that_is_read_has_the_facts(manifest):
    (image,) = ImageSource.find(manifest("path,eye\na.png,OD\n")).images
    read = image.load()
    assert isinstance(read, EnfaceImage)
    assert read.facts.laterality == Fact("right", "manifest")
