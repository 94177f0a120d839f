"""What is said beside an answer: likely mistakes, errors in the manifests, nothing to read."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from manifests import INGRESS
from probe_cases import FOLDER

from isthmus.cli.call_input import texts
from isthmus.cli.main import isthmus
from isthmus.schema.status import RefusedError

SEED = str(FOLDER / "seed" / "manifests.yaml")
N = "nginx.ingress.kubernetes.io/"


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(isthmus, list(words), input=stdin)


@pytest.mark.parametrize(
    ("url", "note"),
    [
        ("http://ws.kubesre.test/", "no rule names ws.kubesre.test; did you mean ws.kubesre.com?"),
        ("http://nobody.example/", "no rule names nobody.example; served are demo.kubesre.com, ws.kubesre.com"),
        ("https://nobody.example/", "no rule names nobody.example; served are demo.kubesre.com, ws.kubesre.com"),
        ("https://ws.kubesre.com/x", "ws.kubesre.com is served without TLS only: ask for http://ws.kubesre.com/x"),
        ("ws.kubesre.com/a.B/C", "served without TLS only: ask for grpc://ws.kubesre.com/a.B/C"),
        ("https://demo.kubesre.com/", "ISTH0130: there is no Secret default/kubesre-tls"),
        ("http://ws.kubesre.com/", "to give it addresses: --endpoint default/demo-ws-svc:8080=127.0.0.1:PORT"),
    ],
)
def test_explain_says_what_is_likely_to_be_wrong(url: str, note: str) -> None:
    lines = run("explain", url, "-f", SEED).stdout.splitlines()
    assert any(line.startswith("note ") and note in line for line in lines)


AUTH = f"{N}auth-type: basic, {N}auth-secret: users, {N}auth-url: 'http://web.default.svc.cluster.local/ask?a=$host'"
USERS = (
    "apiVersion: v1\nkind: Secret\nmetadata: {name: users}\nstringData: {auth: 'u:{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ='}\n"
)


def test_explain_says_what_the_helper_asks_for() -> None:
    said = run("explain", "http://a.test/", "-f", "-", stdin=INGRESS.format(name="web", notes=AUTH, path="/") + USERS)
    assert (
        "policy       the authorization helper agrees: basic authentication of 1 user"
        " and default/web:80 asked for /ask?a={" in said.stdout
    )


BROKEN = "a: [1\n---\n" + INGRESS.format(name="web", notes="", path="/")


@pytest.mark.parametrize("verb", [("explain", "http://a.test/"), ("routes",), ("translate", "--to", "ir")])
def test_what_could_not_be_read_is_said_beside_the_answer(verb: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(BROKEN)
    found = run(*verb, "-f", str(file), "-f", SEED)
    assert f"note: {file}:1:6: error ISTH0001: this is not valid YAML" in found.stderr
    assert f"errors are in these manifests; see: isthmus check -f {file} -f {SEED}" in found.stderr
    assert "note:" not in found.stdout


def test_nothing_to_read_and_nothing_to_serve_is_said(tmp_path: Path) -> None:
    assert "of folders, files that end in .yaml, .yml or .json are read" in run("check", "-f", str(tmp_path)).stderr
    assert run("check", "-f", "-", stdin="").stderr.startswith("nothing to read in standard input")
    other = run("routes", "-f", "-", "--class", "other", stdin=INGRESS.format(name="web", notes="", path="/"))
    assert (other.exit_code, other.stdout) == (0, "")
    assert "nothing is served: no Ingress of a served class has rules" in other.stderr


def test_check_counts_what_it_does_not_show() -> None:
    text = INGRESS.format(name="web", notes=f"{N}proxy-buffering: 'on'", path="/")
    hidden = run("check", "-f", "-", "--min", "error", stdin=text)
    assert (hidden.stdout, hidden.stderr) == ("", "2 objects read: 1 warning, 1 info\n")


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colours_where_they_are_not_wanted(variable: str, value: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("a: [1\n")
    code = f"import sys; sys.argv = ['isthmus', 'check', '-f', {str(file)!r}]\n"
    code += "from isthmus.cli.main import main\nmain()"
    plain = {key: each for key, each in os.environ.items() if key not in ("NO_COLOR", "TERM")}
    assert "\x1b[31m" in _on_a_terminal(code, {**plain, "TERM": "xterm"})
    assert "\x1b" not in _on_a_terminal(code, {**plain, "TERM": "xterm", variable: value})


def _on_a_terminal(code: str, environment: dict[str, str]) -> str:
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stdout=theirs, stderr=subprocess.DEVNULL, env=environment):
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):  # its end has been closed
            while chunk := os.read(ours, 4096):
                text += chunk
    os.close(ours)
    return text.decode()


def test_a_full_disk_is_said_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "isthmus", "routes", "-f", SEED], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ran.stderr.splitlines()[-1] == "Error: the output cannot be written: No space left on device"
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False)


def test_where_manifests_come_from_is_said() -> None:
    assert "expected manifests: add -f deploy/" in run("routes").output
    said = run("check", "-f", "https://a.test/x.yaml").output
    assert "to read a URL: curl -sSf https://a.test/x.yaml | isthmus ... -f -" in said


def test_a_file_with_a_message_comes_from_standard_input() -> None:
    with pytest.raises(RefusedError, match=r"to send a file: -d @ < message\.json"):
        list(texts("@message.json", "json"))
