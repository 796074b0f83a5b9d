"""Every image of a TIFF has its row: also those without a directory. Reduced images and masks have none."""

from __future__ import annotations

import struct
from time import perf_counter

import numpy as np
import pytest
import tifffile
from PIL import Image

from unoqa.core.errors import ImageError
from unoqa.formats import collect, read


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 64, 72)).astype(np.uint8)


def read_all(path):
    return [read(reference).pixels for reference in collect([path]).references]


def refuse(path):
    """Return the sentence and the code with which the only row of a file is refused."""
    (reference,) = collect([path]).references
    with pytest.raises(ImageError) as caught:
        read(reference)
    return str(caught.value), caught.value.code


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((12, 64, 72), {"imagej": True}),
        ((2, 3, 2, 64, 72), {"imagej": True, "metadata": {"axes": "TZCYX"}}),
        ((12, 64, 72), {}),
        ((3, 4, 64, 72), {"bigtiff": True, "byteorder": ">"}),
        ((12, 64, 72), {"rowsperstrip": 16}),
    ],
)
@pytest.mark.parametrize("truncate", [True, False])
def test_each_image_of_a_stack_has_a_row(shape, options, truncate, stack, tmp_path):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, stack.reshape(shape), photometric="minisblack", truncate=truncate, **options)
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == (1 if truncate else 12)
    assert [one.name for one in collect([path]).references][::11] == ["scan.tif", "scan.tif#12"]
    assert np.array_equal(read_all(path), (stack / 255).astype(np.float32))


def test_colours_follow_one_another_too(stack, tmp_path):
    path, colours = tmp_path / "scan.tif", np.stack([stack] * 3, axis=-1)
    tifffile.imwrite(path, colours, photometric="rgb", imagej=True, truncate=True)
    assert np.array_equal(read_all(path), (stack / 255).astype(np.float32))


def test_several_stacks_of_one_file_follow_one_another(stack, tmp_path):
    path = tmp_path / "scan.tif"
    with tifffile.TiffWriter(path) as file:
        for part, truncate in ((stack, True), (stack[:3, :50], False), (stack[:5, :, :70], True)):
            file.write(part, photometric="minisblack", truncate=truncate)
    assert [image.shape for image in read_all(path)] == [(64, 72)] * 12 + [(50, 72)] * 3 + [(64, 70)] * 5
    assert np.array_equal(read_all(path)[19], (stack[4, :, :70] / 255).astype(np.float32))


def test_a_metamorph_stack_has_a_row_for_each_plane(stack, tmp_path):
    path = tmp_path / "scan.stk"
    tags = [(33628, "I", 2, (0, 0), True), (33629, "2I", 12, (0, 1) * 12, True)]
    tifffile.imwrite(path, stack[0], photometric="minisblack", metadata=None, extratags=tags)
    path.write_bytes(path.read_bytes() + stack[1:].tobytes())
    assert np.array_equal(read_all(path), (stack / 255).astype(np.float32))


@pytest.mark.parametrize("kept", [11.9, 6.5, 1.1])
def test_a_stack_that_is_cut_off_is_refused_as_a_whole(kept, stack, tmp_path):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, stack, imagej=True, truncate=True)
    path.write_bytes(path.read_bytes()[: -int((12 - kept) * stack[0].size)])
    sentence = f"scan.tif names 12 images but ends after {int(kept)}; copy or export it again."
    assert refuse(path) == (sentence, "truncated")


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}, {"compression": "raw"}])
def test_one_image_with_the_note_of_its_former_stack_is_one_image(options, stack, tmp_path):
    tifffile.imwrite(tmp_path / "stack.tif", stack, imagej=True, truncate=True)
    with Image.open(tmp_path / "stack.tif") as image:
        assert "images=12" in image.tag_v2[270]
        image.save(tmp_path / "scan.tif", tiffinfo=image.tag_v2, **options)
    assert np.array_equal(read_all(tmp_path / "scan.tif"), (stack[:1] / 255).astype(np.float32))


def test_data_that_no_page_describes_is_refused(stack, tmp_path):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, stack[0], photometric="minisblack", metadata=None)
    path.write_bytes(path.read_bytes() + stack[1:].tobytes())
    sentence = "scan.tif holds data for 11 more images than its pages describe; save each image as a page or a file of "
    assert refuse(path) == (sentence + "its own.", "unsupported")


def test_a_chain_that_ends_early_is_refused(stack, tmp_path):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path) as file:
        third, fourth = (file.pages[number].offset for number in (2, 3))
    data = path.read_bytes()
    link = data.index(struct.pack("<I", fourth), third)
    path.write_bytes(data[:link] + bytes(4) + data[link + 4 :])
    assert refuse(path)[0].startswith("scan.tif holds data for 9 more images than its pages describe")


def test_one_strip_that_counts_the_whole_stack_is_refused(stack, tmp_path):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, stack[0], photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["StripByteCounts"].overwrite(stack.size)
    path.write_bytes(path.read_bytes() + stack[1:].tobytes())
    assert refuse(path)[0].startswith("scan.tif holds data for 11 more images")


def test_a_volume_in_one_page_is_refused(stack, tmp_path):
    volume = stack.reshape(1, 12, 64, 72)
    tifffile.imwrite(tmp_path / "scan.tif", volume, photometric="minisblack", volumetric=True, tile=(16, 16, 16))
    assert refuse(tmp_path / "scan.tif")[0].startswith("scan.tif holds a volume in one page, which unoqa does not read")


@pytest.mark.parametrize(("samples", "photometric"), [(2, "minisblack"), (12, "minisblack"), (5, "rgb")])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_images_within_the_samples_of_each_pixel_are_refused(samples, photometric, planar, stack, tmp_path):
    values = stack[:samples] if planar == "separate" else np.moveaxis(stack[:samples], 0, -1)
    tifffile.imwrite(tmp_path / "scan.tif", values, photometric=photometric, planarconfig=planar)
    assert refuse(tmp_path / "scan.tif") == (
        f"scan.tif holds {samples} samples in each pixel, perhaps several images; "
        "save each image as a page or a file of its own.",
        "unsupported",
    )


@pytest.mark.parametrize(
    ("samples", "photometric", "kind"),
    [(2, "minisblack", "unassalpha"), (2, "minisblack", "assocalpha"), (4, "rgb", "unassalpha"), (4, "rgb", None)],
)
def test_alpha_is_not_an_image(samples, photometric, kind, stack, tmp_path):
    values = np.stack([stack[0]] * samples, axis=-1)
    tifffile.imwrite(tmp_path / "scan.tif", values, photometric=photometric, extrasamples=kind and [kind])
    assert np.array_equal(read_all(tmp_path / "scan.tif"), (stack[:1] / 255).astype(np.float32))


def test_reduced_images_thumbnails_and_masks_are_skipped_and_counted(stack, tmp_path):
    path = tmp_path / "scan.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(stack[0, ::2, ::2], photometric="minisblack", subfiletype=1)
        file.write(stack[0], photometric="minisblack", subifds=2)
        for step in (2, 4):
            file.write(stack[0, ::step, ::step], photometric="minisblack", subfiletype=1)
        file.write(stack[0] > 99, photometric=4, subfiletype=4)
        file.write(stack[1], photometric="minisblack", subfiletype=2)  # one page of several
    found = collect([path])
    assert (len(found.references), found.skipped_pages) == (2, 4)
    assert found.describe_left_out() == ("4 pages were left out, as reduced images or masks of other pages.",)
    assert np.array_equal(read_all(path), (stack[:2] / 255).astype(np.float32))


def test_the_subfile_type_of_tiff_5_is_known_too(stack, tmp_path):
    path = tmp_path / "scan.tif"
    with tifffile.TiffWriter(path) as file:
        for image, kind in ((stack[0], 1), (stack[0, ::2, ::2], 2), (stack[1], 3)):
            file.write(image, photometric="minisblack", extratags=[(255, "H", 1, kind, True)])
    assert [image.shape for image in read_all(path)] == [(64, 72)] * 2


def test_a_file_of_reduced_images_only_says_so(stack, tmp_path):
    tifffile.imwrite(tmp_path / "scan.tif", stack[0], photometric="minisblack", subfiletype=1)
    assert refuse(tmp_path / "scan.tif")[0].startswith("scan.tif holds only reduced images or masks, which unoqa")


def test_a_file_that_changes_is_listed_again(stack, tmp_path):
    path = tmp_path / "scan.tif"
    for count in (12, 5):
        tifffile.imwrite(path, stack[:count], photometric="minisblack")
        assert len(read_all(path)) == count


def test_an_error_of_the_chain_names_the_image(stack, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / "scan.tif", stack[0], photometric="minisblack", subfiletype=1)
    for reference in collect([tmp_path / "a", tmp_path / "b"]).references:
        with pytest.raises(ImageError, match=f"^{reference.name} holds only reduced images"):
            read(reference)


def test_a_page_takes_no_longer_among_many(stack, tmp_path):
    times = []
    for count in (20, 2000):
        path = tmp_path / f"{count}.tif"
        tifffile.imwrite(path, np.broadcast_to(stack[0], (count, 64, 72)), photometric="minisblack")
        reference = collect([path]).references[-1]
        times.append(min(measure(reference) for _ in range(20)))
    assert times[1] < 3 * times[0]


def measure(reference):
    started = perf_counter()
    read(reference)
    return perf_counter() - started
