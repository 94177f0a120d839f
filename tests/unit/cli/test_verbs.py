"""The verbs that only look: what they print, how they exit, and that wrong input is told in one line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner, Result
from manifests import INGRESS
from probe_cases import FOLDER, manifests

from isthmus import __version__
from isthmus.cli.main import VERBS, isthmus
from isthmus.edge import pki

N = "nginx.ingress.kubernetes.io/"
CANARY = f"{N}canary: 'true', {N}canary-by-header: X-Canary, {N}canary-weight: '20'"
SHARED = INGRESS.format(name="web", notes="", path="/") + INGRESS.format(name="next", notes=CANARY, path="/")
SEED = str(FOLDER / "seed" / "manifests.yaml")


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(isthmus, list(words), input=stdin)


@pytest.fixture
def tls_file(tmp_path: Path) -> str:
    (tmp_path / "tls.yaml").write_text(manifests("tls"))
    return str(tmp_path / "tls.yaml")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    result = run(verb, "--help")
    assert result.exit_code == 0
    assert verb == "version" or f"isthmus {verb}" in result.output


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, runpy; sys.argv = ['isthmus', '--help']\n"
    code += "try: runpy.run_module('isthmus')\nexcept SystemExit: print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"yaml", "grpc", "rich", "msgspec", "google.protobuf", "cryptography", "asyncio", "watchfiles"}
    assert not heavy & set(loaded)
    assert not [name for name in loaded if name.startswith("isthmus.") and not name.startswith("isthmus.cli")]


def test_a_misspelt_verb_is_guessed() -> None:
    result = run("chekc")
    assert (result.exit_code, "Did you mean check?" in result.output) == (2, True)


# check


def test_check_is_clean_and_says_so() -> None:
    clean = (FOLDER / "paths" / "manifests.yaml").read_text()
    result = run("check", "-f", "-", "--min", "error", stdin=clean)
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 1), ("info", 1)])
def test_check_fails_on_what_it_is_told_to(level: str, code: int) -> None:
    clean = (FOLDER / "paths" / "manifests.yaml").read_text()  # has Services without endpoints: warnings
    assert run("check", "-f", "-", "--fail-on", level, stdin=clean).exit_code == code


def test_check_as_json() -> None:
    result = run("check", "-f", str(FOLDER / "bad" / "manifests.yaml"), "-o", "json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    found = next(each for each in document["findings"] if each["code"] == "ISTH0051")
    assert found["object"] == {"kind": "Ingress", "namespace": "default", "name": "mixed"}
    assert found["path"] == "spec.rules[0].http.paths[1].backend.service.port.number"
    assert found["line"] == 22
    assert "did you mean 8080?" in found["message"]


def test_check_as_sarif_names_rule_place_and_level() -> None:
    result = run("check", "-f", str(FOLDER / "bad" / "manifests.yaml"), "-o", "sarif")
    log = json.loads(result.stdout)
    assert log["version"] == "2.1.0"
    driver, results = log["runs"][0]["tool"]["driver"], log["runs"][0]["results"]
    assert {each["ruleId"] for each in results} == {rule["id"] for rule in driver["rules"]}
    assert all(each["locations"][0]["physicalLocation"]["region"]["startLine"] > 0 for each in results)
    assert {each["level"] for each in results} == {"error", "warning"}


def test_check_finds_what_is_wrong_with_the_article_s_certificate(tmp_path: Path) -> None:
    authority = pki.authority("*.kubesre.com")
    pair = pki.leaf(authority, ["demo.kubesre.com"], with_san=False)
    secret = pki.secret_manifest("default", "kubesre-tls", pair)
    (tmp_path / "all.yaml").write_text((FOLDER / "seed" / "manifests.yaml").read_text() + "---\n" + secret)
    result = run("check", "-f", str(tmp_path), "-o", "json")
    codes = {each["code"] for each in json.loads(result.stdout)["findings"]}
    assert {"ISTH0133", "ISTH0137"} <= codes  # no subjectAltName; a CA named like a host


def test_private_keys_are_never_printed(tls_file: str) -> None:
    for words in (("check", "-o", "json"), ("translate", "--to", "xds"), ("translate", "--to", "ir"), ("routes",)):
        output = run(*words, "-f", tls_file).output
        assert "PRIVATE" not in output
        assert "LS0tLS1CRUdJTi" not in output  # the same in base64


@pytest.mark.parametrize("verb", [("check",), ("routes",), ("translate", "--to", "ir"), ("explain", "http://a/")])
def test_a_missing_file_is_named(verb: tuple[str, ...]) -> None:
    result = run(*verb, "-f", "/nowhere.yaml")
    assert result.exit_code == 2
    assert "/nowhere.yaml" in result.output
    assert "Traceback" not in result.output


def test_a_bad_endpoint_is_explained() -> None:
    result = run("routes", "-f", SEED, "--endpoint", "web=1.2.3.4:80")
    assert result.exit_code == 2
    assert "expected NAMESPACE/SERVICE[:PORT]=IP:PORT" in result.output


# explain


def test_explain_tells_the_whole_way(tls_file: str) -> None:
    result = run("explain", "https://tls.test/open/x", "-f", tls_file, "--endpoint", "default/web=127.0.0.1:1")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].startswith("listener     https")
    assert "certificate  for SNI tls.test" in result.stdout
    assert "rule         path elements /open" in result.stdout
    assert f"Ingress default/open, spec.rules[0].http.paths[0] ({tls_file}:" in result.stdout
    assert "it matches too, but an earlier route won" in result.stdout
    assert "endpoints    127.0.0.1:1" in result.stdout
    assert lines[-1] == "answer       the backend's"


def test_explain_shows_the_expression_that_won() -> None:
    found = run(
        "explain",
        "http://a.test/v1/x",
        "-f",
        "-",
        stdin=INGRESS.format(name="web", notes=f"{N}use-regex: 'true'", path="'/v[0-9]+'"),
    )
    assert "rule         pattern (?i:/v[0-9]+).*" in found.output


def test_explain_shows_the_path_that_the_backend_gets() -> None:
    stdin = INGRESS.format(name="web", notes=f"{N}rewrite-target: /$1", path="'/api/(.*)'")
    said = run("explain", "http://a.test/api/x?q=1", "-f", "-", stdin=stdin).stdout
    assert "rewritten    the backend gets /x?q=1" in said


def test_explain_shows_shares() -> None:
    said = run("explain", "http://a.test/", "-f", "-", stdin=SHARED).stdout
    assert "cluster      default/web/80/http1 (80%)" in said
    assert "or           default/next/80/http1 (20%)" in said


def test_explain_shows_hosts_as_they_were_asked_for() -> None:
    hosts = str(Path(SEED).parent.parent / "hosts" / "manifests.yaml")
    shown = run("explain", "http://X.y.wild.test/", "-f", hosts).output
    assert "listener     http for X.y.wild.test\n" in shown
    assert "header :authority is x.y.wild.test, wanted [^.:]+" in shown


@pytest.mark.parametrize(
    ("ports", "location"), [((), "demo.kubesre.com/"), (("--https-port", "8443"), "demo.kubesre.com:8443/")]
)
def test_redirects_are_to_the_port_of_the_gateway(ports: tuple[str, ...], location: str) -> None:
    assert (
        f"308 redirect to https://{location}\n" in run("explain", "http://demo.kubesre.com/", "-f", SEED, *ports).output
    )


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (
            ("demo.kubesre.com/helloworld.Greeter/SayHello",),
            "refused: no certificate for demo.kubesre.com",
        ),
        (("http://demo.kubesre.com/x",), "308 redirect to https://demo.kubesre.com/x"),
        (("grpc://demo.kubesre.com/helloworld.Greeter/SayHello",), "(grpc-status 7)"),
        (("http://ws.kubesre.com/",), "503 no healthy upstream"),
        (("POST", "http://nobody.test/"), "404 no route for this host"),
    ],
)
def test_explain_answers(words: tuple[str, ...], answer: str) -> None:
    assert run("explain", *words, "-f", SEED).output.splitlines()[-1].endswith(answer)


def test_explain_a_websocket() -> None:
    headers = ("-H", "Upgrade: websocket", "-H", "Connection: Upgrade", "--endpoint", "default/demo-ws-svc=127.0.0.1:1")
    said = run("explain", "GET", "http://ws.kubesre.com/", *headers, "-f", SEED).output
    assert said.splitlines()[-1] == "answer       the backend's, as a WebSocket"
    assert run("explain", "ws://ws.kubesre.com/", *headers[4:], "-f", SEED).output == said


def test_explain_as_json() -> None:
    steps = json.loads(run("explain", "http://ws.kubesre.com/", "-f", SEED, "-o", "json").stdout)["steps"]
    assert [step["step"] for step in steps] == [
        "listener",
        "host",
        "rule",
        "filters",
        "policy",
        "cluster",
        "endpoints",
        "note",
        "answer",
    ]


@pytest.mark.parametrize(
    "words",
    [("ftp://a/",), ("http://",), ("a", "b", "c"), ("http://a/", "GET"), ("http://[::1",), ("http://a/", "-H", "x")],
)
def test_explain_refuses_what_is_no_request(words: tuple[str, ...]) -> None:
    result = run("explain", *words, "-f", SEED)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


# routes, translate, version, completion


def test_routes_as_table_and_json() -> None:
    table = run("routes", "-f", SEED, "-o", "wide").stdout.splitlines()
    assert table[0].split() == ["LISTENER", "HOST", "PATH", "PROTOCOL", "ENDPOINTS", "BACKEND", "FROM"]
    found = json.loads(run("routes", "-f", SEED, "-o", "json").stdout)["routes"]
    assert len(found) == len(table) - 1
    assert {"https", "http"} == {row["listener"] for row in found}


def test_routes_say_who_takes_a_share_and_under_what_condition() -> None:
    found = json.loads(run("routes", "-f", "-", "-o", "json", stdin=SHARED).stdout)["routes"]
    assert [(row["path"], row["backend"]) for row in found] == [
        ("/* (header x-canary=always)", "default/next:80"),
        ("/* (header x-canary=never)", "default/web:80"),
        ("/*", "default/web:80 80%, default/next:80 20%"),
    ]


def test_translate_prints_what_envoy_gets() -> None:
    found = yaml.safe_load(run("translate", "-f", SEED, "--to", "xds").stdout)
    assert list(found) == ["Cluster", "ClusterLoadAssignment", "Listener", "ScopedRouteConfiguration"]
    assert {each["name"] for each in found["Cluster"]} == {
        "default/grpc-service/50051/h2",
        "default/demo-ws-svc/8080/http1",
    }


@pytest.mark.parametrize("form", ["ir", "xds"])
def test_translate_to_json_says_the_same(form: str) -> None:
    words = ("translate", "-f", SEED, "--to", form)
    assert json.loads(run(*words, "-o", "json").stdout) == yaml.safe_load(run(*words).stdout)


def test_version_names_envoy() -> None:
    found = json.loads(run("version", "-o", "json").stdout)
    assert found["isthmus"] == __version__
    assert found["envoy"].startswith("1.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    said = run("completion", shell).output
    assert "_ISTHMUS_COMPLETE" in said
    assert (shell == "fish") == ('string split --max 1 "," $completion' in said)


def test_shells_are_offered_verbs_with_their_whole_descriptions() -> None:
    found = isthmus.shell_complete(click.Context(isthmus), "c")
    assert [(each.value, each.help) for each in found] == [(v, VERBS[v]) for v in VERBS if v.startswith("c")]
    assert "--version" in [each.value for each in isthmus.shell_complete(click.Context(isthmus), "--")]


def test_the_neutral_form_shows_no_password(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    note = "nginx.ingress.kubernetes.io/auth"
    file.write_text(f"""apiVersion: v1
kind: Secret
metadata: {{name: users}}
stringData: {{auth: 'user:{{SHA}}nU4eI71bcnBGqeO0t9tXvY1u5oQ='}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web, annotations: {{{note}-type: basic, {note}-secret: users}}}}
spec:
  ingressClassName: nginx
  rules:
    - host: a.test
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}
""")
    for form in ("ir", "xds"):
        result = run("translate", "--to", form, "-f", str(file))
        assert result.exit_code == 0
        assert "nU4eI71bcnBGqeO0t9tXvY1u5oQ" not in result.stdout
    assert "private characters" in run("translate", "--to", "ir", "-f", str(file)).stdout


def test_the_help_of_run_has_every_option_in_a_group() -> None:
    said = run("run", "--help").output
    groups = re.findall(r"^(\w.*):$", said, re.MULTILINE)
    assert groups == [
        "Manifests",
        "Servers (HOST:PORT)",
        "Schemas of servers",
        "APIs of servers",
        "Listening",
        "Process",
    ]
    command = isthmus.get_command(click.Context(isthmus), "run")
    flags = [each.opts[-1] for each in command.params if isinstance(each, click.Option)]
    assert not [flag for flag in flags if len(re.findall(rf"^  (?:-\w, )?{flag}\b(?!-)", said, re.MULTILINE)) != 1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("run", "a:1", "--http-port", "x"), "expected a whole number from 1 to 65535, found x"),
        (("run", "a:1", "--access-log", "/nowhere/log"), "--access-log /nowhere/log: No such file or directory"),
        (("run", "a:1", "--http-port", "65536"), "expected a whole number from 1 to 65535, found 65536"),
        (("run", "a:1", "--drain-seconds", "nan"), "expected a number from 0 to 3600, found nan"),
        (("call", "--max-time", "inf", "a:1"), "expected a number of 0 or more, found inf"),
        (("call", "--max-msg-sz", "-1", "a:1"), "expected a whole number of 0 or more, found -1"),
        (("compare", "--rate", "0", "x"), "expected a number more than 0, found 0"),
    ],
)
def test_numbers_out_of_range_are_told_in_words(words: tuple[str, ...], expected: str) -> None:
    result = run(*words)
    assert (result.exit_code, expected in result.output) == (2, True), result.output


def _said_of(key: str, value: str) -> str:
    stdin = INGRESS.format(name="web", notes=f'{N}{key}: "{value}"', path="/")
    return run("check", "-f", "-", "--endpoint", "default/web:80=127.0.0.1:1", stdin=stdin).output


@pytest.mark.parametrize("key", ["permanent-redirect", "ssl-redirect", "proxy-body-size", "fastcgi-index", "affinity"])
@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_annotation_is_as_if_absent(key: str, value: str) -> None:
    assert "ISTH" not in _said_of(key, value)
    stdin = INGRESS.format(name="web", notes=f"{N}{key}: '{value}'", path="/")
    assert "it asks for nothing" in run("migrate", "-f", "-", stdin=stdin).output


@pytest.mark.parametrize("key", ["whitelist-source-range", "auth-type", "limit-rps", "auth-tls-secret"])
def test_an_empty_restriction_closes_its_paths(key: str) -> None:
    assert f"error ISTH0124: {N}{key} is empty, expected" in _said_of(key, "")


def test_a_size_of_bodies_in_the_words_of_another_controller_is_told() -> None:
    assert f"now {N}proxy-body-size" in _said_of("client-max-body-size", "8m")
    stdin = INGRESS.format(name="web", notes=f"{N}client-max-body-size: 8m", path="/")
    moved = run("migrate", "-f", "-", "--to", "ingress", stdin=stdin)
    assert f"{N}client-max-body-size: 8m" in moved.stdout  # it limits nothing today: for its author to decide
    assert f"write {N}proxy-body-size" in moved.stderr


@pytest.mark.parametrize(("verb", "named"), [("run", False), ("run", True), ("check", False)])
def test_what_is_waited_for_is_said(tmp_path: Path, verb: str, named: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = [sys.executable, "-m", "isthmus", verb, "-f", str(pipe) if named else "-"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        said = running.stderr.readline()
        running.send_signal(signal.SIGINT)
        rest = running.communicate(timeout=60)[1]
    assert said == f"waiting for manifests from {pipe if named else 'standard input'}\n"
    assert (running.returncode, rest) == (130, "")


GIVEN = INGRESS.format(name="web", notes="", path="/").partition("---")[0]  # an Ingress without its Service


@pytest.mark.parametrize("given", ["default/web:80", "default/web"])
def test_addresses_that_are_given_need_no_service(given: str) -> None:
    words = ("-f", "-", "--endpoint", f"{given}=127.0.0.1:3000")
    checked = run("check", *words, stdin=GIVEN)
    assert checked.exit_code == 0
    assert re.findall(r"ISTH\d+", checked.output) == ["ISTH0061"]
    assert "endpoints    127.0.0.1:3000" in run("explain", "http://a.test/", *words, stdin=GIVEN).output


@pytest.mark.parametrize(
    ("given", "text"),
    [("default/web:81", GIVEN), ("other/web:80", GIVEN), ("default/web", GIVEN.replace("number: 80", "name: http"))],
)
def test_without_a_service_addresses_are_for_the_port_that_a_path_numbers(given: str, text: str) -> None:
    words = ("-f", "-", "--endpoint", f"{given}=127.0.0.1:3000")
    assert {"ISTH0050", "ISTH0058"} <= set(re.findall(r"ISTH\d+", run("check", *words, stdin=text).output))
    said = run("explain", "http://a.test/", *words, stdin=text).output
    assert "answer       503 there is no Service default/web" in said


@pytest.mark.parametrize(
    ("url", "written"),
    [("http://a.test/a b", "a%20b"), ("http://a.test/a\tb", "a%09b"), ("http://a.test/ü", "%C3%BC")],
)
def test_a_url_that_no_request_can_hold_is_refused(url: str, written: str) -> None:
    result = run("explain", url, "-f", SEED)
    assert result.exit_code == 2
    assert f"Envoy answers 400 Bad Request; write /{written}\n" in result.output
    assert "400 Bad Request" not in run("explain", 'http://a.test/"<>%20', "-f", SEED).output
