"""The name in a client's certificate, judged by a real Envoy: RE2, found anywhere in the subject."""

from __future__ import annotations

import datetime
import http.client
import json
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from gateways import free_ports

from isthmus.edge import pki
from isthmus.edge.envoy_process import envoy_argv, find_envoy
from isthmus.edge.runtime_dir import sockets_in
from isthmus.ir.action import Respond
from isthmus.ir.authorization import Authorization
from isthmus.ir.host import Origin, Route
from isthmus.ir.listener import Listener
from isthmus.ir.match import Match, Prefix
from isthmus.ir.policy import Policy
from isthmus.kube.refs import ObjectRef
from isthmus.xds import api
from isthmus.xds.bootstrap import bootstrap
from isthmus.xds.listeners import Edge, emit_listener
from isthmus.xds.route import emit_route

ORIGIN = Origin(ObjectRef("Ingress", "n", "i"))
PATTERNS = {
    "/any": ".*",
    "/ann": "CN=ann",
    "/exact": "^CN=ann,O=Shop$",
    "/empty": "^$",
    "/either": "CN=(bob|ann)",
    "/bob": "CN=bob",
    "/anchored": "^ann$",
    "/quoted": "CN=nobody' or true or 'x",
    "/slow": "(n+)*$",
}
LET_IN = {"/any", "/ann", "/either", "/slow"}
WITHOUT = {"/any", "/empty", "/slow"}  # whose patterns match nothing at all, as in nginx


class World:
    """Envoy over TLS that takes certificates of one authority and goes without one too."""

    def __init__(self, folder: Path) -> None:
        self.root = pki.authority("Root")
        (self.port,) = free_ports(1)
        self.folder = folder
        file = folder / "envoy.json"
        runtime = bootstrap(sockets_in(folder), "test", 1 << 30)["layered_runtime"]
        static = {"listeners": [self._listener()]}
        file.write_text(json.dumps({"static_resources": static, "layered_runtime": runtime}))
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(envoy_argv(find_envoy(), file, 1), stderr=self.log)

    def _listener(self) -> dict[str, object]:
        listener = api.Listener.FromString(emit_listener(Listener("http", "127.0.0.1", self.port), Edge()).body)
        chain = listener.filter_chains[0]
        manager = api.HttpConnectionManager.FromString(chain.filters[-1].typed_config.value)
        manager.ClearField("scoped_routes")
        host = manager.route_config.virtual_hosts.add(name="all", domains=["*"])
        for path, pattern in PATTERNS.items():
            policy = Policy(authorization=Authorization("n/i", common_name=pattern))
            host.routes.append(emit_route(Route(Match(Prefix(path)), Respond(200, "in"), ORIGIN, policy)))
        chain.filters[-1].typed_config.CopyFrom(api.pack(manager))
        pair = pki.leaf(self.root, ["policy.test"])
        context = api.DownstreamTlsContext()
        ours = context.common_tls_context.tls_certificates.add()
        ours.certificate_chain.inline_bytes, ours.private_key.inline_bytes = pair.cert_pem, pair.key_pem
        context.common_tls_context.validation_context.trusted_ca.inline_bytes = self.root.cert_pem
        chain.transport_socket.name = "envoy.transport_sockets.tls"
        chain.transport_socket.typed_config.CopyFrom(api.pack(context))
        return api.to_dict(listener)

    def get(self, path: str, name: str = "") -> int:
        context = ssl.create_default_context(cadata=self.root.cert_pem.decode())
        context.check_hostname = False
        if name:
            file = self.folder / "client.pem"
            file.write_bytes(_client(self.root, name))
            context.load_cert_chain(file)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()


def _client(root: pki.Authority, name: str) -> bytes:
    """A certificate for clients, with its key; `name` is a distinguished name as RFC 4514 writes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string(name))
        .issuer_name(x509.load_pem_x509_certificate(root.cert_pem).subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    signer = load_pem_private_key(root.key_pem, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM) + private


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("envoy"))
    try:
        while True:
            try:
                made.get("/any")
                break
            except OSError:
                assert made.process.poll() is None, (made.folder / "log").read_text()
        yield made
    finally:
        made.process.terminate()
        made.process.wait()
        made.log.close()


@pytest.mark.parametrize("path", PATTERNS)
def test_the_subject_is_searched(world: World, path: str) -> None:
    assert world.get(path, "CN=ann,O=Shop Inc.") == (200 if path in LET_IN else 403)


@pytest.mark.parametrize("path", PATTERNS)
def test_without_a_certificate_the_subject_is_empty(world: World, path: str) -> None:
    assert world.get(path) == (200 if path in WITHOUT else 403)


def test_a_name_cannot_pretend_to_be_a_subject(world: World) -> None:
    assert world.get("/exact", "CN=ann,O=Shop") == 200
    assert world.get("/exact", r"CN=ann\,O=Shop") == 403
