"""Headers of a backend's answers, rewritten by a real Envoy."""

from __future__ import annotations

import http.client
import http.server
import json
import threading
from collections.abc import Iterator

import pytest
from static_envoy import HOST, ORIGIN, local, serving

from isthmus.ir.action import Forward
from isthmus.ir.host import Route
from isthmus.ir.match import Match, Prefix
from isthmus.ir.policy import HeaderRewrite, Policy
from isthmus.ir.template import Of, Variable

_HOST = Variable(Of.HOST)
REWRITES = (
    HeaderRewrite("set-cookie", ("/inner/",), ("/outer/",), "path"),
    HeaderRewrite("set-cookie", ("/inner",), ("/never",), "path"),
    HeaderRewrite("set-cookie", ("Inner.test",), (_HOST,), "domain", whole=True),
    HeaderRewrite("location", ("http://inner.test/%(.*)",), ("/plain/",)),
    HeaderRewrite("location", ("http://inner.test/",), ("https://", _HOST, "/", Variable(Of.PARAMETER, "q"), "/")),
    HeaderRewrite("refresh", ("http://inner.test/",), (Variable(Of.SCHEME), "://", Variable(Of.CLIENT), "/"), "url"),
)


class _Says(http.server.BaseHTTPRequestHandler):
    """Answers with the headers that the request's x-say asks for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        for name, value in json.loads(self.headers.get("x-say", "[]")):
            self.send_header(name, value)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Says)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    backend = local(f"127.0.0.1:{server.server_port}")
    try:
        with serving([Route(Match(Prefix("/")), Forward(backend), ORIGIN, Policy(answer_rewrites=REWRITES))]) as found:
            yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("name", "said", "seen"),
    [
        ("set-cookie", ["a=b; Path=/inner/x; HttpOnly"], ["a=b; Path=/outer/x; HttpOnly"]),
        (
            "set-cookie",
            ["a; path=/inner/", "c; Path=/inner/; Path=/inner/"],
            ["a; path=/outer/", "c; Path=/outer/; Path=/inner/"],
        ),
        ("set-cookie", ["a=/inner/; Path=/"], ["a=/inner/; Path=/"]),
        ("set-cookie", ["a=b; Path=/innermost"], ["a=b; Path=/nevermost"]),
        ("set-cookie", ["a=b; Domain=.inner.TEST; Path=/inner/"], [f"a=b; Domain=.{HOST}; Path=/outer/"]),
        ("set-cookie", ["a=b; Domain=inner.test"], [f"a=b; Domain={HOST}"]),
        ("set-cookie", ["a=b; Domain=sub.inner.test"], ["a=b; Domain=sub.inner.test"]),
        (
            "set-cookie",
            ["a;Secure;Expires=Wed, 21 Oct 2026 07:28:00 GMT"],
            ["a;Secure;Expires=Wed, 21 Oct 2026 07:28:00 GMT"],
        ),
        ("location", ["http://inner.test/x?y"], [f"https://{HOST}/found/x?y"]),
        ("location", ["http://inner.test/%(.*)x"], ["/plain/x"]),
        ("location", ["HTTP://inner.test/x"], ["HTTP://inner.test/x"]),
        ("location", ["/x"], ["/x"]),
        ("refresh", ["5; url=http://inner.test/x"], ["5; url=http://127.0.0.1/x"]),
        ("refresh", ["5"], ["5"]),
        ("x-other", ["http://inner.test/"], ["http://inner.test/"]),
    ],
)
def test_headers_of_answers(port: int, name: str, said: list[str], seen: list[str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    say = json.dumps([(name, value) for value in said])
    connection.request("GET", "/?q=found", headers={"host": HOST, "x-say": say})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert (answer.status, answer.msg.get_all(name)) == (200, seen)
