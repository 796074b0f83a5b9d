"""The guide that the package brings: a page that asks for nothing, or text."""

import re


def test_the_guide_is_written_as_one_page_without_script_or_address(unoqa, tmp_path):
    ended = unoqa("guide", "-o", tmp_path / "guide.html", "--no-browser")
    page = (tmp_path / "guide.html").read_text(encoding="utf-8")
    assert ended.stdout.split() == [str(tmp_path / "guide.html")]
    assert page.startswith("<!doctype html>")
    assert re.findall(r"<script|<img|https?://|href=[^>]*|\]\(", page) == ['href="data:,"']
    assert page.count("<h2>") > 8
    assert "<table>" in page


def test_without_a_name_it_lies_in_the_users_cache(unoqa, user_cache):
    ended = unoqa("guide", "--no-browser")
    assert ended.stdout.strip() == str(user_cache / "guide.html")
    assert (user_cache / "guide.html").is_file()


def test_the_text_is_the_guide_without_links(unoqa):
    ended = unoqa("guide", "--text")
    assert ended.stdout.startswith("# unoqa, in short\n")
    assert "](" not in ended.stdout
    assert "unoqa grade clinic/ -m model -o results\n" in ended.stdout
