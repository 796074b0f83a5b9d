"""Progress bars on a terminal: a task within a task stands below it until it ends."""

import re

import pytest

from unoqa.cli.parts.bars import Bars, progress
from unoqa.core.errors import FitError
from unoqa.core.progress import NoProgress, Progress


@pytest.fixture
def frames(monkeypatch, capsys):
    """Return a function that gives what a terminal showed so far: one text each time the first bar was drawn."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")

    def shown():
        captured = capsys.readouterr()
        assert captured.out == ""
        return re.split("(?=learning)", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", captured.err))[1:]

    return shown


def test_a_task_within_a_task_stands_below_it_and_goes_when_it_ends(frames):
    bars = Bars()
    assert isinstance(bars, Progress)
    with bars.task("learning", 2) as outer:
        for fold in range(2):
            with bars.task(f"fold {fold}", 3) as inner:
                for _ in range(3):
                    inner()
            outer()
    seen = frames()
    assert any("fold 0" in frame for frame in seen)
    assert any("fold 1" in frame for frame in seen)
    assert not any("fold 0" in frame and "fold 1" in frame for frame in seen)
    assert "2/2" in seen[-1]
    assert "fold" not in seen[-1]


def test_a_task_that_fails_takes_its_bars_away_and_another_can_follow(frames):
    bars = Bars()
    with pytest.raises(FitError), bars.task("learning", 2), bars.task("fold 0", 3):
        raise FitError("The loss became no number.")
    assert "fold" not in frames()[-1]
    with bars.task("learning", 1) as step:
        step()
    assert "1/1" in frames()[-1]


@pytest.mark.parametrize("quiet", [True, False])
def test_nobody_looks_where_stderr_is_no_terminal(quiet, capsys):
    shown = progress(quiet=quiet)
    assert isinstance(shown, NoProgress)
    with shown.task("learning", 1) as step:
        step()
    assert capsys.readouterr() == ("", "")
