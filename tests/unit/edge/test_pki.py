"""The little authority: judged by a real TLS handshake, as clients judge it."""

from __future__ import annotations

import base64
import ssl

import pytest
import yaml

from isthmus.edge.pki import Authority, Pair, authority, leaf, secret_manifest


@pytest.fixture(scope="module")
def root() -> Authority:
    return authority("Test root")


def handshake(root: Authority, pair: Pair, host: str, tmp_path) -> ssl.SSLObject:
    """Client and server in memory: no socket, the same checks."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(pair.cert_pem)
    key.write_bytes(pair.key_pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(chain, key)
    trusting = ssl.create_default_context(cadata=root.cert_pem.decode())
    trusting.hostname_checks_common_name = False  # as browsers, Go and curl do
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    client = trusting.wrap_bio(to_client, to_server, server_hostname=host)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client


@pytest.mark.parametrize("host", ["demo.example.com", "a.wild.example.com", "127.0.0.1", "::1"])
def test_a_client_accepts_each_name_of_the_certificate(root, host, tmp_path):
    pair = leaf(root, ["demo.example.com", "*.wild.example.com", "127.0.0.1", "::1"])
    assert handshake(root, pair, host, tmp_path).version() == "TLSv1.3"


def test_another_name_is_refused(root, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError, match="match"):
        handshake(root, leaf(root, ["demo.example.com"]), "other.example.com", tmp_path)


def test_the_common_name_alone_is_refused(root, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError, match="match"):
        handshake(root, leaf(root, ["demo.example.com"], with_san=False), "demo.example.com", tmp_path)


@pytest.mark.parametrize("days", [0, -30])
def test_an_expired_certificate_is_refused(root, days, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(root, leaf(root, ["demo.example.com"], days=days), "demo.example.com", tmp_path)


def test_another_authority_of_the_same_name_is_refused(root, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(authority("Test root"), leaf(root, ["demo.example.com"]), "demo.example.com", tmp_path)


def test_a_chain_leads_from_the_leaf_to_the_root(root, tmp_path):
    issuing = authority("Test issuing", issuer=authority("Test middle", issuer=root))
    pair = leaf(issuing, ["demo.example.com"])
    assert pair.cert_pem.count(b"BEGIN CERTIFICATE") == 3
    assert handshake(root, pair, "demo.example.com", tmp_path).version() == "TLSv1.3"


def test_the_secret_holds_the_pair(root):
    pair = leaf(root, ["demo.example.com"])
    secret = yaml.safe_load(secret_manifest("shop", "web-tls", pair))
    assert (secret["kind"], secret["type"]) == ("Secret", "kubernetes.io/tls")
    assert secret["metadata"] == {"namespace": "shop", "name": "web-tls"}
    assert base64.b64decode(secret["data"]["tls.crt"]) == pair.cert_pem
    assert base64.b64decode(secret["data"]["tls.key"]) == pair.key_pem


def test_keys_stay_out_of_messages(root):
    assert "PRIVATE" not in f"{root!r} {leaf(root, ['a.example.com'])!r}"
