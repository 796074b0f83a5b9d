"""Progress bars on a terminal: the bar of a task within a task is below it until the task ends."""

import re

import pytest

from unoqa.cli.parts.bars import Bars, make_progress
from unoqa.core.errors import FitError
from unoqa.core.progress import NoProgress, Progress


@pytest.fixture
def frames(monkeypatch, capsys):
    """Return a function that returns what a terminal showed so far, one text per drawing of the first bar."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")

    def shown():
        captured = capsys.readouterr()
        assert captured.out == ""
        return re.split("(?=fit)", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", captured.err))[1:]

    return shown


def test_the_bar_of_an_inner_task_is_below_and_disappears_when_it_ends(frames):
    bars = Bars()
    assert isinstance(bars, Progress)
    with bars.task("fit", 2) as outer:
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


def test_a_task_that_fails_removes_its_bars_and_another_can_follow(frames):
    bars = Bars()
    with pytest.raises(FitError), bars.task("fit", 2), bars.task("fold 0", 3):
        raise FitError("The loss became NaN.")
    assert "fold" not in frames()[-1]
    with bars.task("fit", 1) as step:
        step()
    assert "1/1" in frames()[-1]


@pytest.mark.parametrize("quiet", [True, False])
def test_there_are_no_bars_where_stderr_is_not_a_terminal(quiet, capsys):
    progress = make_progress(quiet=quiet)
    assert isinstance(progress, NoProgress)
    with progress.task("fit", 1) as step:
        step()
    assert capsys.readouterr() == ("", "")
