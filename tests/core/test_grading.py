"""Grades are printed as in results."""

from unoqa import Grade


def test_a_grade_is_printed_as_a_word_and_formatted_as_a_number():
    assert [str(grade) for grade in Grade] == ["ungradable", "gradable", "outstanding"]
    assert f"{Grade.OUTSTANDING} {Grade.OUTSTANDING:d}" == "outstanding 2"
