"""An output of another package: made beside ours, or left out with a sentence; never at the cost of another view."""

from __future__ import annotations

import pytest

from plugins import install, install_example
from unoqa.core.assessment import Assessment
from unoqa.core.grading import Grade, Grading
from unoqa.outputs import list_added_files, write_default_outputs
from unoqa.store.results import ImageEntry, Results, RunPlan, begin_run

SOUND = '''
from typing import ClassVar, final

from unoqa.contracts import Output


@final
class Mine(Output):
    """My view."""

    file: ClassVar[str] = "mine.txt"

    def write(self, results, path, *, images=None):
        path.write_text("mine", encoding="utf-8")
'''


@pytest.fixture
def run(tmp_path):
    """Return a results folder of two images, with the views that need no images."""
    gradings = (Grading("a.png", Grade.OUTSTANDING, 0.5, 1.25, 1.0), Grading("b.png", Grade.GRADABLE, 1.5, 1.25, 1.0))
    folder = tmp_path / "results"
    with begin_run(folder, RunPlan([ImageEntry(one.image, "") for one in gradings], "", "model", "conditions")) as run:
        for position, one in enumerate(gradings):
            run.add(position, Assessment(one.image, one.score, digest="x"))
        run.finish(gradings, threshold=1.25, facts={"model": "m"})
    make_views(folder)
    return folder


def make_views(folder):
    said = []
    with Results.open(folder) as results:
        made = write_default_outputs(results, notify=said.append, pictures=False)
    return made, said


def test_the_output_of_the_example_counts_the_grades(run, monkeypatch, tmp_path):
    install_example(monkeypatch, tmp_path / "example")
    made, said = make_views(run)
    assert (made, said) == (("grades.csv", "run.json", "summary.md"), [])
    assert list_added_files(run) == ("summary.md",)
    with Results.open(run) as results:
        words = (run / "summary.md").read_text(encoding="utf-8")
        assert words.count(" | ") == 4
        assert sum(int(line.split("|")[2]) for line in words.splitlines()[2:]) == len(results)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            '"mine.txt"',
            '"grades.csv"',
            "grades.csv was not made: the output 'mine' of the package foreign 2.5 cannot be used, since its file "
            "'grades.csv' is that of another view or of the record.",
        ),
        (
            '"mine.txt"',
            '"Record.sqlite"',
            "Record.sqlite was not made: the output 'mine' of the package foreign 2.5 cannot be used, since its file "
            "'Record.sqlite' is that of another view or of the record.",
        ),
        (
            '"mine.txt"',
            '"../escape.md"',
            "../escape.md was not made: the output 'mine' of the package foreign 2.5 cannot be used, since its file "
            "'../escape.md' is not a plain name in the results folder.",
        ),
        (
            'path.write_text("mine", encoding="utf-8")',
            "raise RuntimeError('no ink')",
            "mine.txt was not made: the output 'mine' of the package foreign 2.5 raised RuntimeError (no ink); "
            "ask its author.",
        ),
        (
            'file: ClassVar[str] = "mine.txt"',
            "",
            "The output 'mine' of the package foreign 2.5 cannot be used (TypeError: Mine lacks file); ask its author, "
            "or uninstall the package.",
        ),
        (
            "from unoqa.contracts import Output",
            "import no_such_library",
            "The output 'mine' of the package foreign 2.5 cannot be used (ModuleNotFoundError: No module named "
            "'no_such_library'); ask its author, or uninstall the package.",
        ),
    ],
)
def test_an_output_that_cannot_be_made_costs_a_sentence_only(run, monkeypatch, tmp_path, old, new, sentence):
    before = (run / "grades.csv").read_bytes()
    assert old in SOUND
    install(monkeypatch, tmp_path / "site", SOUND.replace(old, new), outputs="mine")
    made, said = make_views(run)
    assert (made, said) == (("grades.csv", "run.json"), [sentence])
    assert (run / "grades.csv").read_bytes() == before
    assert not (run.parent / "escape.md").exists()
