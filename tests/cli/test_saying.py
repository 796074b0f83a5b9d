"""What is said stays text: no file's name reaches the terminal as a command."""

from unoqa.cli.parts.messages import say


def test_control_characters_of_a_name_are_escaped_and_letters_are_not(capsys):
    say("  \x1b[2Jscan\r\n\u202e\udcf6 Größe 眼.png: é…")
    assert capsys.readouterr().err == "  \\x1b[2Jscan\\r\\n\\u202e\\udcf6 Größe 眼.png: é…\n"
