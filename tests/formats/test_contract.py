"""What every format on the shelf must do; a new format is tested as soon as its file exists."""

from __future__ import annotations

import numpy as np
import pytest

from unoqa.core.errors import ImageError
from unoqa.formats import FORMATS, ImageReference, read
from unoqa.formats.parts.kinds import HEAD_BYTES

pytestmark = pytest.mark.parametrize("kind", FORMATS.names())


def test_recognises_its_own_files_and_no_others(kind, valid_files):
    heads = {name: [data[:HEAD_BYTES] for data in valid_files(name)] for name in FORMATS.names()}
    image_format = FORMATS.load(kind)()
    assert all(image_format.matches(head) == (name == kind) for name in heads for head in heads[name])


def test_recognises_nothing_in_other_files(kind):
    image_format = FORMATS.load(kind)()
    heads = [
        b"",
        b"\x00" * 32,
        b"BMI;age;eye\n24;61;OD\n",
        b"GIF89a",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"\x93NUMPY",
    ]
    assert not any(image_format.matches(head) for head in heads)


def test_suffixes_are_lower_case_and_belong_to_it_alone(kind):
    others = [FORMATS.load(name).suffixes for name in FORMATS.names() if name != kind]
    for suffix in FORMATS.load(kind).suffixes:
        assert suffix.startswith(".")
        assert suffix == suffix.lower()
        assert suffix not in sum(others, ())


def test_reads_one_grey_channel_and_divides_unsigned_numbers_by_their_largest(kind, valid_files, tmp_path):
    for number, data in enumerate(valid_files(kind)):
        path = tmp_path / str(number)
        path.write_bytes(data)
        image = read(ImageReference("scan", path, 0))
        assert image.pixels.shape == (64, 72)
        assert image.pixels.dtype == np.float32
        assert 0.0 <= image.pixels.min() < image.pixels.max()
        assert image.pixels.max() <= 1.0 or image.number_type.kind == "float"


def test_reads_by_content_whatever_the_name(kind, valid_files, tmp_path, read_file):
    data = valid_files(kind)[1]
    wrong = tmp_path / ("scan.png" if kind != "png" else "scan.bmp")
    right = tmp_path / f"scan.{kind}"
    for path in (wrong, right):
        path.write_bytes(data)
    assert np.array_equal(read_file(wrong), read_file(right))


def test_keeps_the_name_that_it_is_given(kind, valid_files, tmp_path):
    path = tmp_path / "scan"
    path.write_bytes(valid_files(kind)[0])
    assert read(ImageReference("patient 7/Ö#1", path, 0)).name == "patient 7/Ö#1"


def test_counts_one_page_and_refuses_a_second(kind, valid_files, tmp_path):
    path = tmp_path / "scan"
    path.write_bytes(valid_files(kind)[0])
    image_format = FORMATS.load(kind)()
    assert image_format.count_pages(path) == 1
    with pytest.raises(ImageError, match=r"scan#2 has no page 2; open it"):
        image_format.read(path, 1, "scan#2")


def test_a_file_cut_anywhere_is_refused_or_read(kind, valid_files, tmp_path, read_file):
    path = tmp_path / "scan"
    data = valid_files(kind)[1]
    for length in range(32, len(data), len(data) // 60):
        path.write_bytes(data[:length])
        try:
            assert read_file(path).shape == (64, 72)
        except ImageError as error:
            assert error.code in {"truncated", "unreadable"}


def test_a_file_cut_within_its_pixels_is_truncated(kind, valid_files, tmp_path, read_file):
    path = tmp_path / "scan"
    data = valid_files(kind)[1]
    path.write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(ImageError, match="scan ends before its image does; copy or export it again") as caught:
        read_file(path)
    assert caught.value.code == "truncated"


def test_a_bomb_is_refused_by_its_header(kind, tmp_path, read_file, make_bomb):
    path = tmp_path / "bomb"
    make_bomb(kind, path)
    with pytest.raises(ImageError, match="bomb has 10000×6401 pixels, more than 64 million") as caught:
        read_file(path)
    assert caught.value.code == "too-large"


def test_a_missing_file_is_an_image_error(kind, tmp_path):
    with pytest.raises(ImageError, match=r"gone cannot be opened \(no such file or directory\)"):
        FORMATS.load(kind)().read(tmp_path / "gone", 0, "gone")
