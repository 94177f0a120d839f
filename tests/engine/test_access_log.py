"""The log of requests: what stands in it, and what is kept out."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from gateways import Gateway, ask_with_body, greeters, http_echoes

from isthmus.replay.json_line import parse_json_line
from isthmus.replay.request import Recorded

MANIFESTS = """apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: greeter, annotations: {isthmus.dev/transcode: "true"}}
spec: {ports: [{port: 80, appProtocol: grpc}]}
"""
INGRESS = """---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{{annotations}}}}}
spec:
  ingressClassName: nginx
  rules:
  - host: {name}.test
    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}]}}
"""
QUIET = 'nginx.ingress.kubernetes.io/enable-access-log: "false"'
TEXT = MANIFESTS + "".join(
    INGRESS.format(name=name, service=service, annotations=annotations)
    for name, service, annotations in (
        ("loud", "echo", ""),
        ("quiet", "echo", QUIET),
        ("api", "greeter", ""),
        ("quiet-api", "greeter", QUIET),
    )
)
GREET = "/helloworld.Greeter/SayHello"


def lines(log: Path, last: str) -> list[dict[str, object]]:
    """What is written, once a line for that path is."""
    while True:
        found = [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        if any(line.get("path") == last for line in found):
            return found


def test_requests_are_written_down_but_those_that_shall_not_be(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(TEXT)
    log = tmp_path / "requests.jsonl"
    with http_echoes("echo") as echoes, greeters("greeter") as servers:
        addresses = {"default/echo:80": [echoes["echo"]], "default/greeter:80": [servers["greeter"]]}
        with Gateway([tmp_path / "all.yaml"], addresses, "--access-log", str(log)) as gateway:
            gateway.wait_for_routes_of_api()
            for host in ("quiet.test", "loud.test"):
                assert gateway.get(host, f"/{host}?a=b", headers={"user-agent": "tester"}).status == 200
            for host in ("quiet-api.test", "api.test"):
                said = {"content-type": "application/json"}
                assert ask_with_body(gateway.http_port, host, GREET, b"{}", said).status == 200
            assert gateway.get("nobody.test", "/nobody").status == 404
            with socket.create_connection(("127.0.0.1", gateway.http_port)) as broken:
                broken.sendall(b"GET /broken HTTP/1.1\r\nhost: loud.test\r\nbad_name: x\r\n\r\n")
                assert broken.recv(12) == b"HTTP/1.1 400"
            assert gateway.get("loud.test", "/last").status == 200
            written = lines(log, "/last")
    assert [(line.get("host"), line.get("path"), line["status"]) for line in written] == [
        ("loud.test", "/loud.test?a=b", 200),
        ("api.test", GREET, 200),
        ("nobody.test", "/nobody", 404),
        (None, None, 400),  # refused before anything of it was taken
        ("loud.test", "/last", 200),
    ]
    first = written[0]
    assert [first[name] for name in ("client", "method", "protocol")] == ["127.0.0.1", "GET", "HTTP/1.1"]
    assert first["user_agent"] == "tester"
    assert {"time", "duration_ms", "bytes_sent", "route", "cluster", "endpoint", "details"} <= first.keys()
    recorded = parse_json_line(json.dumps(first).encode())
    assert isinstance(recorded, Recorded)
    assert (recorded.method, recorded.host, recorded.target) == ("GET", "loud.test", "/loud.test?a=b")
