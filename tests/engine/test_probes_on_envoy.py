"""Every hand-written probe on a real gateway with a real Envoy."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateways import Gateway, greeters, http_echoes, websocket_echoes
from probe_cases import CASES, location_of, manifests, probes, request_of, services

GRPC_SERVICES = {"default/grpc-service"}
SOCKET_SERVICES = {"default/demo-ws-svc", "default/good"}


@pytest.fixture(scope="module", params=CASES)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Gateway]]:
    case = request.param
    file: Path = tmp_path_factory.mktemp(case) / "all.yaml"
    file.write_text(manifests(case))
    every = set(services(case))
    with contextlib.ExitStack() as stack:
        addresses = stack.enter_context(http_echoes(*sorted(every - GRPC_SERVICES - SOCKET_SERVICES)))
        addresses |= stack.enter_context(greeters(*sorted(every & GRPC_SERVICES)))
        addresses |= stack.enter_context(websocket_echoes(*sorted(every & SOCKET_SERVICES)))
        endpoints = {service: [address] for service, address in addresses.items()}
        yield case, stack.enter_context(Gateway([file], endpoints))


def test_probes(running: tuple[str, Gateway], subtests: pytest.Subtests) -> None:
    case, gateway = running
    for probe in probes(case):
        with subtests.test(probe["ask"]):
            _probe(gateway, probe)


def _probe(gateway: Gateway, probe: dict[str, Any]) -> None:
    asked = request_of(probe)
    options = {"method": asked.method, "headers": dict(asked.headers), "sni": asked.sni}
    options["tls"] = asked.listener == "https"
    if asked.websocket:
        options["headers"] |= {"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13"}
    if "handshake" in probe:
        with pytest.raises(ssl.SSLError, match="handshake"):
            gateway.get(asked.host, asked.path, **options)
        return
    answer = gateway.get(asked.host, asked.path, **options)
    if "backend" in probe:
        _reached(answer, probe["backend"], asked.websocket)
        if "sees" in probe:
            seen = json.loads(answer.body)
            assert seen["path"] + (f"?{seen['query']}" if seen["query"] else "") == probe["sees"]
    elif "grpc" in probe:
        assert (answer.status, answer.headers["grpc-status"]) == (200, str(probe["grpc"]))
    else:
        assert answer.status == probe["status"], answer.body
        assert (answer.headers["location"] or "") == location_of(probe, gateway.http_port, gateway.https_port)


def _reached(answer: Any, backend: str, websocket: bool) -> None:
    if websocket:
        assert answer.status == 101
    elif backend in GRPC_SERVICES:
        assert answer.headers["content-type"] == "application/grpc"
        assert answer.status == 200
    else:
        assert (answer.status, answer.replica) == (200, backend), answer.body
