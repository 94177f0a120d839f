"""`isthmus run HOST:PORT`: servers that come late, restart, speak TLS, share a port, or cannot be used at all."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from gateways import SECONDS, Gateway, ask_with_body, free_ports, greeters

from isthmus.edge import pki
from isthmus.edge.upstreams import greeter, http_echo

HELLO = "/helloworld.Greeter/SayHello"
QUIET = ("--explorer-port", "0")


def hello(gateway: Gateway) -> dict[str, str]:
    answer = ask_with_body(
        gateway.http_port, "any.test", HELLO, b'{"name": "Ada"}', {"content-type": "application/json"}
    )
    found: dict[str, str] = json.loads(answer.body)
    return found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    http, https = free_ports(2)
    command = [sys.executable, "-m", "isthmus", "run", "--http-port", str(http), "--https-port", str(https), *QUIET]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)


def test_a_server_that_comes_late_is_waited_for():
    (port,) = free_ports(1)
    gateway = Gateway([], {}, f"localhost:{port}", *QUIET)
    try:
        assert "refused" in gateway.wait("waiting", server=f"localhost:{port}")["message"]
        server = greeter.start(port=port, replica="late")
        with contextlib.closing(contextlib.ExitStack()) as stack:
            stack.callback(server.stop)
            gateway.wait("ready")
            assert hello(gateway)["servedBy"] == "late"
    finally:
        assert gateway.stop() == 0


def test_a_restarted_server_is_asked_again_and_the_last_schema_stays_meanwhile():
    (port,) = free_ports(1)
    server = greeter.start(port=port, replica="first")
    with Gateway([], {}, f"127.0.0.1:{port}", *QUIET) as gateway:
        digest = gateway.wait_for_api()["schema"]
        server.stop()
        assert gateway.wait("api", state="unreachable")["schema"] == digest
        second = greeter.start(port=port, replica="second")
        try:
            back = gateway.wait_for_api()
            assert (back["schema"], back["failing"]) == (digest, "")
            assert hello(gateway)["servedBy"] == "second"
        finally:
            second.stop()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("tls")
    root = pki.authority("Test CA")
    pair = pki.leaf(root, ["localhost"])
    files = {"ca": root.cert_pem, "cert": pair.cert_pem, "key": pair.key_pem}
    for name, body in files.items():
        (folder / name).write_bytes(body)
    return {name: str(folder / name) for name in files}


@pytest.mark.parametrize("how", ["--cacert", "--insecure"])
def test_tls_is_found_out(tls, how):
    server = greeter.start(tls=(tls["cert"], tls["key"]))
    port = server.address.rpartition(":")[2]
    options = ("--cacert", tls["ca"]) if how == "--cacert" else ("--insecure",)
    try:
        with Gateway([], {}, f"localhost:{port}", *options, *QUIET) as gateway:
            assert hello(gateway)["message"] == "Hello Ada"
    finally:
        server.stop()


def test_a_certificate_that_nobody_vouches_for_is_refused(tls):
    server = greeter.start(tls=(tls["cert"], tls["key"]))
    port = server.address.rpartition(":")[2]
    try:
        with Gateway([], {}, f"localhost:{port}", *QUIET) as gateway:
            (told,) = [event for event in gateway.events if event["event"] == "api" and event["failing"]]
            assert (told["state"], "unable to get local issuer" in told["failing"]) == ("tls", True)
            answer = ask_with_body(gateway.http_port, "any.test", HELLO, b"", {"content-type": "application/grpc"})
            assert answer.headers["grpc-status"] == "14"
    finally:
        server.stop()


def test_the_help_for_a_certificate_names_the_options_of_this_command(tls):
    server = greeter.start(tls=(tls["cert"], tls["key"]))
    http, https = free_ports(2)
    command = [sys.executable, "-m", "isthmus", "run", server.address.replace("127.0.0.1", "localhost"), *QUIET]
    ports = ("--http-port", str(http), "--https-port", str(https))
    ran = subprocess.Popen([*command, *ports], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert ran.stdout is not None
        said = "".join(
            iter(ran.stdout.readline, f"no server can be used yet; the gateway is on http://127.0.0.1:{http}\n")
        )
        assert "local issuer certificate; give --cacert FILE, --server-name NAME or --insecure\n" in said
    finally:
        ran.send_signal(signal.SIGINT)
        ran.communicate(timeout=SECONDS)
        server.stop()


def test_several_servers_share_a_port_and_a_clash_is_said():
    with greeters("one", "two") as servers, Gateway([], {}, *servers.values(), *QUIET) as gateway:
        assert hello(gateway)["servedBy"] == "one"
        assert "ISTH0060" in gateway.diagnostics()


BAD = {
    "neither": ((), 2, "expected either HOST:PORT"),
    "no port": (("localhost",), 2, "expected HOST:PORT"),
    "bad port": (("localhost:99999",), 2, "a port is between 1 and 65535"),
    "two in one": (("localhost:1,localhost:2",), 2, "several servers are arguments of their own"),
    "a path": (("unix:/tmp/x:1",), 2, "expected HOST:PORT"),
    "contradiction": (("localhost:1", "--plaintext", "--insecure"), 2, "contradict"),
    "bad time": (("localhost:1", "--wait", "soon"), 2, "no time"),
    "never up": (("127.0.0.1:1", "--wait", "300ms"), 3, "connection refused"),
    "twice": (("localhost:1", ":1"), 2, "localhost:1 is named twice"),
    "one port for two": (("localhost:1", "--explorer-port", "8443", "--http-port", "8443"), 2, "are both 8443"),
    "of servers": (("-f", ".", "--plaintext"), 2, "--plaintext is about servers that are given as HOST:PORT"),
    "in an annotation": (("-f", ".", "--origin", "https://a.test"), 2, "isthmus.dev/transcode-origins says it there"),
    "of manifests": (("localhost:1", "--endpoint", "a/b=127.0.0.1:1"), 2, "--endpoint is about manifests (-f)"),
    "no configuration": (("-c", "/nope.toml"), 2, "/nope.toml: no such file"),
    "origin without a scheme": (("localhost:1", "--origin", "a.test"), 2, "did you mean https://a.test?"),
    "origin with a path": (("localhost:1", "--origin", "http://a.test:3/x"), 2, "did you mean http://a.test:3?"),
    "no header's name": (("localhost:1", "--header", "a: b"), 2, "expected a header's name"),
    "no schema": (("localhost:1", "--protoset", __file__), 2, "is no FileDescriptorSet"),
    "no proto": (("localhost:1", "--proto", "nope.proto"), 2, "nope.proto: no such file"),
    "no mapping": (("localhost:1", "--mapping", "/nope.yaml"), 2, "does not exist"),
}


@pytest.mark.parametrize(("arguments", "code", "says"), BAD.values(), ids=BAD)
def test_bad_arguments_are_said(arguments, code, says):
    ran = run(*arguments)
    assert ran.returncode == code, ran.stderr
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_mapping_file_with_a_mistake_is_named_before_anything_starts(tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text("http:\n  rules:\n    - selector: library.v1.LibraryService.Ping\n      gett: /v1/ping\n")
    ran = run("127.0.0.1:1", "--mapping", str(file))
    assert (ran.returncode, f"{file}:4:7" in ran.stderr, ran.stdout) == (2, True, "")


def test_a_server_that_is_waited_for_is_named_once_in_a_while():
    assert run("127.0.0.1:1", "--wait", "900ms").stderr.count("waiting for 127.0.0.1:1: connection refused") == 1


def test_mix_ups_are_named_at_once(tls):
    server = greeter.start(tls=(tls["cert"], tls["key"]))
    plain = greeter.start()
    web = http_echo.start()
    try:
        assert "it speaks TLS" in run("--plaintext", server.address).stderr
        assert "it speaks cleartext" in run("--insecure", plain.address).stderr
        assert "HTTP/1.1" in run(web.address).stderr
    finally:
        for each in (server, plain, web):
            each.stop()


def test_a_server_that_says_nothing_is_named():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ran = run(f"127.0.0.1:{silent.getsockname()[1]}", "--wait", "300ms")
    assert (ran.returncode, "said nothing" in ran.stderr) == (3, True)


def test_interrupted_while_it_waits():
    (port,) = free_ports(1)
    gateway = Gateway([], {}, f"localhost:{port}", *QUIET)
    gateway.wait("waiting")
    assert gateway.stop(signal.SIGINT) in (0, 130)
