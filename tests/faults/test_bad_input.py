"""Bad input to a running gateway: it is named, it spoils only itself, and the neighbour goes on being served."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import Gateway, free_ports, http_echoes, save
from manifests import codes, pipeline

from isthmus.kube.objects import (
    Ingress,
    IngressBackend,
    IngressHttp,
    IngressPath,
    IngressRule,
    IngressSpec,
    Meta,
    ServiceBackend,
    ServiceBackendPort,
)

GOOD = """
apiVersion: v1
kind: Service
metadata: {name: good}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: good}
spec:
  ingressClassName: nginx
  rules:
    - host: good.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: good, port: {number: 80}}}}]}
"""
BAD = GOOD.partition("---")[2].replace("name: good}\nspec:", "name: bad}\nspec:").replace("good.test", "bad.test")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Path]]:
    folder = tmp_path_factory.mktemp("bad-input")
    (folder / "good.yaml").write_text(GOOD)
    with http_echoes("good") as addresses, Gateway([folder], {"default/good": list(addresses.values())}) as gateway:
        yield gateway, folder


CASES = {
    "broken YAML": ("spec: [", "ISTH0001"),
    "duplicate key": (BAD.replace("spec:\n", "kind: Ingress\nspec:\n"), "ISTH0002"),
    "no object": ("just: yaml", "ISTH0003"),
    "old version": (BAD.replace("networking.k8s.io/v1", "networking.k8s.io/v1beta1"), "ISTH0004"),
    "wrong type": (BAD.replace("number: 80", "number: eighty"), "ISTH0005"),
    "unquoted annotation": (BAD.replace("{name: bad}", "{name: bad, annotations: {a/b: 60}}"), "ISTH0005"),
    "control characters in a name": (BAD.replace("{name: bad}", '{name: "b\\u0007ad\\n"}'), "ISTH0010"),
    "unknown class": (BAD.replace("ingressClassName: nginx", "ingressClassName: other"), "ISTH0102"),
    "missing Service": (BAD.replace("service: {name: good", "service: {name: nobody"), "ISTH0050"),
    "missing port": (BAD.replace("number: 80", "number: 81"), "ISTH0051"),
    "missing Secret": (BAD.replace("  rules:", "  tls: [{hosts: [bad.test], secretName: none}]\n  rules:"), "ISTH0130"),
    "no host name": (BAD.replace("bad.test", '"bad\\ttest"'), "ISTH0106"),
    "control characters in a path": (BAD.replace("path: /,", 'path: "/\\r\\nx",'), "ISTH0107"),
    "restricting annotation": (
        BAD.replace("{name: bad}", "{name: bad, annotations: {nginx.ingress.kubernetes.io/auth-type: basic}}"),
        "ISTH0123",
    ),
    "a regular expression that would explode": (
        BAD.replace("path: /,", r'path: "/(a+)+(?!b)",').replace(
            "{name: bad}", '{name: bad, annotations: {nginx.ingress.kubernetes.io/use-regex: "true"}}'
        ),
        "ISTH0144",
    ),
}


@pytest.mark.parametrize(("text", "code"), CASES.values(), ids=CASES)
def test_it_is_named_and_the_neighbour_is_served(running: tuple[Gateway, Path], text: str, code: str) -> None:
    gateway, folder = running
    file = folder / "bad.yaml"
    save(file, text)
    found = gateway.wait("diagnostic", code=code)
    assert found["file"] == str(file)
    assert found["line"] > 0
    assert found["help"]
    assert gateway.get("good.test").replica == "good"
    file.unlink()
    gateway.wait("resolved", code=code)


def test_an_annotation_of_a_megabyte(running: tuple[Gateway, Path]) -> None:
    gateway, folder = running
    file = folder / "bad.yaml"
    huge = "x" * 1_000_000
    save(file, BAD.replace("{name: bad}", f"{{name: bad, annotations: {{nginx.org/x: {huge}}}}}"))
    found = gateway.wait("diagnostic")
    assert len(found["message"]) < 500
    assert gateway.get("good.test").replica == "good"
    file.unlink()
    gateway.wait("resolved")


def test_ten_thousand_hosts_in_one_object() -> None:
    backend = IngressBackend(ServiceBackend("none", ServiceBackendPort(number=80)))
    rules = tuple(
        IngressRule(f"h{number}.test", IngressHttp((IngressPath(backend, "/", "Prefix"),))) for number in range(10_000)
    )
    started = time.process_time()
    update = pipeline().apply([Ingress(metadata=Meta("big", "default"), spec=IngressSpec("nginx", rules=rules))])
    assert len(update.changes) == 20_000  # each is known to both listeners
    assert codes(update.found) == ["ISTH0050"]
    assert time.process_time() - started < 60  # linear: about a second; quadratic would be minutes


def isthmus(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "isthmus", *words], capture_output=True, text=True, timeout=30)


def test_two_gateways_on_one_port(running: tuple[Gateway, Path]) -> None:
    gateway, folder = running
    other, _ = free_ports(2)
    second = isthmus("run", "-f", str(folder), "--http-port", str(gateway.http_port), "--https-port", str(other))
    assert second.returncode == 3
    assert f"127.0.0.1:{gateway.http_port} is already in use" in second.stderr
    assert "--http-port" in second.stderr
    assert gateway.get("good.test").replica == "good"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("-f", "/nowhere"), 2, "/nowhere: no such file or folder"),
        ((), 2, "expected either HOST:PORT of a gRPC server or manifests with -f; found neither"),
        (("-f", "/tmp", "--endpoint", "x"), 2, "--endpoint x"),
        (("-f", "/tmp", "--bind", "not-an-address"), 3, "'not-an-address' is not an IP address"),
        (("-f", "/tmp", "--envoy", "/bin/nowhere"), 3, "/bin/nowhere"),
        (("-f", "/tmp", "--http-port", "99999"), 2, "--http-port"),
        (("-f", "/tmp", "--http-port", "9081", "--https-port", "9081"), 2, "are both 9081"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_run_refuses_clearly(words: tuple[str, ...], code: int, said: str) -> None:
    result = isthmus("run", *words)
    assert (result.returncode, said in result.stderr) == (code, True), result.stderr
    assert "Traceback" not in result.stderr


def test_an_envoy_that_cannot_start(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    broken = tmp_path / "envoy"
    broken.write_text("#!/bin/sh\necho 'critical: this is no Envoy' >&2\nexit 1\n")
    broken.chmod(0o755)
    http, https = map(str, free_ports(2))
    run = isthmus("run", "-f", str(tmp_path), "--envoy", str(broken), "--http-port", http, "--https-port", https)
    assert run.returncode == 3
    assert "Envoy cannot serve (exit code 1)" in run.stderr
    assert "this is no Envoy" in run.stderr
