"""A killed run goes on where it was."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unoqa.core.errors import ResultsError
from unoqa.store.journal import FOLDER, Journal, JournalEntry


def entry(image="a.png", score=1.25):
    return JournalEntry(image, f"digest of {image}", score, np.array([0.1, -2.5, 1e300]), ("blur", "dim"))


EVERY = type("Every", (), {"__contains__": lambda self, name: True})()


def opened(results, model="model", *, heat=False, conditions="here", names=EVERY):
    return Journal(results, model, heat=heat, conditions=conditions, names=names)


def started(results, *images):
    """Leave the journal of a run that was killed after some images."""
    with opened(results, heat=False) as journal:
        for image in images:
            journal.add(entry(image))
    return results / FOLDER / "journal.jsonl"


def found(results, image, *, heat=False):
    with opened(results, heat=heat) as journal:
        return journal.find(image, f"digest of {image}")


def same(first, second):
    return vars(first).keys() == vars(second).keys() and all(
        np.array_equal(value, vars(second)[name]) for name, value in vars(first).items()
    )


def test_what_was_scored_is_found_again_bit_by_bit(tmp_path):
    started(tmp_path, "a.png", "b.png")
    assert same(found(tmp_path, "a.png"), entry("a.png"))
    assert same(found(tmp_path, "b.png"), entry("b.png"))
    assert found(tmp_path, "c.png") is None


@given(
    image=st.text(st.characters(exclude_categories=("Cs",)), min_size=1),
    score=st.floats(allow_nan=False, allow_infinity=False),
    point=st.lists(st.floats(allow_nan=False, allow_infinity=False)),
    reasons=st.lists(st.text(st.characters(exclude_categories=("Cs",)))),
)
def test_any_name_and_any_number_survive(tmp_path_factory, image, score, point, reasons):
    results, added = tmp_path_factory.mktemp("run"), JournalEntry(image, "d", score, np.array(point), tuple(reasons))
    with opened(results, heat=False) as journal:
        journal.add(added)
    with opened(results, heat=False) as journal:
        assert same(journal.find(image, "d"), added)


@given(st.lists(st.floats(width=16, allow_nan=False, allow_infinity=False)))
def test_a_point_in_half_precision_comes_back_bit_by_bit(tmp_path_factory, numbers):
    results, point = tmp_path_factory.mktemp("run"), np.array(numbers, dtype=np.float16)
    with opened(results) as journal:
        journal.add(JournalEntry("a.png", "d", 1.0, point, ()))
    with opened(results) as journal:
        found = journal.find("a.png", "d").point
    assert found.dtype == np.float16
    assert found.tobytes() == point.tobytes()


def test_an_entry_is_on_disk_before_the_run_ends(tmp_path):
    with opened(tmp_path, heat=False) as journal:
        journal.add(entry())
        assert len((tmp_path / FOLDER / "journal.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_an_image_that_changed_is_scored_anew(tmp_path):
    started(tmp_path, "a.png")
    with opened(tmp_path, heat=False) as journal:
        assert journal.find("a.png", "another digest") is None


def test_a_journal_cut_at_any_byte_loses_the_last_entry_only(tmp_path):
    path = started(tmp_path, "a.png", "größe/眼.png")
    sound = path.read_bytes()
    first_two = sound.rindex(b"\n", 0, len(sound) - 1) + 1
    for end in range(first_two, len(sound)):
        path.write_bytes(sound[:end])
        with opened(tmp_path, heat=False) as journal:
            assert same(journal.find("a.png", "digest of a.png"), entry("a.png"))
            journal.add(entry("c.png"))
        assert same(found(tmp_path, "c.png"), entry("c.png"))


def test_a_journal_cut_within_its_first_line_is_begun_anew(tmp_path):
    path = started(tmp_path, "a.png")
    sound = path.read_bytes()
    for end in range(sound.index(b"\n")):
        path.write_bytes(sound[:end])
        assert found(tmp_path, "a.png") is None


def test_an_unfinished_run_of_another_model_is_refused(tmp_path):
    started(tmp_path, "a.png")
    with pytest.raises(ResultsError) as caught:
        opened(tmp_path, "another model")
    assert str(caught.value) == (
        f"{tmp_path} holds an unfinished run of another model; name a new folder, or remove that one if it is "
        "not needed."
    )
    assert found(tmp_path, "a.png") is not None


def test_a_run_with_heat_does_not_go_on_from_one_without(tmp_path):
    started(tmp_path, "a.png")
    assert found(tmp_path, "a.png", heat=True) is None


def test_a_run_without_heat_goes_on_from_one_with_it(tmp_path):
    with opened(tmp_path, heat=True) as journal:
        journal.add(entry())
    assert same(found(tmp_path, "a.png"), entry())


def test_entries_made_under_other_conditions_are_not_gone_on_from(tmp_path):
    started(tmp_path, "a.png")
    with opened(tmp_path, conditions="another version of torch") as journal:
        assert journal.find("a.png", "digest of a.png") is None


def test_an_unfinished_run_of_other_images_is_refused(tmp_path):
    started(tmp_path, "a.png", "b.png")
    with pytest.raises(ResultsError, match=r"holds an unfinished run of another set of images; name a new folder"):
        opened(tmp_path, names={"b.png", "c.png"})
    assert found(tmp_path, "a.png") is not None


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    with opened(tmp_path), pytest.raises(ResultsError, match=r"^Another process is writing to "):
        opened(tmp_path)


@pytest.mark.parametrize("spoilt", ['"score": "high"', '"score": NaN', '"point": "?"', '"reasons": [1]', '"image": 7'])
def test_a_line_that_somebody_changed_is_scored_anew(spoilt, tmp_path):
    path = started(tmp_path, "a.png", "b.png")
    key = spoilt.split(":")[0]
    head, first, *rest = path.read_text().splitlines()
    broken = json.dumps({**json.loads(first), **json.loads("{" + spoilt + "}")})
    path.write_text("\n".join([head, broken, *rest]) + "\n")
    assert key in broken
    assert found(tmp_path, "a.png") is None
    assert found(tmp_path, "b.png") is not None


def test_a_finished_run_leaves_no_journal(tmp_path):
    started(tmp_path, "a.png")
    with opened(tmp_path, heat=False) as journal:
        journal.remove()
    assert list(tmp_path.iterdir()) == []
