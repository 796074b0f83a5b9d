"""What several rooms' tests build on: drawn scans of known grade, each drawn once a session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

import unoqa
from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.benchmark.phantom.cohort import draw_scans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unoqa.benchmark.phantom.cohort import PhantomScan


@pytest.fixture(scope="session", autouse=True)
def user_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Use a folder of this run of the tests, which its processes share, in place of the user's cache and data."""
    folder = tmp_path_factory.getbasetemp().parent / "user-cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setenv("XDG_DATA_HOME", str(folder))
        for kind in ("cache", "data"):
            patch.setattr(f"platformdirs.user_{kind}_path", lambda *_, **__: folder / "unoqa")
        yield folder / "unoqa"


@pytest.fixture
def torch_threads() -> Iterator[Callable[[int], None]]:
    """Give what sets torch's number of threads; afterwards it is as before."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def report_capabilities(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give what lets torch report these capabilities of the processor, such as `amx_bf16=True`, and no others."""

    def report(**capabilities: bool) -> None:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)

    return report


@pytest.fixture(scope="session")
def good_scan() -> np.ndarray:
    """Return one faultless scan of 320×320, brightness 0–1, read-only."""
    pixels = draw_angiogram(np.random.default_rng(0), size=320)
    pixels.flags.writeable = False
    return pixels


@pytest.fixture(scope="session")
def outstanding_scans() -> tuple[PhantomScan, ...]:
    """Return 24 outstanding scans of 128×128, eight bits."""
    return tuple(draw_scans(outstanding=24, gradable=0, ungradable=0, seed=1, size=128))


@pytest.fixture(scope="session")
def clinic_scans() -> tuple[PhantomScan, ...]:
    """Return 6 outstanding, 8 gradable and 6 ungradable scans of 128×128, mixed, eight bits."""
    return tuple(draw_scans(outstanding=6, gradable=8, ungradable=6, seed=2, size=128))


@pytest.fixture
def label_file(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes its text as a label file, and returns the file."""

    def write(text: str, encoding: str = "utf-8") -> Path:
        (tmp_path / "labels.csv").write_bytes(text.encode(encoding))
        return tmp_path / "labels.csv"

    return write


@pytest.fixture
def legacy_results(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes rows into a results folder as unoqa 0.1.0 wrote it, and returns the folder."""

    def write(*rows: str) -> Path:
        header = "image,grade,grade_code,score,threshold,certainty,reasons,error"
        folder = tmp_path / "results"
        folder.mkdir()
        (folder / "grades.csv").write_bytes("\n".join([header, *rows, ""]).encode())
        (folder / "run.json").write_text(json.dumps({"threshold": 2.0}), encoding="utf-8")
        return folder

    return write


@pytest.fixture(scope="session")
def sources() -> dict[str, str]:
    """Return the text of every file of the package, by its path below `unoqa/`."""
    root = Path(unoqa.__file__).parent
    files = sorted(root.rglob("*.py"))
    return {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8") for file in files}
