"""`isthmus compare` against real servers: what is sent, what is reported, how it exits."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from gateways import free_ports, http_echoes
from scripted_server import CLOSE, HANG, Scripted, answer, scripted

from isthmus.cli.main import isthmus
from isthmus.replay.answer import MOST_BYTES

LOG = '192.0.2.7 - - [10/Oct/2026:13:55:36 +0000] "{} HTTP/1.1" 200 5 "-" "curl/8.9"\n'


def compare(old: object, new: object, text: str, *more: str, env: dict[str, str] | None = None) -> Result:
    sides = [getattr(side, "url", side) for side in (old, new)]
    words = ["compare", "--old", str(sides[0]), "--new", str(sides[1]), *more, "-"]
    return CliRunner().invoke(isthmus, words, input=text, env=env)


def document(result: Result) -> dict[str, Any]:
    assert result.exit_code in (0, 1), result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def lines(*requests: dict[str, Any]) -> str:
    return "".join(json.dumps(request) + "\n" for request in requests)


SCRIPT = {
    "/same": answer(200, "Server: one", "Content-Type: application/json", body=b'{"a": 1, "b": 2}'),
    "/status": answer(200),
    "/moved": answer(302, "Location: /x"),
    "/header": answer(200, "X-Frame-Options: DENY", "Set-Cookie: sid=first-secret; Path=/"),
    "/body": answer(200, "Content-Type: application/json", body=b'{"a": {"b": 1}}'),
    "/closed": CLOSE,
}
CHANGED = {
    "/same": answer(200, "Server: two", "content-type: application/json", body=b'{"b":2,"a":1}'),
    "/status": answer(404),
    "/moved": answer(302, "Location: https://shop.test/x"),
    "/header": answer(200, "Set-Cookie: sid=second-secret; Path=/"),
    "/body": answer(200, "Content-Type: application/json", body=b'{"a": {"b": 2}}'),
}
KINDS = ["no answer", "status 200 -> 404", "location", "header x-frame-options", "body"]


@pytest.fixture
def servers() -> Iterator[tuple[Scripted, Scripted]]:
    with scripted(SCRIPT) as old, scripted(CHANGED) as new:
        yield old, new


def test_equal_gateways(servers: tuple[Scripted, Scripted]) -> None:
    result = compare(*servers, LOG.format("GET /same"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("1 request from 1 line sent to both: no difference\n")


def test_every_kind_of_difference(servers: tuple[Scripted, Scripted]) -> None:
    text = "".join(LOG.format(f"GET {path}") for path in ["/same", *SCRIPT, "/status", "/status"])
    found = document(compare(*servers, text, "-o", "json", "--host", "shop.test"))
    assert (found["requests"], found["lines"], found["different"], found["same"]) == (6, 9, 5, 1)
    assert [group["kind"] for group in found["differences"]] == KINDS
    assert (found["differences"][1]["requests"], found["differences"][1]["lines"]) == (1, 3)
    body = found["differences"][-1]["examples"][0]
    assert body == {
        "place": "stdin:6", "lines": 1, "method": "GET", "host": "shop.test", "path": "/body",
        "where": "$.a.b", "old": "1", "new": "2",
    }  # fmt: skip
    assert found["differences"][0]["examples"][0]["old"] == "the connection was closed without an answer"


def test_table_and_markdown_say_the_same(servers: tuple[Scripted, Scripted]) -> None:
    text = "".join(LOG.format(f"GET {path}") for path in SCRIPT)
    table, markdown = (compare(*servers, text, "-o", form).stdout for form in ("table", "markdown"))
    for kind in KINDS:
        assert f"\n{kind}\n  stdin:" in table
        assert f"## {kind.replace('>', '&gt;')}" in markdown
    assert "$.a.b: 1 -> 2" in table and "| `$.a.b` | `1` | `2` |" in markdown
    assert "secret" not in table + markdown


def test_examples_are_the_first_ones_of_the_file() -> None:
    with scripted() as old, scripted({f"/{n}": answer(500) for n in range(30)}) as new:
        text = lines(*({"path": f"/{n}"} for n in range(30)))
        result = compare(old, new, text, "--examples", "2")
    shown = result.stdout.partition("\nstatus 200 -> 500\n  ")[2].splitlines()
    assert "\n  stdin:1  GET /0" in result.stdout and shown[1].startswith("  stdin:2  ") and shown[2] == "  and 28 more"


def test_what_is_sent() -> None:
    request = {
        "method": "POST",
        "url": "http://shop.test//a/../%2e%2F?x=%20+y",
        "headers": {"X-One": "1", "Connection": "close", "Content-Length": "99", "Cookie": "sid=1", "X-Gone": "1"},
        "body": "é",
    }
    with scripted() as old, scripted() as new:
        result = compare(old, new, lines(request), "--all-methods", "--drop-header", "x-gone")
        assert result.exit_code == 0, result.output
        assert len(old.received) == len(new.received) == 1
        first, *headers = old.received[0].split("\r\n")
        assert first == "POST //a/../%2e%2F?x=%20+y HTTP/1.1"
        assert sorted(map(str.lower, headers)) == [
            "connection: close", "content-length: 2", "cookie: sid=1", "host: shop.test", "x-one: 1",
        ]  # fmt: skip


def test_cookies_of_answers_are_not_sent_back() -> None:
    with scripted({"/": answer(200, "Set-Cookie: sid=1")}) as old, scripted() as new:
        compare(old, new, lines({"path": "/"}, {"path": "/b"}), "--concurrency", "1")
        assert len(old.received) == 2 and "cookie" not in "".join(old.received).lower()


def test_nobody_else_is_contacted() -> None:
    with scripted() as elsewhere, scripted({"/": answer(302, f"Location: {elsewhere.url}/")}) as side:
        env = {name: elsewhere.url for name in ("http_proxy", "HTTP_PROXY", "all_proxy")}
        text = lines({"url": f"{elsewhere.url}/"}, {"path": "/", "host": f"127.0.0.1:{elsewhere.port}"})
        result = compare(side, side, text, env=env)
        assert result.exit_code == 0, result.output
        assert elsewhere.connections == 0 and len(side.received) > 1


def test_only_safe_methods_unless_asked() -> None:
    text = lines({"method": "POST", "path": "/"}, {"method": "HEAD", "path": "/"}, {"method": "DELETE", "path": "/"})
    with scripted() as old, scripted() as new:
        result = compare(old, new, text)
        assert result.exit_code == 0 and "DELETE 1, POST 1 (--all-methods sends them)" in result.stdout
        assert [head.split(" ")[0] for head in old.received] == ["HEAD"]
        assert compare(old, new, text, "--all-methods").exit_code == 0
        assert sorted(head.split(" ")[0] for head in new.received[1:]) == ["DELETE", "HEAD", "POST"]
        only = compare(old, new, lines({"method": "PUT", "path": "/"}))
        assert only.exit_code == 2 and "(PUT 1): --all-methods" in only.stderr


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_goes_out_once(method: str) -> None:
    with scripted({"/closed": CLOSE}) as old, scripted() as new:
        text = lines({"method": method, "path": "/closed"}, *({"method": method, "path": f"/{n}"} for n in range(3)))
        result = compare(old, new, text, "--all-methods", "--concurrency", "1")
        assert result.exit_code == 1
        assert len(old.received) == len(new.received) == 4


def test_a_kept_connection_that_has_ended_is_no_difference() -> None:
    ended = {f"/{n}": answer(200) + CLOSE for n in range(20)}  # without Connection: close
    with scripted(ended) as old, scripted() as new:
        text = lines(*({"path": f"/{n}"} for n in range(20)))
        assert compare(old, new, text, "--concurrency", "1").exit_code == 0


def test_limit_concurrency_and_rate() -> None:
    text = lines(*({"path": f"/{n}"} for n in range(8)), {"path": "/0"})
    with scripted() as old, scripted() as new:
        found = document(compare(old, new, text, "-o", "json", "--limit", "3", "--concurrency", "1"))
        assert (found["requests"], found["lines"], found["lines_beyond_limit"]) == (3, 4, 5)
        assert len(old.received) == 3 and old.most_at_once == 1
        assert old.connections == 2  # one that looked whether there is somebody, one that is kept
    with scripted({f"/{n}": HANG for n in range(8)} | {"/8": answer(200)}) as old, scripted() as new:
        compare(old, new, text + lines({"path": "/8"}), "--concurrency", "9", "--timeout", "0.3")
        assert old.connections == 10  # nobody waited for anybody


def test_rate() -> None:
    text = lines(*({"path": f"/{n}"} for n in range(6)))
    with scripted() as old, scripted() as new:
        took = subprocess.run(
            [sys.executable, "-c", _TIMED, "compare", "--old", old.url, "--new", new.url, "--rate", "20", "-"],
            input=text, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    assert float(took.splitlines()[-1]) >= 5 / 20


_TIMED = """
import sys, time
from isthmus.cli.main import isthmus
started = time.monotonic()
try:
    isthmus(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
print(time.monotonic() - started)
"""


def test_timeouts_and_cut_bodies() -> None:
    half = answer(200, body=b"0123456789")[:-5]
    script = {"/silent": HANG, "/half": half + HANG, "/ended": half + CLOSE, "/odd": b"SSH-2.0-x\r\n" + CLOSE}
    with scripted(script) as old, scripted() as new:
        text = lines({"path": "/ok"}, *({"path": path} for path in script))
        found = document(compare(old, new, text, "-o", "json", "--timeout", "0.3", "--concurrency", "1"))
    told = {each["path"]: each["old"] for group in found["differences"] for each in group["examples"]}
    assert told["/silent"] == "no answer within 0.3 s"
    assert (told["/half"], told["/ended"]) == ("cut off after 0.3 s", "cut off by the gateway")
    assert told["/odd"].startswith("no HTTP answer: ")


def test_endless_bodies_end() -> None:
    long = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(MOST_BYTES + 100_000) + CLOSE
    with scripted({"/": long}) as old, scripted({"/": long}) as new:
        assert compare(old, new, lines({"path": "/"})).exit_code == 0


def test_lines_that_are_no_requests_are_named() -> None:
    with scripted() as old, scripted() as new:
        result = compare(old, new, 'hello\n{"path": "/"}\n{"path": 1}\n')
        assert result.exit_code == 0 and "not usable: 2 lines" in result.stdout
        first, second = result.stderr.splitlines()
        assert first.startswith("stdin:1: the line is of no form that is known; expected a JSON object, or nginx's")
        assert second == "stdin:3: path is a number; expected a string"
        many = compare(old, new, "hello\n" * 50)
        assert many.exit_code == 2 and old.connections == 2
        assert many.stderr.splitlines()[-2:] == [
            "and 30 more lines that are no requests",
            "Error: no line is a request",
        ]
        assert compare(old, new, "\n").exit_code == 2


def test_files(tmp_path: Path) -> None:
    plain, packed = tmp_path / "access.log", tmp_path / "access.log.1.gz"
    plain.write_text(LOG.format("GET /a"))
    packed.write_bytes(gzip.compress(LOG.format("GET /b").encode()))
    with scripted({"/b": answer(500)}) as old, scripted() as new:
        words = ["compare", "--old", old.url, "--new", new.url]
        result = CliRunner().invoke(isthmus, [*words, str(plain), str(packed)])
        assert result.exit_code == 1 and f"\n  {packed}:1  GET /b\n" in result.stdout
        packed.write_bytes(packed.read_bytes()[:-4])
        for name in (str(packed), str(tmp_path / "none"), str(tmp_path)):
            result = CliRunner().invoke(isthmus, [*words, name])
            assert result.exit_code == 2 and f"{name}: cannot be read: " in result.stderr


def test_nothing_is_written_to_the_terminal_by_logs_or_gateways() -> None:
    evil = {"/\u202e": answer(200, "X-Evil: \x1b[31mred|`x`")}
    with scripted({"/%E2%80%AE": evil["/\u202e"]}) as old, scripted() as new:
        text = lines({"path": "/\u202e"}) + "\x1b[31m\n"
        for form in ("table", "markdown", "json"):
            result = compare(old, new, text, "-o", form)
            assert result.exit_code == 1 and "\x1b" not in result.output and "\u202e" not in result.output


def test_exit_code_3_where_nobody_is() -> None:
    (port,) = free_ports(1)
    with scripted() as there, scripted({"/": CLOSE}) as mute:
        gone = compare(there, f"http://127.0.0.1:{port}", lines({"path": "/"}))
        assert gone.exit_code == 3 and f"--new http://127.0.0.1:{port}: cannot connect: " in gone.stderr
        silent = compare(mute, there, lines({"path": "/"}))
        assert silent.exit_code == 3 and "--old" in silent.stderr and "answered nothing" in silent.stderr
    with scripted({f"/{n}": CLOSE for n in range(500)}) as mute, scripted() as there:
        text = lines(*({"path": f"/{n}"} for n in range(500)))
        assert compare(there, mute, text).exit_code == 3
        assert len(mute.received) < 40


WRONG = [
    (["--old", "a.test"], "expected http://HOST"),
    (["--old", "http://a.test/x"], "no path"),
    (["--old", "http://ada:sekrit@a.test"], "***@a.test"),
    (["--old", "http://a.test", "--old", "http://b.test"], "one for each scheme"),
    (["--host", "a b"], "expected NAME or NAME:PORT"),
    (["--ignore-header", "a b"], "expected the name of a header"),
    (["--ignore-header", "A", "--compare-header", "a"], "contradict each other: a"),
    (["--ignore-json-path", "$..a"], "expected a path such as"),
    (["--insecure", "--cacert", "x"], "contradict each other"),
    (["--cacert", "/dev/null"], "it holds no PEM certificates"),
    (["--cacert", "none.pem"], "none.pem: No such file or directory"),
    (["--rate", "0"], "--rate"),
    (["--concurrency", "0"], "--concurrency"),
]


@pytest.mark.parametrize(
    ("words", "message"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_wrong_usage(words: list[str], message: str) -> None:
    given = words if "--old" in words else ["--old", "http://127.0.0.1:1", *words]
    result = CliRunner().invoke(isthmus, ["compare", *given, "--new", "http://127.0.0.1:1", "-"], input='{"path": "/"}')
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert "sekrit" not in result.stderr


def test_progress_only_where_it_takes_long() -> None:
    with http_echoes("one") as servers:
        url = f"http://{servers['one']}"
        result = compare(url, url, lines({"path": "/a"}, {"path": "/?delay_ms=1200"}))
        assert (result.exit_code, result.stderr.count("\n")) == (0, 1)
        assert result.stderr.startswith("1 of 2 requests, 0 different, ")
        assert compare(url, url, lines({"path": "/a"})).stderr == ""
        assert compare(url, url, LOG.format("GET /a") * 200_000).stderr.splitlines()[:2] == [
            "reading stdin: 100,000 lines",
            "reading stdin: 200,000 lines",
        ]


def test_interrupting_prints_what_was_found() -> None:
    script = {"/0": answer(404), "/1": HANG}
    with scripted(script) as old, scripted() as new:
        words = [
            sys.executable,
            "-m",
            "isthmus",
            "compare",
            "--old",
            old.url,
            "--new",
            new.url,
            "--concurrency",
            "1",
            "-",
        ]
        running = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert running.stdin
        running.stdin.write(lines(*({"path": f"/{n}"} for n in range(5))))
        running.stdin.close()
        running.stdin = None
        assert old.seen.wait(30)
        os.kill(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert "1 request from 1 line sent to both: 0 the same, 1 different (interrupted, 4 not sent)" in out
    assert "status 404 -> 200" in out and "Traceback" not in err
