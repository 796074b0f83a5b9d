"""DICOM objects: however pixels are stored, the numbers are the same; codestreams are believed; headers give facts."""

from __future__ import annotations

import os
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from dicom_files import (
    CAPTURE_OF_FRAMES,
    DEEP,
    LOSSLESS,
    LOSSY,
    NATIVE,
    PHOTOGRAPH_16,
    REPORT,
    STRUCTURAL,
    SUPERFICIAL,
    VOLUME,
    make_code,
    make_object,
    write_object,
)
from unoqa.core.errors import ImageError
from unoqa.core.image import NumberType
from unoqa.formats import FORMATS, ImageReference, collect, read
from unoqa.formats.apart.reading import Decoders

SHARED = Path(__file__).parents[3] / "shared/files/dicom"


@pytest.fixture
def real():
    """Return the folder of real objects."""
    if not SHARED.is_dir():
        if os.environ.get("UNOQA_REQUIRE_SHARED"):
            pytest.fail(f"{SHARED} is missing")
        pytest.skip("the real objects (shared/files/dicom) are not here")
    return SHARED


@pytest.fixture
def load(tmp_path):
    """Return a function that writes an object and reads one of its frames."""

    def read_back(made, syntax=ExplicitVRLittleEndian, page=0):
        path = tmp_path / "scan.dcm"
        path.write_bytes(write_object(made, syntax))
        return read(ImageReference("scan", path, page))

    return read_back


@pytest.mark.parametrize("syntax", [*NATIVE, *LOSSLESS], ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize("bits", [8, 16])
def test_lossless_pixels_are_read_exactly(load, picture, syntax, bits):
    values = picture if bits == 8 else picture.astype(np.uint16) * 257
    image = load(make_object(values), syntax)
    assert image.number_type == NumberType("unsigned", bits)
    assert np.array_equal(np.rint(image.pixels * (2**bits - 1)), values)


@pytest.mark.parametrize("syntax", LOSSY, ids=lambda syntax: syntax.keyword)
def test_lossy_pixels_are_read_nearly(load, picture, syntax):
    smooth = np.add.outer(np.arange(64), 2 * np.arange(72)).astype(np.uint8)
    values, stored = (smooth, 8) if syntax != JPEGExtended12Bit else (smooth.astype(np.uint16) * 16, 12)
    image = load(make_object(values, BitsStored=stored, HighBit=stored - 1), syntax)
    assert image.number_type == NumberType("unsigned", stored)
    assert np.abs(image.pixels * image.number_type.unit - values).max() <= 3 * 2 ** (stored - 8)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEGLosslessSV1])
def test_colours_become_grey(load, picture, syntax):
    colours = np.stack([picture, picture // 2, picture // 4], axis=-1)
    expected = np.array([0.299, 0.587, 0.114]) @ colours.reshape(-1, 3).T.astype(float)
    image = load(make_object(colours), syntax)
    assert np.abs(image.pixels.ravel() * 255 - expected).max() < 0.01


def test_colours_with_luma_and_chroma_become_grey(load, picture):
    chroma = np.full((*picture.shape, 3), 128, np.uint8)
    chroma[..., 0] = picture
    image = load(make_object(chroma, PhotometricInterpretation="YBR_FULL"))
    assert np.abs(image.pixels * 255 - picture).max() < 0.01
    compressed = load(
        make_object(np.stack([picture] * 3, axis=-1), PhotometricInterpretation="YBR_FULL_422"), JPEGBaseline8Bit
    )
    assert np.abs(compressed.pixels * 255 - picture).mean() < 4


def test_a_palette_is_applied(load, picture):
    table = np.arange(256, dtype=np.uint16)[::-1].copy() * 257
    palette = {
        f"{colour}PaletteColorLookupTable{what}": value
        for colour in ("Red", "Green", "Blue")
        for what, value in (("Descriptor", [256, 0, 16]), ("Data", table.tobytes()))
    }
    image = load(make_object(picture, PhotometricInterpretation="PALETTE COLOR", **palette))
    assert np.array_equal(np.rint(image.pixels * 255), 255 - picture)


def test_white_is_zero_where_the_header_says_so(load, picture):
    image = load(make_object(picture, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE"))
    assert np.array_equal(np.rint(image.pixels * 255), 255 - picture)


def test_a_header_that_contradicts_itself_about_white_is_refused(load, picture):
    with pytest.raises(ImageError, match="says both that 0 is black"):
        load(make_object(picture, PresentationLUTShape="INVERSE"))


def test_bits_beyond_those_stored_are_no_brightness(load, picture):
    values = picture.astype(np.uint16) << 4
    made = make_object(values | 0xF000, BitsStored=12, HighBit=11)
    image = load(made)
    assert image.number_type == NumberType("unsigned", 12)
    assert np.array_equal(np.rint(image.pixels * 4095), values)


def test_signed_numbers_stay_as_they_are(load, picture):
    image = load(make_object(picture.astype(np.int16) - 100, PixelRepresentation=1))
    assert image.number_type == NumberType("signed", 16)
    assert np.array_equal(image.pixels, picture.astype(float) - 100)


def test_floats_stay_as_they_are(load, picture):
    values = picture.astype(np.float32) / 300
    made = make_object(values)
    del made.PixelData, made.BitsStored, made.HighBit, made.PixelRepresentation
    made.FloatPixelData = values.tobytes()
    image = load(made)
    assert image.number_type == NumberType("float", 32)
    assert np.array_equal(image.pixels, values)


def test_a_rescale_gives_the_numbers_and_a_window_changes_none(load, picture):
    windowed = load(make_object(picture, WindowCenter=40, WindowWidth=10, RescaleSlope=1, RescaleIntercept=0))
    assert np.array_equal(np.rint(windowed.pixels * 255), picture)
    rescaled = load(make_object(picture, RescaleSlope="0.5", RescaleIntercept="-10", RescaleType="US"))
    assert rescaled.number_type.kind == "float"
    assert np.array_equal(rescaled.pixels, picture / 2 - 10)


def test_each_frame_is_an_image(tmp_path, picture):
    path = tmp_path / "scan.dcm"
    frames = np.stack([picture, picture[::-1], picture[:, ::-1]])
    for syntax in (ExplicitVRLittleEndian, RLELossless, DeflatedExplicitVRLittleEndian):
        path.write_bytes(write_object(make_object(frames, sop_class=CAPTURE_OF_FRAMES), syntax))
        references = collect([path]).references
        assert [reference.name for reference in references] == ["scan.dcm", "scan.dcm#2", "scan.dcm#3"]
        for reference, frame in zip(references, frames, strict=True):
            image = read(reference)
            assert np.array_equal(np.rint(image.pixels * 255), frame)
            assert image.facts.frame.value == f"{reference.page + 1} of 3"


def test_the_codestream_is_believed(tmp_path, picture):
    made = make_object(picture, sop_class=PHOTOGRAPH_16)
    lying = write_object(made, JPEGBaseline8Bit).replace(b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4.70")
    path = tmp_path / "scan.dcm"
    path.write_bytes(lying)
    assert dcmread(path).file_meta.TransferSyntaxUID == JPEGLosslessSV1
    assert read(ImageReference("scan", path, 0)).pixels.shape == picture.shape


def test_a_header_of_another_size_than_the_codestream_is_refused(tmp_path, picture):
    made = make_object(picture)
    for syntax in (*LOSSLESS[1:], JPEGBaseline8Bit):
        data = write_object(made, syntax)
        at = data.index(b"\x28\x00\x10\x00US\x02\x00") + 8
        path = tmp_path / "scan.dcm"
        path.write_bytes(data[:at] + (65).to_bytes(2, "little") + data[at + 2 :])
        with pytest.raises(ImageError, match="says that it has 72×65 pixels and holds 72×64"):
            read(ImageReference("scan", path, 0))


@pytest.mark.parametrize("syntax", [*NATIVE, *LOSSLESS, JPEGBaseline8Bit], ids=lambda syntax: syntax.keyword)
def test_pixels_that_are_cut_off_are_never_read(tmp_path, picture, syntax):
    data = write_object(make_object(np.stack([picture, picture]), sop_class=CAPTURE_OF_FRAMES), syntax)
    path = tmp_path / "scan.dcm"
    for share in (0.6, 0.8, 0.95):
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(ImageError) as caught:
            read(ImageReference("scan", path, 1))
        assert caught.value.code in {"truncated", "unreadable"}


def test_a_deflated_bomb_is_refused(tmp_path, picture, monkeypatch):
    monkeypatch.setattr("unoqa.formats.parts.inflating.MAX_BYTES", 10**6)
    monkeypatch.setattr("unoqa.formats.parts.limits.MAX_BYTES", 10**6)
    whole = write_object(make_object(picture, PatientComments="0" * 10_000), DeflatedExplicitVRLittleEndian)
    start = 144 + dcmread(BytesIO(whole)).file_meta.FileMetaInformationGroupLength
    packer = zlib.compressobj(wbits=-15)
    path = tmp_path / "bomb.dcm"
    path.write_bytes(whole[:start] + packer.compress(b"\0" * 10**8) + packer.flush())
    with pytest.raises(ImageError) as caught:
        FORMATS.load("dicom")().read(path, 0, "bomb")  # in this process, since the limits above hold in it
    assert caught.value.code == "too-large"


def test_a_nest_of_sequences_is_refused(tmp_path, picture):
    start = write_object(make_object(picture))
    nest = b"\x08\x00\x15\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 50_000
    at = start.index(b"\x08\x00\x16\x00UI")
    path = tmp_path / "nest.dcm"
    path.write_bytes(start[:at] + nest)
    with pytest.raises(ImageError, match=r"nest (is damaged|ends before)"):
        read(ImageReference("nest", path, 0))


def test_objects_without_pixels_are_no_images_and_volumes_are_out_of_scope(tmp_path, picture):
    report = make_object(picture, sop_class=REPORT)
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(report, keyword)
    (tmp_path / "report.dcm").write_bytes(write_object(report))
    (tmp_path / "volume.dcm").write_bytes(write_object(make_object(np.stack([picture] * 5), sop_class=VOLUME)))
    found = collect([tmp_path])
    assert [reference.name for reference in found.references] == ["volume.dcm"]
    assert found.ignored == 1
    with pytest.raises(ImageError, match=r"volume.dcm holds B-scans, not an en-face image") as caught:
        read(found.references[0])
    assert (caught.value.code, caught.value.scope) == ("out-of-scope", "other-modality")


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda syntax: syntax.name)
def test_an_object_without_preamble_is_read_if_it_says_how_its_pixels_are_stored(tmp_path, picture, syntax):
    whole = write_object(make_object(picture), syntax)
    (tmp_path / "scan").write_bytes(whole[132:])  # not named like an object either
    (reference,) = collect([tmp_path]).references
    (tmp_path / "whole.dcm").write_bytes(whole)
    expected = read(ImageReference("whole", tmp_path / "whole.dcm", 0))
    image = read(reference)
    np.testing.assert_array_equal(image.pixels, expected.pixels)
    assert image.facts.slab == expected.facts.slab


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian], ids=lambda syntax: syntax.name)
def test_an_object_that_does_not_say_so_is_refused_by_name(tmp_path, picture, syntax):
    whole = write_object(make_object(picture, SpecificCharacterSet="ISO_IR 100"), syntax)
    bare = whole[144 + dcmread(BytesIO(whole)).file_meta.FileMetaInformationGroupLength :]
    (tmp_path / "scan.dcm").write_bytes(bare)
    (reference,) = collect([tmp_path]).references
    with pytest.raises(ImageError) as caught:
        read(reference)
    assert caught.value.code == "unsupported"
    assert str(caught.value) == (
        "scan.dcm is a .dcm file, which unoqa does not read; store it with file meta information, which says how its "
        "pixels are stored, as `dcmconv IN OUT` of DCMTK does."
    )


def test_a_damaged_object_keeps_its_row(tmp_path, picture):
    whole = write_object(make_object(picture))
    (tmp_path / "empty").write_bytes(bytes(128) + b"DICM" + bytes(50))
    (tmp_path / "short").write_bytes(whole[: whole.index(b"\x28\x00\x10\x00US")])
    found = collect([tmp_path])
    assert [reference.name for reference in found.references] == ["empty", "short"]
    for reference in found.references:
        with pytest.raises(ImageError, match=f"^{reference.name} holds no pixels"):
            read(reference)


def test_the_header_gives_facts(load, picture):
    rating = Dataset()
    rating.NumericValue, rating.QualityThreshold = "7", "6"
    rating.MeasurementUnitsCodeSequence = Sequence([make_code("1", "no units", "UCUM")])
    facts = load(
        make_object(picture, OphthalmicEnFaceImageQualityRatingSequence=Sequence([rating]), BurnedInAnnotation="YES")
    ).facts
    assert {name: fact.value for name, fact in facts.known() if name not in ("session",)} == {
        "modality": "OPTENF",
        "device": "Carl Zeiss Meditec CIRRUS HD-OCT",
        "software": "11.0",
        "laterality": "right",
        "slab": "superficial",
        "field_of_view": "6 × 6",
        "spacing": "0.09375 × 0.0833333",
        "orientation": "superior, left of the patient",
        "vendor_quality": "7 (threshold 6)",
        "burned_in": "yes",
        "patient": "INVENTED-7",
        "acquired": "2024-01-31T14:05:09",
    }
    assert facts.laterality.source == "DICOM (0020,0062)"


@pytest.mark.parametrize(
    ("code", "slab"), [(SUPERFICIAL, "superficial"), (DEEP, "deep"), (STRUCTURAL, "structural superficial"), ("1", "")]
)
def test_the_slab_is_known_by_its_code(load, picture, code, slab):
    fact = load(make_object(picture, slab=code)).facts.slab
    assert (fact.value if fact else "") == slab


@pytest.mark.parametrize(
    ("elements", "moment"),
    [
        ({"AcquisitionDate": "20240131", "ContentDate": "20240202", "ContentTime": "150000"}, "2024-01-31"),
        ({"AcquisitionTime": "140509", "ContentDate": "20240202", "ContentTime": "150000"}, "2024-02-02T15:00:00"),
        ({"AcquisitionDate": "20240131", "AcquisitionTime": "1405"}, "2024-01-31T14:05:00"),
        ({"ContentTime": "150000"}, ""),
    ],
)
def test_a_date_and_a_time_are_of_one_event(load, picture, elements, moment):
    made = make_object(picture)
    for keyword in ("AcquisitionDateTime", "AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime"):
        made.pop(keyword, None)
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    fact = load(made).facts.acquired
    assert (fact.value if fact else "") == moment


def test_a_contradiction_about_the_eye_is_told(load, picture):
    assert load(make_object(picture, Laterality="L")).facts.laterality.value == "unclear: right and left"
    assert load(make_object(picture, ImageLaterality="", Laterality="L")).facts.laterality.value == "left"
    assert load(make_object(picture, ImageLaterality="")).facts.laterality is None


def test_groups_of_frames_are_searched(load, picture):
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing = [0.01, 0.01]
    shared.PixelMeasuresSequence = Sequence([measures])
    made = make_object(np.stack([picture] * 2), SharedFunctionalGroupsSequence=Sequence([shared]))
    del made.PixelSpacing
    assert load(made, page=1).facts.field_of_view.value == "0.72 × 0.64"


def test_pydicom_is_named_where_it_is_missing(tmp_path, picture, monkeypatch):
    path = tmp_path / "scan.dcm"
    path.write_bytes(write_object(make_object(picture)))
    before_it = tmp_path / "found before the library"
    before_it.mkdir()
    (before_it / "pydicom.py").write_text('raise ModuleNotFoundError("No module named pydicom")', encoding="utf-8")
    monkeypatch.syspath_prepend(before_it)
    decoders = Decoders()
    with pytest.raises(ImageError, match=r'scan.dcm is a DICOM object.*run pip install "unoqa\[dicom\]"'):
        decoders.read("dicom", path, 0, "scan.dcm")
    decoders.close()


@pytest.mark.parametrize(
    ("name", "shape", "number_type"),
    [
        ("JLSL_16_15_1_1F.dcm", (128, 128), "int16"),
        ("JPGLosslessP14SV1_1s_1f_8b.dcm", (768, 1024), "uint8"),
        ("SC_rgb_jls_lossy_line.dcm", (100, 100), "uint8"),
        ("SC_rgb_jpeg_dcmtk.dcm", (100, 100), "uint8"),
        ("SC_rgb_rle_16bit_2frame.dcm", (100, 100), "uint16"),
        ("SC_ybr_full_422_uncompressed.dcm", (100, 100), "uint8"),
        ("spectralis_op_drawing.dcm", (1536, 1536), "uint8"),
    ],
)
def test_real_objects_are_read(real, name, shape, number_type):
    image = read(ImageReference(name, real / name, 0))
    assert image.pixels.shape == shape
    assert str(image.number_type) == number_type


def test_a_real_object_is_not_mirrored_or_inverted(real):
    """The drawing of a right eye has its optic disc, which is white, at the right; vessels are darker than the rest."""
    image = read(ImageReference("scan", real / "spectralis_op_drawing.dcm", 0))
    bright = np.argwhere(image.pixels > 0.9)
    assert bright[:, 1].mean() > 0.8 * image.pixels.shape[1]
    assert image.facts.orientation.value == "superior, left of the patient"
    assert image.facts.laterality.value == "right"
