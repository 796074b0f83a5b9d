"""Nobody but the user's own browser is answered: a real server, asked by hand."""

from __future__ import annotations

import errno
import os

import pytest

from asked import Asked
from unoqa.core.errors import ResultsError, UsageError
from unoqa.web.answers import make_application
from unoqa.web.guard import MAX_BODY
from unoqa.web.roots import Root
from unoqa.web.server import LocalServer


@pytest.fixture(scope="module")
def ask():
    """Return a function that sends a request; its cookie is the right one unless another is given."""
    app = make_application()

    @app.get("/page")
    def page() -> str:
        return "hello"

    @app.get("/mistake")
    def mistake() -> None:
        raise UsageError("Do this instead.")

    @app.get("/locked")
    def locked() -> None:
        raise ResultsError("Another process keeps the record locked.")

    @app.get("/disk")
    def disk() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/results/record.sqlite")

    @app.post("/change")
    def change() -> str:
        return "changed"

    return Asked(app, "/page?x=1")


def test_the_token_is_exchanged_for_a_cookie_that_no_other_site_sends(ask):
    status, _, headers = ask(path=f"/page?x=1&token={ask.token}", cookie="")
    assert (status, headers["location"]) == (303, "/page?x=1")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert ask(cookie=cookie.partition(";")[0])[0] == 200
    assert ask.server.address.endswith(f"token={ask.token}")


def test_what_a_browser_is_started_with_opens_the_pages_once(ask):
    """Every user of the machine can read the command line of a running browser."""
    path, _, ticket = ask.server.address_once.partition(ask.netloc)[2].partition("&")
    assert ask.token not in ask.server.address_once
    status, _, headers = ask(path=f"{path}&{ticket}", cookie="")
    assert (status, headers["location"]) == (303, "/page?x=1")
    cookie = headers["set-cookie"].partition(";")[0]
    assert ask(path=f"{path}&{ticket}", cookie="")[0] == 401
    assert ask(path=f"{path}&{ticket}", cookie=cookie)[0] == 200


@pytest.mark.parametrize("path", ["/page", "/page?token=wrong", "/nothing", "/page?token="])
def test_without_token_and_cookie_the_answer_is_401(ask, path):
    status, text, _ = ask(path=path, cookie="")
    assert status == 401
    assert text == "Open the whole address that unoqa printed when it started, with its token.\n"
    assert ask(path=path, cookie=f"unoqa_{ask.port}=wrong")[0] == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:8765", "[::1]:8765"])
def test_another_host_is_refused_whatever_it_brings(ask, host):
    assert ask(Host=host)[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://localhost:1"])
def test_another_origin_is_refused(ask, origin):
    assert ask("POST", "/change", Origin=origin)[0] == 403
    assert ask(Origin=origin)[0] == 403


def test_our_own_origin_may_change_things(ask):
    assert ask("POST", "/change", Origin=f"http://{ask.netloc}")[0] == 200
    assert ask("POST", "/change", Sec_Fetch_Site="cross-site")[0] == 403
    assert ask("POST", "/change", Sec_Fetch_Site="same-origin")[0] == 200


def test_a_body_that_is_too_large_is_refused(ask):
    assert ask("POST", "/change", Content_Length=str(MAX_BODY + 1))[0] == 413


def test_answers_let_nothing_else_run_and_are_not_kept(ask):
    _, _, headers = ask()
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


def test_a_mistake_is_one_sentence(ask):
    assert ask(path="/mistake")[:2] == (400, '{"error":"Do this instead."}')


def test_what_cannot_be_done_now_is_told_as_such(ask):
    """The page keeps its decisions on a status of 500 and above, and sends them again."""
    assert ask(path="/locked")[:2] == (503, '{"error":"Another process keeps the record locked."}')
    status, text, _ = ask(path="/disk")
    assert status == 503
    assert "/results/record.sqlite cannot be read or written (No space left on device)" in text


def test_a_port_that_is_taken_is_refused_in_a_sentence(ask):
    with pytest.raises(UsageError, match=f"Port {ask.port} cannot be used"):
        LocalServer(make_application(), port=int(ask.port))


@pytest.mark.parametrize(
    ("path", "windows"),
    [
        *((path, False) for path in ("..", "a/../../b", "/etc/passwd", "//host/x", "a\0b", "link/secret", "~/../..")),
        *((path, True) for path in ("\\..\\x", "C:\\x", "C:x", "\\\\host\\x", "a/x:stream")),
    ],
)
def test_no_path_leaves_the_folder(path, windows, tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside").mkdir()
    (inside / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(UsageError, match="that was opened; choose one in it"):
        Root(inside, windows=windows).find(path)


@pytest.mark.skipif(os.name == "nt", reason="names cannot hold these letters there")
def test_letters_that_are_special_on_windows_alone_are_letters_elsewhere(tmp_path):
    root = Root(tmp_path)
    assert root.find("08:30 \\ left/x") == root.folder / "08:30 \\ left" / "x"


def test_paths_below_the_folder_are_found_and_named(tmp_path):
    root = Root(tmp_path)
    assert root.find("") == root.folder
    assert root.find("a/b c.png") == root.folder / "a" / "b c.png"
    assert root.name(root.find("a/b")) == "a/b"
    assert root.name(root.folder) == ""
