"""What people install: the wheel and the sdist, made as a release is made, used without the source."""

from __future__ import annotations

import os
import re
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import torch

from programs import run as run_program

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder of an sdist and of the wheel that was made from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (file,) = built.glob("*.whl")
    return file


def test_the_wheel_installs_without_the_source_and_runs_the_demo(wheel, tmp_path):
    """The libraries are those of the tests; nothing of unoqa is, since files `.pth` count in a site folder alone."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "libraries.pth").write_text(str(Path(torch.__file__).parents[1]), encoding="utf-8")
    program = python.with_name("unoqa.exe" if os.name == "nt" else "unoqa")
    assert site.as_posix() in run(python, "-c", "import unoqa; print(unoqa.__file__)", cwd=tmp_path).replace("\\", "/")
    run(program, "demo", "demo", cwd=tmp_path)
    assert {"grades.csv", "report.html", "cohort.png"} <= {
        one.name for one in (tmp_path / "demo" / "results").iterdir()
    }


def test_every_file_of_the_package_is_in_the_wheel(wheel):
    source = ROOT / "src"
    files = {file.relative_to(source).as_posix() for file in (source / "unoqa").rglob("*") if file.is_file()}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == {name for name in files if "__pycache__" not in name}


def test_the_sdist_has_the_tests_and_nothing_that_was_made(built):
    (file,) = built.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md", "docs/guide.md", "tests/conftest.py"} <= names
    assert [
        name for name in names if re.search(r"__pycache__|\.venv|^build/|^dist/|^\.hypothesis|^\.schemathesis", name)
    ] == []


def test_the_metadata_say_who_it_is_for_and_link_to_nothing_in_the_clone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith("METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    text = metadata.get_payload()
    assert [metadata[key] for key in ("Name", "License-Expression", "Requires-Python")] == [
        "unoqa",
        "Apache-2.0",
        ">=3.11",
    ]
    assert metadata["Summary"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert text.startswith("# unoqa\n")
    assert re.findall(r"\]\((?!https?://)[^)]*\)|!\[|<img", text) == []


def run(*words, cwd=None):
    """Run a program that finds no source of ours by itself."""
    return run_program(*words, cwd=cwd, without=("PYTHONPATH",), MPLBACKEND="agg")
