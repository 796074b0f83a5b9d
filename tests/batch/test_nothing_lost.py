"""Whatever happens to a file while it is read costs its own row, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from unoqa import grade_to_folder
from unoqa.batch import GradeOptions
from unoqa.core.assessment import Failure
from unoqa.formats.parts.kinds import load_formats
from unoqa.grader.source import ImageSource

TRAP = Path(__file__).parent.parent / "trap"

QUICK = GradeOptions(heat=False)


@pytest.mark.requirement("R1")
def test_a_file_that_vanishes_after_it_was_found_costs_its_own_row(settled, clinic, tmp_path):
    folder = clinic.some(tmp_path / "scans", 12)
    with grade_to_folder(settled, folder, tmp_path / "whole", QUICK) as results:
        whole = results.gradings
    source = ImageSource.find(folder)
    sorted(folder.iterdir())[3].unlink()
    with grade_to_folder(settled, source, tmp_path / "results", QUICK) as results:
        after = results.gradings
    assert after[3].error.startswith(f"unreadable: {whole[3].image} cannot be opened (no such file or directory)")
    assert after[:3] + after[4:] == whole[:3] + whole[4:]


def test_a_file_that_is_written_to_while_it_is_read_is_refused(clinic, tmp_path, monkeypatch):
    folder = clinic.some(tmp_path / "scans", 1)
    (path,) = folder.iterdir()
    whole = path.read_bytes()

    def write_meanwhile(*_: object) -> None:
        path.write_bytes(whole + b"more")

    monkeypatch.setattr("unoqa.formats.png.check_only_page", write_meanwhile)
    (result,) = (image.apply(lambda scan: scan) for image in ImageSource.find(folder).images)
    assert isinstance(result, Failure)
    assert result.code == "changed"
    assert result.message == (
        f"{path.name} was changed while it was read; wait until it is written, and run the same command again."
    )


@pytest.mark.requirement("R1")
def test_a_file_that_crashes_its_decoder_costs_its_own_row(settled, clinic, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(TRAP)
    load_formats.cache_clear()
    folder = clinic.some(tmp_path / "scans", 12)
    with grade_to_folder(settled, folder, tmp_path / "whole", QUICK) as results:
        whole = results.gradings
    sorted(folder.iterdir())[3].write_text("TRAP crash", encoding="utf-8")
    try:
        with grade_to_folder(settled, folder, tmp_path / "results", QUICK) as results:
            after = results.gradings
    finally:
        load_formats.cache_clear()
    assert after[3].error.startswith(f"unreadable: {whole[3].image} is damaged and made its decoder crash; ")
    assert after[:3] + after[4:] == whole[:3] + whole[4:]


@pytest.mark.requirement("R1")
def test_only_failures_are_read_again(settled, clinic, tmp_path):
    folder = clinic.some(tmp_path / "scans", 12)
    images = sorted(folder.iterdir())
    sound = images[5].read_bytes()
    images[5].write_bytes(sound[: len(sound) // 2])
    with grade_to_folder(settled, folder, tmp_path / "results", QUICK) as results:
        before = results.gradings
    assert before[5].error.startswith("truncated: ")
    for path in images:
        path.write_bytes(sound if path == images[5] else b"would be refused if it were read")
    retry = GradeOptions(heat=False, retry_errors=True)
    with grade_to_folder(settled, folder, tmp_path / "results", retry) as results:
        after = results.gradings
    assert after[5].score is not None
    assert after[:5] + after[6:] == before[:5] + before[6:]
