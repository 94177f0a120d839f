"""`isthmus list`, `describe` and `call` against real servers, with grpcurl's habits."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import SECONDS
from grpc_servers import library_server

from isthmus.edge import pki
from isthmus.edge.upstreams import greeter, http_echo

SERVICE = "library.v1.LibraryService"


@pytest.fixture(scope="module")
def library() -> Iterator[str]:
    with library_server() as server:
        yield server.address


def isthmus(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        [sys.executable, "-m", "isthmus", *words],
        input=stdin or "",
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "Traceback" not in ran.stderr
    return ran


def test_list(library):
    assert set(isthmus("list", library).stdout.split()) == {
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        SERVICE,
        "library.v1.TrialService",
    }
    assert f"{SERVICE}.GetShelf" in json.loads(isthmus("list", "-plaintext", library, SERVICE, "-o", "json").stdout)


def test_list_agrees_with_grpcurl(library):
    grpcurl = subprocess.run(
        [str(Path(sys.executable).with_name("grpcurl")), "-plaintext", library, "list", SERVICE],
        capture_output=True,
        text=True,
        check=True,
    )
    assert isthmus("list", library, SERVICE).stdout == grpcurl.stdout


def test_describe(library):
    text = isthmus("describe", library, f"{SERVICE}.GetShelf").stdout
    assert text.startswith(
        f"{SERVICE}.GetShelf is a method:\n// Gets a shelf.\nrpc GetShelf ( .library.v1.GetShelfRequest )"
    )
    assert 'option (.google.api.http) = { get: "/v1/{name=shelves/*}" };' in text
    assert "map<string, string> notes = 9;" in isthmus("describe", library, "library.v1.Book").stdout
    template = isthmus("describe", library, "library.v1.GetShelfRequest", "-msg-template").stdout
    assert json.loads(template.partition("Message template:\n")[2]).keys() == {"name"}


def test_call(library):
    ran = isthmus("call", library, f"{SERVICE}/GetShelf", "-d", '{"name": "shelves/1"}')
    assert json.loads(ran.stdout)["theme"] == "FICTION"
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_failed_call_says_what_grpcurl_says(library):
    ran = isthmus("call", library, f"{SERVICE}.GetShelf", "-d", '{"name": "shelves/99"}')
    assert ran.returncode == 64 + 5
    assert ran.stderr.startswith("ERROR:\n  Code: NotFound\n  Message: there is no shelves/99\n  Details:\n  1)\t{")


def test_verbose_shows_metadata(library):
    words = (
        "call",
        "-v",
        "-H",
        "x-echo-a: 1",
        "-plaintext",
        "-d",
        '{"name":"shelves/1"}',
        library,
        f"{SERVICE}/GetShelf",
    )
    out = isthmus(*words).stdout
    for part in (
        "Resolved method descriptor:",
        "Response headers received:\n",
        "x-echo-a: 1",
        "Response trailers received:",
    ):
        assert part in out
    assert "Sent 1 request and received 1 response" in out


def test_streams_are_live(library):
    """The second message is sent only once the answer to the first has been read."""
    command = [sys.executable, "-m", "isthmus", "call", library, f"{SERVICE}/Discuss", "-d", "@"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as talk:
        assert talk.stdin is not None and talk.stdout is not None
        for word in ("one", "two"):
            talk.stdin.write(json.dumps({"text": word}) + "\n")
            talk.stdin.flush()
            answer = "".join(talk.stdout.readline() for _ in range(4))
            assert word in json.loads(answer)["text"]
        talk.stdin.close()
        assert talk.wait(SECONDS) == 0


def test_without_data_on_a_terminal_it_shows_what_to_send(library):
    ours, theirs = pty.openpty()
    try:
        command = [sys.executable, "-m", "isthmus", "call", library, f"{SERVICE}/GetShelf"]
        ran = subprocess.run(command, stdin=theirs, capture_output=True, text=True, timeout=SECONDS, check=True)
    finally:
        os.close(ours)
        os.close(theirs)
    line = ran.stdout.rpartition("\nSend it with: ")[2]
    pasted = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert "there is no World" in pasted.stderr


BAD = {
    "no such method": (("call", "LIBRARY", f"{SERVICE}/Nope", "-d", "{}"), 2, "there is no method"),
    "no such field": (("call", "LIBRARY", f"{SERVICE}/GetShelf", "-d", '{"nam": 1}'), 2, "nam"),
    "bad JSON": (("call", "LIBRARY", f"{SERVICE}/GetShelf", "-d", '{"name": '), 2, "bad JSON"),
    "two messages": (("call", "LIBRARY", f"{SERVICE}/GetShelf", "-d", "{} {}"), 2, "takes one message"),
    "no such service": (("list", "LIBRARY", "nope.Nope"), 1, "has no service nope.Nope"),
    "a misspelt method": (("call", "LIBRARY", f"{SERVICE}/GetBok", "-d", "{}"), 2, f"the server has {SERVICE}/GetBook"),
    "a symbol without its package": (("describe", "LIBRARY", "Book"), 1, "did you mean library.v1.Book?"),
    "a misspelt symbol": (("describe", "LIBRARY", "library.v1.LibrarService"), 1, f"did you mean {SERVICE}"),
    "no such symbol": (("describe", "LIBRARY", "nope.Nope"), 1, "no symbol nope.Nope"),
    "TLS to cleartext": (("list", "-insecure", "LIBRARY"), 3, "speaks cleartext"),
    "nobody there": (("list", "127.0.0.1:1"), 3, "connection refused"),
    "no address": (("list",), 2, "expected the server's HOST:PORT"),
    "bad address": (("list", "localhost"), 2, "expected HOST:PORT"),
    "bad header": (("list", "-H", "nonsense", "LIBRARY"), 2, "expected NAME: VALUE"),
    "contradiction": (("list", "-plaintext", "-insecure", "LIBRARY"), 2, "contradict"),
    "no protoset": (("list", "-protoset", "/nope"), 2, "does not exist"),
}


@pytest.mark.parametrize(("words", "code", "says"), BAD.values(), ids=BAD)
def test_mistakes_are_named(library, words, code, says):
    ran = isthmus(*(library if word == "LIBRARY" else word for word in words))
    assert (ran.returncode, says in ran.stderr) == (code, True), ran.stderr


def test_plaintext_to_tls_and_http_are_named_at_once(tmp_path):
    pair = pki.leaf(pki.authority("Test CA"), ["localhost"])
    (tmp_path / "cert").write_bytes(pair.cert_pem)
    (tmp_path / "key").write_bytes(pair.key_pem)
    secure, web = greeter.start(tls=(str(tmp_path / "cert"), str(tmp_path / "key"))), http_echo.start()
    try:
        assert "speaks TLS: leave -plaintext out" in isthmus("list", "-plaintext", secure.address).stderr
        assert "helloworld.Greeter" in isthmus("list", "-insecure", secure.address).stdout
        assert "HTTP/1.1" in isthmus("list", web.address).stderr
    finally:
        secure.stop()
        web.stop()


def test_a_protoset_instead_of_reflection(library, tmp_path):
    file = str(tmp_path / "library.protoset")
    isthmus("list", "-protoset-out", file, library)
    assert isthmus("list", "-protoset", file, SERVICE).stdout == isthmus("list", library, SERVICE).stdout
    ran = isthmus("call", "-protoset", file, library, f"{SERVICE}/GetShelf", "-d", '{"name": "shelves/1"}')
    assert json.loads(ran.stdout)["name"] == "shelves/1"


def test_the_deadline(library):
    ran = isthmus("call", "-max-time", "0.2", library, "library.v1.TrialService/Count", "-d", '{"delayMs": 5000}')
    assert ran.returncode == 64 + 4, ran.stderr
