"""A decoder that crashes, hangs or fills the memory costs one image; the same pixels come as without a process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from unoqa.core.errors import ImageError
from unoqa.formats import FORMATS, ImageReference, collect, read
from unoqa.formats.apart.reading import Decoders

TRAP = Path(__file__).parent.parent / "trap"

APART = [kind for kind in FORMATS.names() if FORMATS.load(kind).apart]


@pytest.fixture
def decoders():
    """Give processes that may take as long as those of the program."""
    made = Decoders()
    yield made
    made.close()


@pytest.fixture
def spring(decoders, tmp_path, monkeypatch):
    """Return a function that reads a file which does what it is told."""
    monkeypatch.syspath_prepend(TRAP)

    def read_trap(*deed, name="scan.trap", by=decoders):
        path = tmp_path / name
        path.write_text(" ".join(map(str, ("TRAP", *deed))), encoding="utf-8")
        return by.read("trap", path, 0, name)

    return read_trap


@pytest.mark.parametrize(
    ("deed", "code", "sentence"),
    [
        ("crash", "unreadable", "is damaged and made its decoder crash; open it in a viewer and export it again."),
        ("swell", "too-large", "takes far more memory than its header says; open it in a viewer and export it again."),
    ],
)
def test_what_a_file_does_to_its_decoder_is_one_error_and_the_next_file_is_read(spring, deed, code, sentence):
    with pytest.raises(ImageError) as caught:
        spring(deed)
    assert (caught.value.code, str(caught.value)) == (code, f"scan.trap {sentence}")
    assert spring("nothing").pixels.shape == (64, 72)


def test_a_decoder_that_hangs_is_ended(spring):
    hasty, started = Decoders(seconds=0.5), time.monotonic()
    with pytest.raises(ImageError, match=r"^scan.trap was not decoded within 0.5 seconds; open it"):
        spring("hang", by=hasty)
    assert time.monotonic() - started < 30  # a process started, on a busy machine


def test_harm_that_one_file_left_does_not_cost_the_next(spring):
    assert spring("poison").pixels.shape == (64, 72)
    assert spring("nothing").pixels.shape == (64, 72)


def test_a_process_that_somebody_ended_is_replaced(spring):
    spring("nothing")
    for child in children():
        child.kill()
        child.wait()
    assert spring("nothing").pixels.shape == (64, 72)


def test_a_header_that_promises_many_pixels_is_given_the_memory_for_them(spring):
    assert spring("grow").pixels.shape == (64, 72)


def test_what_a_decoder_prints_is_no_answer(spring):
    assert spring("print").pixels.shape == (64, 72)


def test_threads_read_side_by_side(spring, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(spring, "meet", one, other, name="first.trap")
        second = threads.submit(spring, "meet", other, one, name="second.trap")
        assert [first.result().name, second.result().name] == ["first.trap", "second.trap"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no sessions of processes")
def test_keys_that_interrupt_the_program_do_not_reach_its_decoders(spring):
    spring("nothing")
    assert all(os.getsid(child.pid) != os.getsid(0) for child in children())


@pytest.mark.parametrize("kind", APART)
def test_images_and_errors_are_those_of_the_format_itself(tmp_path, valid_files, kind):
    reader, path = FORMATS.load(kind)(), tmp_path / f"scan{FORMATS.load(kind).suffixes[0]}"
    for data in valid_files(kind):
        path.write_bytes(data)
        for reference in collect([path]).references:
            image, own = read(reference), reader.read(path, reference.page, reference.name)
            assert image.pixels.dtype == own.pixels.dtype
            assert np.array_equal(image.pixels, own.pixels)
            assert (image.name, image.facts, image.number_type) == (own.name, own.facts, own.number_type)
    path.write_bytes(data[: len(data) // 2])
    sentences = []
    for function in (lambda: read(ImageReference("scan", path, 0)), lambda: reader.read(path, 0, "scan")):
        with pytest.raises(ImageError) as caught:
            function()
        sentences.append((caught.value.code, str(caught.value)))
    assert sentences[0] == sentences[1]


def test_a_name_that_is_no_unicode_is_read(tmp_path, valid_files):
    path = tmp_path / os.fsdecode(b"scan-\xff.tif")
    try:
        path.write_bytes(valid_files("tiff")[0])
    except OSError:
        pytest.skip("this file system takes Unicode only")
    (reference,) = collect([path]).references
    assert read(reference).pixels.shape == (64, 72)


def test_a_process_imports_little():
    code = f"""
import sys
from unoqa.formats.apart.child import FORMATS
for kind in {APART}:
    FORMATS.load(kind)
print(sorted({{"torch", "timm", "sklearn", "matplotlib", "onnxruntime"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("last", ["", "os.kill(os.getpid(), signal.SIGKILL)"], ids=["ends", "killed"])
def test_processes_end_with_the_program(tmp_path, valid_files, last):
    path = tmp_path / "scan.tif"
    path.write_bytes(valid_files("tiff")[0])
    code = f"""
import os, pathlib, psutil, signal
from unoqa.formats import ImageReference, read
read(ImageReference("scan", pathlib.Path({str(path)!r}), 0))
print(psutil.Process().children()[0].pid, flush=True)
{last}
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    deadline = time.monotonic() + 20
    while psutil.pid_exists(int(done.stdout)) and time.monotonic() < deadline:
        if psutil.Process(int(done.stdout)).status() == psutil.STATUS_ZOMBIE:
            return  # its new parent has not looked yet
        time.sleep(0.05)
    assert not psutil.pid_exists(int(done.stdout))


def children():
    return [one for one in psutil.Process().children() if "unoqa.formats.apart.child" in one.cmdline()]
