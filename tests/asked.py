"""A real server on this machine, asked by hand: for tests of requests that need no browser."""

from __future__ import annotations

import http.client
import threading
from contextlib import closing
from urllib.parse import urlencode, urlsplit

from unoqa.web.server import LocalServer


class Asked:
    """A server that runs until the tests end."""

    def __init__(self, app, path="/"):
        self.server = LocalServer(app, port=0, path=path)
        threading.Thread(target=self.server.run, kwargs={"browser": False}, daemon=True).start()
        address = urlsplit(self.server.address)
        self.netloc, self.host, self.port = address.netloc, address.hostname, address.port
        self.token = address.query.rpartition("=")[2]

    def __call__(self, method="GET", path="/page", *, body=None, cookie=None, values=None, **headers):
        """Send a request and return status, text and headers; its cookie is the right one unless another is given."""
        cookie = f"unoqa_{self.port}={self.token}" if cookie is None else cookie
        sent = {"Host": self.netloc, "Cookie": cookie, **{name.replace("_", "-"): headers[name] for name in headers}}
        path = f"{path}?{urlencode(values)}" if values else path
        with closing(http.client.HTTPConnection(self.host, self.port, timeout=10)) as connection:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            return answer.status, text, {name.lower(): value for name, value in answer.getheaders()}
