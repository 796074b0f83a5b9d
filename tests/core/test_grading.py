"""Grades are told as they are written in results."""

from unoqa import Grade


def test_a_grade_is_printed_as_its_word_and_counts_as_its_number():
    assert [str(grade) for grade in Grade] == ["ungradable", "gradable", "outstanding"]
    assert f"{Grade.OUTSTANDING} {Grade.OUTSTANDING:d}" == "outstanding 2"
