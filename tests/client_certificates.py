"""Requests by clients that show certificates, and the manifests of hosts that ask for them."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml
from gateways import SECONDS, Answer, trusting

from isthmus.edge import pki

SERVERS = pki.authority("Servers")
CLIENTS = pki.authority("Clients")
STRANGERS = pki.authority("Strangers")


def handshake(port: int, sni: str, shown: pki.Pair | None = None, ciphers: str = "") -> ssl.SSLSocket:
    """A connection over TLS to the loopback address; with `ciphers` (OpenSSL's names) it is TLS 1.2."""
    context = trusting(SERVERS.cert_pem)
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    if shown is not None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pair.pem"
            file.write_bytes(shown.cert_pem + shown.key_pem)
            context.load_cert_chain(file)
    plain = socket.create_connection(("127.0.0.1", port), SECONDS)
    try:
        return context.wrap_socket(plain, server_hostname=sni)
    except BaseException:
        plain.close()
        raise


def over(connection: ssl.SSLSocket, host: str, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
    """One request over a connection, which stays open."""
    client = http.client.HTTPConnection("127.0.0.1", timeout=SECONDS)
    client.sock = connection
    client.request("GET", path, headers={"Host": host, **(headers or {})})
    return Answer(client.getresponse())


def ask(port: int, host: str, shown: pki.Pair | None = None, path: str = "/", **options: object) -> Answer:
    """One request on a connection of its own. Options: sni, headers."""
    sni, headers = options.get("sni", host), options.get("headers")
    assert isinstance(sni, str)
    with handshake(port, sni, shown) as connection:
        return over(connection, host, path, headers if isinstance(headers, Mapping) else None)


def authorities_secret(name: str, **data: bytes) -> str:
    """A Secret, as YAML; `_` in keys is a dot: ca_crt, ca_crl."""
    encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded})


def ingress(name: str, host: str, annotations: Mapping[str, str], **more: str) -> str:
    """An Ingress for `/` (or `path`) of a host with TLS that leads to the Service `web` (or `service`), as YAML."""
    path = {
        "path": more.get("path", "/"),
        "pathType": "Prefix",
        "backend": {"service": {"name": more.get("service", "web"), "port": {"number": 80}}},
    }
    keys = {f"nginx.ingress.kubernetes.io/{key}": value for key, value in annotations.items()}
    meta = {"name": name, "annotations": keys, "creationTimestamp": more.get("created", "2026-01-01T00:00:00Z")}
    spec: dict[str, object] = {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [path]}}]}
    if more.get("tls", "yes"):
        spec["tls"] = [{"hosts": [host], "secretName": "pair"}]
    return yaml.safe_dump({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": spec})


def service(name: str = "web") -> str:
    """A Service with the port 80."""
    return yaml.safe_dump(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}
    )
