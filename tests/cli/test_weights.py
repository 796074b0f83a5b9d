"""`unoqa weights` against a hub on this machine: the file's path, or one sentence that names what stands in the way."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

INSTALLED = shutil.which("unoqa", path=Path(sys.executable).parent)

NOWHERE = "http://127.0.0.1:9"
"""An address at which nobody answers."""

OTHERWISE = "or give a file as the encoder's weights, or choose a recipe that needs none, such as 'default'."


def download(home, endpoint, **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_", "XDG_"))}
    environment = {**kept, "HOME": str(home), "HF_ENDPOINT": endpoint, "no_proxy": "127.0.0.1", **variables}
    command = [INSTALLED, "weights"]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)


def refusal(*arguments, **variables):
    ended = download(*arguments, **variables)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith(".\n")
    assert ended.stderr.count("\n") == 1
    return ended.stderr.removeprefix("unoqa: ").removesuffix("\n")


@contextmanager
def hub(files, code="EntryNotFound"):
    """Serve files, by name, as the Hugging Face hub does; the answer for others is an error of that code."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            content = files.get(self.path.rpartition("/")[2])
            self.send_response(404 if content is None else 200)
            headers = {"X-Error-Code": code} if content is None else {"ETag": '"1234"', "X-Repo-Commit": "a" * 40}
            for name, value in {**headers, "Content-Length": len(content or b"")}.items():
                self.send_header(name, str(value))
            self.end_headers()
            return content or b""

        def do_GET(self):
            self.wfile.write(self.do_HEAD())

        def log_message(self, *_):
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_the_path_of_the_file_is_printed_and_the_next_time_no_network_is_needed(name, tmp_path):
    with hub({name: b"weights"}) as endpoint:
        first = download(tmp_path, endpoint)
    assert first.returncode == 0, first.stderr
    assert Path(first.stdout.strip()).read_bytes() == b"weights"
    again = download(tmp_path, NOWHERE)
    assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, "")


@pytest.mark.parametrize("code", ["EntryNotFound", "RepoNotFound"])
def test_a_hub_without_the_file_does_not_blame_the_connection(code, tmp_path):
    with hub({}, code) as endpoint:
        assert refusal(tmp_path, endpoint) == (
            "The weights of resnet18.tv_in1k could not be downloaded (timm/resnet18.tv_in1k is not public or holds no "
            f"weights); name another model, {OTHERWISE}"
        )


def test_no_connection_is_one_sentence_and_known_soon(tmp_path):
    began = time.monotonic()
    sentence = refusal(tmp_path, NOWHERE)
    assert time.monotonic() - began < 20  # the hub's library alone tries again for 23 s
    pattern = r"The weights of resnet18\.tv_in1k could not be downloaded \(\w+\); check the connection, "
    assert re.fullmatch(pattern + re.escape(OTHERWISE), sentence)


def test_a_hub_that_is_switched_off_is_named(tmp_path):
    assert refusal(tmp_path, NOWHERE, HF_HUB_OFFLINE="1") == (
        f"The weights of resnet18.tv_in1k could not be downloaded (HF_HUB_OFFLINE is set); unset it, {OTHERWISE}"
    )


HF_HOME = "set the environment variable HF_HOME to a folder that weights can be kept in."


@pytest.mark.skipif(sys.platform == "win32", reason="the home directory has another variable there")
def test_a_missing_home_does_not_blame_the_connection(tmp_path):
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "home" / ".cache" / "huggingface" / "hub"
    assert refusal(tmp_path / "file" / "home", NOWHERE) == (
        f"{cache}, in which weights are kept, cannot be used (Not a directory); {HF_HOME}"
    )
    assert refusal("~nobody-of-this-name", NOWHERE) == (
        f"This user has no home directory, in which weights are kept; {HF_HOME}"
    )
