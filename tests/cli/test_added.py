"""Choices of other packages in the terminal: what is wrong with them is a sentence that names the package."""

from __future__ import annotations

import pytest

from plugins import install, install_example

MODULE = '''
from typing import ClassVar, final

from unoqa.contracts import NO_WORK, LowQualityModule, settings


@final
@settings
class Away(LowQualityModule):
    """Fails."""

    min_images: ClassVar[int] = 1

    def fit(self, features, *, seed, work=NO_WORK):
        return 1 / (seed - seed)

    def restore(self, state, scales):
        return None
'''


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[[members]]\nencoder = "measures"\nmodule = "away"\n', encoding="utf-8")
    return path


def test_an_exception_in_a_package_is_a_sentence_and_the_log_has_its_trace(
    refusal, clinic, recipe, monkeypatch, tmp_path
):
    install(monkeypatch, tmp_path / "site", MODULE, lowquality="away")
    log, words = tmp_path / "log.txt", ("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", recipe, "-q")
    assert refusal(*words, "--log", log) == (
        "The choice 'away' of the package foreign 2.5, of the group unoqa.lowquality, failed at foreign_choice.py, "
        "line 15 (ZeroDivisionError: division by zero); tell its author, with the trace that --log FILE keeps."
    )
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_a_class_without_settings_is_a_sentence(refusal, clinic, recipe, monkeypatch, tmp_path):
    install(monkeypatch, tmp_path / "site", MODULE.replace("@settings\n", ""), lowquality="away")
    assert refusal("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", recipe) == (
        "The class Away of mine.toml, low-quality module 'away' has no settings; write @settings above it."
    )


def test_the_choices_are_listed_although_one_cannot_be_used(unoqa, monkeypatch, tmp_path):
    install(monkeypatch, tmp_path / "site", "import no_such_library", lowquality="away", low_quality="other")
    install_example(monkeypatch, tmp_path / "example")
    ended = unoqa("choices", "lowquality")
    assert ended.exit_code == 0
    assert "gaussian" in ended.stdout
    assert "unoqa-example" in ended.stdout
    assert ended.stderr == (
        "The low-quality module 'away' of the package foreign 2.5 cannot be used (ModuleNotFoundError: No module named "
        "'no_such_library'); ask its author, or uninstall the package.\n"
    )
    assert (
        "The choice 'other' of the package foreign 2.5 is left out: there is no group of entry points "
        "unoqa.low_quality; did you mean unoqa.lowquality?" in unoqa("choices").stderr
    )


@pytest.mark.parametrize("word", ["module", "modules", "lowquality", "low-quality module"])
def test_a_kind_of_choice_has_the_words_of_recipe_and_entry_point(unoqa, word):
    assert "patchcore" in unoqa("choices", word).stdout


def test_no_list_shows_an_object_of_python(unoqa):
    listed = unoqa("choices").stdout
    assert "object at 0x" not in listed
    assert "MISSING" not in listed
