"""How the gRPC verbs behave at a prompt and in scripts: input, interrupts, TLS, completion, hard cases."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from gateways import SECONDS
from grpc_servers import library_server
from reflecting import catalogue, file, files, raw_server, reflecting, services
from tls_http2 import files_of

from isthmus.edge import pki
from isthmus.edge.upstreams import greeter

SERVICE = "library.v1.LibraryService"
TRIALS = "library.v1.TrialService"
ISTHMUS = [sys.executable, "-m", "isthmus"]
GRPCURL = str(Path(sys.executable).with_name("grpcurl"))
CA = pki.authority("Test CA")


@pytest.fixture(scope="module")
def library() -> Iterator[str]:
    with library_server() as server:
        yield server.address


def run(*words: str, stdin: str | None = "", **more: str) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        words, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False, env={**os.environ, **more}
    )
    assert "Traceback" not in ran.stderr
    return ran


def isthmus(*words: str, stdin: str | None = "", **more: str) -> subprocess.CompletedProcess[str]:
    return run(*ISTHMUS, *words, stdin=stdin, **more)


# input


def test_without_data_an_empty_message_is_sent_and_nothing_is_read(library):
    """As grpcurl does; what a loop of a shell script reads from is left to the loop."""
    read_end, write_end = os.pipe()  # never written to, never closed
    try:
        ran = subprocess.run(
            [*ISTHMUS, "call", library, f"{SERVICE}/ListShelves"],
            stdin=read_end,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    finally:
        os.close(read_end)
        os.close(write_end)
    assert "shelves" in json.loads(ran.stdout)


def test_a_call_that_fails_ends_the_command_while_input_is_still_open(library):
    with subprocess.Popen(
        [*ISTHMUS, "call", library, f"{SERVICE}/Discuss", "-d", "@"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as talk:
        assert talk.stdin is not None and talk.stderr is not None
        talk.stdin.write('{"text": "x", "author": "Ada", "failWith": 9}\n')
        talk.stdin.flush()
        assert talk.wait(SECONDS) == 64 + 9
        said = talk.stderr.read()
    assert said == "ERROR:\n  Code: FailedPrecondition\n  Message: Ada ended the discussion\n"


def test_an_interrupt_ends_it_with_130(library):
    with subprocess.Popen(
        [*ISTHMUS, "call", library, f"{SERVICE}/Discuss", "-d", "@"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as talk:
        assert talk.stdin is not None and talk.stdout is not None and talk.stderr is not None
        talk.stdin.write('{"text": "x"}\n')
        talk.stdin.flush()
        assert talk.stdout.readline() == "{\n"  # the call is under way
        talk.send_signal(signal.SIGINT)
        assert talk.wait(SECONDS) == 130
        assert "Traceback" not in talk.stderr.read()


def test_a_reader_that_goes_away_ends_it(library):
    command = f"{sys.executable} -m isthmus call {library} {TRIALS}/Count -d '{{\"count\": 100000}}' | head -n 1"
    ran = run("bash", "-c", command)
    assert (ran.stdout, ran.stderr) == ("{\n", "")


@pytest.mark.parametrize(
    "data", ['{"text":"a"}{"text":"b"}', '{"text":"a"}\n\n{"text":\n"b"}\n', '[{"text":"a"},{"text":"b"}]']
)
def test_several_messages_in_one_text(library, data):
    ran = isthmus("call", library, f"{SERVICE}/Discuss", "-d", data)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count('"text"') == 2
    assert isthmus("call", library, f"{SERVICE}/Discuss", "-d", "@", stdin=data).stdout == ran.stdout


def test_text_format_in_and_out_is_grpcurls(library):
    data = 'text: "a"\x1etext: "b"'
    words = ("-plaintext", "-format", "text", "-d", data, library, f"{SERVICE}/Discuss")
    ours, theirs = isthmus("call", *words), run(GRPCURL, *words)
    assert (ours.stdout, ours.returncode) == (theirs.stdout, theirs.returncode)
    assert "\x1e" in ours.stdout


# the same as grpcurl


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("-d", '{"name": "shelves/1"}', f"{SERVICE}/GetShelf"), id="an answer"),
        pytest.param(("-emit-defaults", "-d", '{"name": "shelves/1"}', f"{SERVICE}.GetShelf"), id="defaults"),
        pytest.param((f"{SERVICE}/ListShelves",), id="no data"),
        pytest.param(("-d", '{"name": 1}', f"{SERVICE}/ListShelves", "-allow-unknown-fields"), id="unknown fields"),
        pytest.param(("-d", '{"count": 3}', f"{TRIALS}/Count"), id="a stream"),
    ],
)
def test_answers_are_grpcurls(library, words):
    *flags, method = [word for word in words if word != "-allow-unknown-fields"]
    lenient = ["-allow-unknown-fields"] if "-allow-unknown-fields" in words else []
    ours = isthmus("call", "-plaintext", *lenient, *flags, library, method)
    theirs = run(GRPCURL, "-plaintext", *lenient, *flags, library, method)
    split = json.JSONDecoder().raw_decode

    def values(text: str) -> list[object]:
        found = []
        while text := text.strip():
            value, end = split(text)
            found.append(value)
            text = text[end:]
        return found

    assert values(ours.stdout) == values(theirs.stdout) != []
    assert (ours.returncode, theirs.returncode) == (0, 0), ours.stderr


@pytest.mark.parametrize(
    "symbol", [f"{SERVICE}.GetShelf", "library.v1.Genre", "library.v1.Book.Size", "library.v1.Loan"]
)
def test_descriptions_are_grpcurls(library, symbol):
    def plain(text: str) -> str:
        return "".join(text.split()).replace(",body", "body")

    theirs = run(GRPCURL, "-plaintext", library, "describe", symbol).stdout
    assert plain(isthmus("describe", library, symbol).stdout) == plain(theirs)


# flags


@pytest.mark.parametrize(
    "words",
    [
        ("-plaintext=true",),
        ("--plaintext",),
        ("-plaintext", "-max-time=5", "-connect-timeout", "2"),
        ("-plaintext=false",),
        ("-H=x-a: 1",),
        ("-use-reflection=true",),
    ],
)
def test_flags_as_go_programs_take_them(library, words):
    assert SERVICE in isthmus("list", *words, library).stdout


def test_a_value_that_looks_like_a_flag_is_a_value(library):
    ran = isthmus("call", "-v", "-H", "x-echo-a: 1", "-user-agent", "-plaintext", library, f"{SERVICE}/ListShelves")
    assert ran.returncode == 0
    assert "speaks cleartext HTTP/2" in ran.stderr  # it was found out, not given


BAD = {
    "misspelt": (("list", "-plaintxt", "LIBRARY"), 2, "No such option '--plaintxt'"),
    "no boolean": (("list", "-plaintext=maybe", "LIBRARY"), 2, "true or false"),
    "a URL": (("list", "http://LIBRARY"), 2, "without http://"),
    "no such port": (("list", "localhost:65616"), 2, "between 1 and 65535"),
    "no host name": (("list", f"{'a' * 70}:80"), 3, "no host name"),
    "no socket": (("list", "unix:/nope"), 3, "there is no such socket"),
    "not UTF-8": (("call", "LIBRARY", f"{SERVICE}/GetShelf", "-d", "\udcff"), 2, "cannot be sent"),
    "not base64": (("call", "LIBRARY", f"{SERVICE}/ListShelves", "-H", "x-bin: ?"), 2, "base64"),
    "not ASCII": (("call", "LIBRARY", f"{SERVICE}/ListShelves", "-H", "x: ü"), 2, "printable ASCII"),
    "odd authority": (("list", "LIBRARY", "-authority", "a b:c"), 0, ""),
    "no name for TLS": (("list", "LIBRARY", "-insecure", "-servername", "."), 3, "speaks cleartext"),
    "no variable": (("list", "-expand-headers", "-H", "a: ${NOPE_NOPE}", "LIBRARY"), 2, "NOPE_NOPE"),
}


@pytest.mark.parametrize(("words", "code", "says"), BAD.values(), ids=BAD)
def test_mistakes_are_named(library, words, code, says):
    ran = isthmus(*(word.replace("LIBRARY", library) for word in words))
    assert (ran.returncode, says in ran.stderr) == (code, True), ran.stderr


def test_headers_for_both_for_the_call_and_for_reflection(library):
    words = ("-H", "x-echo-a: ${WORD}", "-rpc-header", "x-echo-b: 2", "-reflect-header", "x-echo-c: 3")
    out = isthmus("call", "-v", "-expand-headers", *words, library, f"{SERVICE}/ListShelves", WORD="1").stdout
    received = out.partition("Response headers received:")[2]
    assert "x-echo-a: 1" in received and "x-echo-b: 2" in received and "x-echo-c" not in received


def test_max_time_holds_for_all_of_it():
    with raw_server(lambda _, over: over.wait(20) and None) as (host, port):
        ran = isthmus("list", "-plaintext", "-max-time", "0.3", f"{host}:{port}")
    assert (ran.returncode, "-max-time" in ran.stderr) == (64 + 4, True), ran.stderr


def test_a_server_that_says_nothing_is_given_up_after_the_connect_timeout():
    with raw_server(lambda _, over: over.wait(20) and None) as (host, port):
        for words in (("-plaintext", "-connect-timeout", "0.5"), ("-connect-timeout", "0.5")):
            ran = isthmus("list", *words, f"{host}:{port}")
            assert (ran.returncode, "said nothing" in ran.stderr) == (3, True), ran.stderr


# TLS


def test_tls_with_every_flag(tmp_path):
    cert, key = files_of(pki.leaf(CA, ["demo.example"]), tmp_path)
    (tmp_path / "ca").write_bytes(CA.cert_pem)
    server = greeter.start(tls=(cert, key))
    try:
        for words in (
            ("-insecure",),
            ("-cacert", str(tmp_path / "ca"), "-authority", "demo.example:8443"),
            ("-cacert", str(tmp_path / "ca"), "-servername", "demo.example"),
        ):
            ran = isthmus("call", *words, "-d", '{"name": "Ada"}', server.address, "helloworld.Greeter/SayHello")
            assert json.loads(ran.stdout)["message"] == "Hello Ada", (words, ran.stderr)
        wrong = isthmus("list", "-cacert", str(tmp_path / "ca"), server.address)
        assert (wrong.returncode, "not valid for '127.0.0.1'" in wrong.stderr) == (3, True), wrong.stderr
        unknown = isthmus("list", server.address)
        assert (unknown.returncode, "-cacert FILE" in unknown.stderr) == (3, True), unknown.stderr
        assert "-insecure" in unknown.stderr
    finally:
        server.stop(0)


def test_a_unix_socket(tmp_path):
    path = tmp_path / "s"
    server = grpc.server(ThreadPoolExecutor(4))
    echo = grpc.unary_unary_rpc_method_handler(lambda request, _: request)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"GetShelf": echo}),))
    server.add_insecure_port(f"unix:{path}")
    server.start()
    try:
        root = Path(__file__).parents[2] / "examples" / "grpc"
        words = ("-import-path", str(root), "-proto", "library.proto", "-d", '{"name": "shelves/1"}')
        ran = isthmus("call", *words, f"unix:{path}", f"{SERVICE}/GetShelf")
        assert json.loads(ran.stdout) == {"name": "shelves/1"}, ran.stderr
        assert "speaks cleartext" in isthmus("list", "-insecure", f"unix:{path}").stderr
        silent = isthmus("list", f"unix:{path}")
        assert (silent.returncode, "give its schema with -protoset" in silent.stderr) == (3, True)
    finally:
        server.stop(0).wait()


# what a server cannot describe


def test_what_was_left_out_is_said_where_it_matters():
    script = catalogue(a=file("a.proto"), b=file("b.proto", "gone.proto"))
    with reflecting(script) as address:
        assert isthmus("list", address).stdout.split() == ["a.Service", "b.Service"]
        ran = isthmus("describe", address, "b.Service")
        assert (ran.returncode, "left out: gone.proto: no gone" in ran.stderr) == (1, True), ran.stderr
        assert "a.Service is a service" in isthmus("describe", address, "a.Service").stdout
        assert "left out: gone.proto" in isthmus("list", "-v", address).stderr


def test_a_servers_names_move_no_cursor():
    names = ("a.Service", "\x1b[2J\x1b]0;owned\x07")
    body = files(file("a.proto"))
    with reflecting(lambda request, _: (services(*names) if request.list_services else body,)) as address:
        ran = isthmus("list", "-v", address)
    assert ran.stdout == "a.Service\n"
    assert "\x1b" not in ran.stderr and "\\x1b[2J" in ran.stderr


# completion


def completed(words: str) -> list[str]:
    """What bash would offer for the last word."""
    whole = f"isthmus {words}"
    program = str(Path(sys.executable).with_name("isthmus"))
    count = len(whole.split(" ")) - 1
    ran = run(program, COMP_WORDS=whole, COMP_CWORD=str(count), _ISTHMUS_COMPLETE="bash_complete")
    assert ran.stderr == ""
    return [line.partition(",")[2] for line in ran.stdout.splitlines() if line]


def test_completion_asks_the_server(library):
    assert f"{SERVICE}/GetShelf" in completed(f"call {library} library.v1.Lib")
    assert f"{SERVICE}.GetShelf" in completed(f"call -plaintext {library} {SERVICE}.Get")
    assert completed(f"list {library} library.v1.L") == [SERVICE]
    assert "library.v1.Book" in completed(f"describe {library} library.v1.B")


@pytest.mark.parametrize("flag", ["", "-plaintext = true ", "-plaintext "])
def test_completion_in_bash_which_splits_words_at_colons(library, flag):
    host, _, port = library.partition(":")
    script = f"""
        PATH={Path(sys.executable).parent}:$PATH
        source <(isthmus completion bash)
        COMP_WORDS=(isthmus call {flag}{host} : {port} library.v1.LibraryService/GetSh)
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _isthmus_completion isthmus
        echo "${{COMPREPLY[@]}}"
    """
    ran = run("bash", "-c", script)
    assert (ran.stdout, ran.stderr) == (f"{SERVICE}/GetShelf\n", "")


def test_completion_with_tls_flags(tmp_path):
    server = greeter.start(tls=files_of(pki.leaf(CA, ["localhost"]), tmp_path))
    try:
        assert completed(f"call -insecure {server.address} hello")[0] == "helloworld.Greeter/SayHello"
        assert completed(f"call {server.address} hello") == []  # not trusted; a shell sees no error
    finally:
        server.stop(0)


def test_completion_is_silent_where_nobody_answers():
    assert completed("call 127.0.0.1:1 x") == []
    assert completed("call nonsense x") == []
    with raw_server(lambda _, over: over.wait(20) and None) as (host, port):
        assert completed(f"call -plaintext {host}:{port} x") == []


def test_typing_at_a_terminal(library):
    """Each line is sent when it is entered; end-of-file ends the call."""
    ours, theirs = pty.openpty()
    command = [*ISTHMUS, "call", library, f"{SERVICE}/Discuss", "-d", "@"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True) as talk:
        os.close(theirs)
        assert talk.stdout is not None
        for word in ("one", "two"):
            os.write(ours, json.dumps({"text": word}).encode() + b"\n")
            assert word in "".join(talk.stdout.readline() for _ in range(4))
        os.write(ours, b"\x04")
        assert talk.wait(SECONDS) == 0
    os.close(ours)
