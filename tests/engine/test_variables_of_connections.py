"""Variables about the connection and the endpoint, as a real Envoy fills them in snippets."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping

import pytest
from gateways import Gateway, http_echoes

from isthmus.edge import pki

AUTHORITY = pki.authority("Test CA")
ASKED = {
    "version": "$ssl_protocol",
    "cipher": "$ssl_cipher",
    "name": "$ssl_server_name",
    "port": "$remote_port",
    "address": "$server_addr",
    "connection": "$connection",
    "time": "$time_iso8601",
    "seconds": "$msec",
    "before": "$upstream_addr",
    "print": "$ssl_client_fingerprint",
}
MANIFEST = """apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/ssl-redirect: "false"
    nginx.ingress.kubernetes.io/configuration-snippet: "{snippet}"
spec:
  ingressClassName: nginx
  tls: [{{hosts: [a.test], secretName: pair}}]
  rules:
    - host: a.test
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}
---
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, str]]:
    file = tmp_path_factory.mktemp("variables") / "all.yaml"
    snippet = "".join(f"proxy_set_header X-{name} {value};" for name, value in ASKED.items())
    text = MANIFEST.format(snippet=f"{snippet} add_header X-Answered-By $upstream_addr;")
    file.write_text(text + pki.secret_manifest("default", "pair", pki.leaf(AUTHORITY, ["a.test"])))
    with http_echoes("web") as echoes, Gateway([file], {"default/web": [echoes["web"]]}) as running:
        yield running, echoes["web"]


def told(gateway: Gateway, tls: bool) -> Mapping[str, str]:
    answer = gateway.get("a.test", "/", tls=tls)
    found = {name.lower(): value for name, value in json.loads(answer.body)["headers"]}
    return {name: found[f"x-{name}"] for name in ASKED if f"x-{name}" in found}


def test_over_tls(gateway: tuple[Gateway, str]) -> None:
    found = told(gateway[0], tls=True)
    assert (found["version"], found["name"], found["address"]) == ("TLSv1.3", "a.test", "127.0.0.1")
    assert re.fullmatch(r"TLS_(AES|CHACHA20)_[A-Z0-9_]+", found["cipher"])
    assert int(found["port"]) > 0
    assert int(found["connection"]) >= 0
    at = datetime.datetime.fromisoformat(found["time"])
    assert at.utcoffset() == datetime.timedelta(0)
    assert 0 <= float(found["seconds"]) - at.timestamp() < 2
    assert "before" not in found
    assert "print" not in found


def test_in_clear(gateway: tuple[Gateway, str]) -> None:
    found = told(gateway[0], tls=False)
    assert not {"version", "cipher", "name", "print", "before"} & found.keys()
    assert found["address"] == "127.0.0.1"


def test_answers_tell_who_gave_them(gateway: tuple[Gateway, str]) -> None:
    assert gateway[0].get("a.test", "/").headers["x-answered-by"] == gateway[1]
