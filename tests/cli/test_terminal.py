"""What is printed stays text: no file's name reaches the terminal as a command."""

from unoqa.cli.parts.terminal import print_error, print_message


def test_control_characters_of_a_name_are_escaped_and_letters_are_not(capsys):
    print_message("  \x1b[2Jscan\r\n\u202e\udcf6 Größe 眼.png: é…")
    assert capsys.readouterr().err == "  \\x1b[2Jscan\\r\\n\\u202e\\udcf6 Größe 眼.png: é…\n"


def test_an_error_keeps_its_lines_and_names_the_program_once(capsys):
    print_error("There is no test split. Found:\nscans\n  0: 12 images")
    assert capsys.readouterr().err == "unoqa: There is no test split. Found:\nscans\n  0: 12 images\n"


def test_quiet_prints_nothing(capsys):
    print_message("Fitted on 60 images.", quiet=True)
    assert capsys.readouterr() == ("", "")
