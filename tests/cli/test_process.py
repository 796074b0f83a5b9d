"""A command leaves its process as it was, in a program that lives on too; the console holds our own sentences only."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import typer

from clinic import small
from unoqa.cli.parts.exit_status import report_errors

INSTALLED = shutil.which("unoqa", path=Path(sys.executable).parent)

STATE = """
import gc, logging, sys, threading, warnings
import torch
from unoqa.cli import main

torch.set_num_threads(3)

def state():
    numbers = [torch.get_num_threads()]
    thread = threading.Thread(target=lambda: numbers.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    streams = [stream.errors for stream in (sys.stdout, sys.stderr)]
    return numbers, gc.get_threshold(), streams, logging.getLogger().handlers, warnings.showwarning

def end(*words):
    sys.argv = ["unoqa", *words]
    try:
        main()
    except SystemExit as ended:
        return ended.code

before = state()
"""


def run_python(program, *words, **options):
    command = [sys.executable, "-c", program, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_a_program_that_calls_main_lives_on_as_it_was(tmp_path, settled_model, clinic):
    program = f"""{STATE}
grade = ["grade", sys.argv[1], "-m", sys.argv[2], "-q", "--no-heat"]
commands = [["--version"], ["--help"], [""], ["nonsense"], ["choices", "clustering"]]
commands += [[*grade, "-o", "a", "--threads", "1"], [*grade, "-o", "b"]]
commands += [["grade", "none", "-m", "none", "-o", "c", "--threads", "1", "--log", "log"]]
print([end(*words) for words in commands], state() == before, file=sys.stderr)
"""
    ended = run_python(program, min(clinic.mixed.iterdir()), settled_model, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.splitlines()[-1] == "[0, 0, 2, 2, 0, 0, 0, 2] True"


def test_commands_that_overlap_leave_the_program_as_it_was():
    program = f"""{STATE}
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as executor:
    ends = list(executor.map(lambda _: end("choices", "threshold"), range(8)))
print(ends, state() == before, file=sys.stderr)
"""
    ended = run_python(program)
    assert ended.stderr == "[0, 0, 0, 0, 0, 0, 0, 0] True\n"


OUT_OF_MEMORY = (
    "unoqa: The memory is full; give fewer threads (--threads 1) or fewer or smaller images, end other programs, or "
    "use a machine with more memory, then run the same command again.\n"
)


def stop_with(error):
    raise error


@pytest.mark.parametrize(
    "allocate",
    [
        lambda: np.empty(1 << 58),
        lambda: torch.empty(1 << 55),
        lambda: bytearray(1 << 60),
        lambda: stop_with(OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))),
    ],
    ids=["numpy", "torch", "python", "system"],
)
def test_memory_that_runs_out_is_one_sentence(allocate, capsys):
    with pytest.raises(typer.Exit) as ended, report_errors():
        allocate()
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == OUT_OF_MEMORY


def test_an_error_of_ours_keeps_its_trace():
    with pytest.raises(RuntimeError, match="shapes"), report_errors():
        raise RuntimeError("shapes differ")


@pytest.mark.skipif(sys.platform != "linux", reason="the system limits memory otherwise")
def test_a_process_with_little_memory_ends_in_one_sentence(clinic, settled_model, tmp_path):
    program = """
import re, resource, sys
import scipy.ndimage, torch
import unoqa.cli.grade
from unoqa.cli import main
from pathlib import Path

torch.set_num_threads(2)
now = 1024 * int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
resource.setrlimit(resource.RLIMIT_AS, (now + 2**24,) * 2)
main()
"""
    words = ("grade", clinic.mixed, "-m", settled_model, "-o", tmp_path / "results", "--no-heat", "-q")
    ended = run_python(program, *words)
    assert ended.returncode == 2
    assert ended.stderr in (OUT_OF_MEMORY, OUT_OF_MEMORY.replace("memory is full", "system starts no more threads", 1))


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size")
def test_a_full_disk_is_named(clinic, tmp_path):
    program = """
import resource
from unoqa.cli import main

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000,) * 2)
main()
"""
    recipe = small("measures", tmp_path)
    ended = run_python(program, "fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", recipe)
    assert ended.returncode == 2
    why = f"{os.strerror(errno.EFBIG)}; free space there or name another place, then run the same command again."
    assert ended.stderr == f"unoqa: {tmp_path / 'model'}: {why}\n"


@pytest.mark.parametrize("writable", [True, False])
def test_no_library_writes_to_the_console_of_a_fresh_home(writable, unoqa, clinic, settled_model, tmp_path):
    recipe = small("measures", tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "file").touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MPL", "XDG_"))}
    environment["HOME"] = str(tmp_path / "home" if writable else tmp_path / "file" / "home")
    if not writable:
        environment["MPLCONFIGDIR"] = str(tmp_path / "file" / "matplotlib")
    for words in (
        ("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", recipe, "-q", "--no-selftest"),
        ("grade", clinic.some(tmp_path / "scans", 3), "-m", settled_model, "-o", tmp_path / "results", "-q"),
    ):
        command = [INSTALLED, *map(str, words)]
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        shutil.rmtree(words[words.index("-o") + 1])
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", unoqa(*words).stderr)
