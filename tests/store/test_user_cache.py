"""What the user's cache keeps is made once, however many processes ask for it, and made anew where it is damaged."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from unoqa.store.user_cache import read_or_make

PROGRAM = """
import sys, time
from pathlib import Path
from unoqa.store.user_cache import read_or_make

seconds, log, content = float(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].encode()

def make():
    with log.open("a") as stream:
        print("began", file=stream, flush=True)
        time.sleep(seconds)
        print("made", file=stream, flush=True)
    return content

print(read_or_make("thing", make).decode())
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Use an empty place for the cache, also in processes that are started."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache" / "unoqa")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "unoqa"


def refuse():
    pytest.fail("it was made again")


def start(seconds, log, content):
    command = [sys.executable, "-c", PROGRAM, str(seconds), str(log), content]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_what_was_made_is_read_afterwards(place):
    assert read_or_make("one", lambda: b"content") == b"content"
    assert read_or_make("one", refuse) == b"content"
    assert read_or_make("two", lambda: b"") == b""
    assert read_or_make("two", refuse) == b""
    assert {path.name for path in place.iterdir()} <= {"one", "two", "one.lock", "two.lock"}


@pytest.mark.parametrize("damage", [lambda whole: whole[:-1], lambda whole: whole[:10], lambda whole: b"", None])
def test_a_damaged_file_is_made_anew(place, damage):
    read_or_make("one", lambda: b"content")
    whole = (place / "one").read_bytes()
    changed = bytes([*whole[:-1], whole[-1] ^ 1]) if damage is None else damage(whole)
    (place / "one").write_bytes(changed)
    assert read_or_make("one", lambda: b"again") == b"again"
    assert read_or_make("one", refuse) == b"again"


def test_an_error_leaves_nothing_behind(place):
    with pytest.raises(KeyError):
        read_or_make("one", lambda: {}["missing"])
    assert read_or_make("one", lambda: b"content") == b"content"


@pytest.mark.parametrize("kind", ["a file", "relative"])
def test_where_the_cache_cannot_be_it_lasts_as_long_as_the_process(kind, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "file" / "unoqa" if kind == "a file" else (tmp_path / "cache").relative_to(tmp_path)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: place)
    name = f"lasting {kind}"
    assert read_or_make(name, lambda: b"content") == b"content"
    assert read_or_make(name, refuse) == b"content"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_of_two_processes_one_makes_it_and_the_other_waits(place, tmp_path):
    log = tmp_path / "log"
    both = [start(0.7, log, content) for content in ("first", "second")]
    printed = [process.communicate(timeout=60)[0].strip() for process in both]
    assert log.read_text(encoding="utf-8").split() == ["began", "made"]
    assert printed[0] == printed[1]
    assert (place / "thing").exists()


def test_what_a_killed_process_began_another_makes(place, tmp_path):
    log = tmp_path / "log"
    killed = start(60, log, "never")
    while not (log.exists() and log.read_text(encoding="utf-8")):
        time.sleep(0.05)
    waiting = start(0, log, "content")
    time.sleep(0.3)
    killed.kill()
    killed.communicate(timeout=60)
    assert waiting.communicate(timeout=60)[0].strip() == "content"
    assert log.read_text(encoding="utf-8").split() == ["began", "began", "made"]
    assert not list(place.glob("*.part"))
