"""TLS of single hosts in a real Envoy: connections that are passed through, and ciphers."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_certificates import SERVERS, ask, handshake, ingress, over, service
from gateways import SECONDS, Gateway, http_echoes, save, trusting
from tls_http2 import files_of

from isthmus.edge import pki

BACKEND = pki.authority("Backend")
AES128, AES256 = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"
OLD = "ECDHE-ECDSA-AES256-SHA"
HOSTS = {
    "plain.test": {},
    "strict.test": {"ssl-ciphers": f"DHE-RSA-AES256-SHA256:{AES256}"},
    "ours.test": {"ssl-ciphers": f"{AES256}:{AES128}"},
    "theirs.test": {"ssl-ciphers": f"{AES256}:{AES128}", "ssl-prefer-server-ciphers": "off"},
    "old.test": {"ssl-ciphers": "HIGH:!AESGCM:!CHACHA20"},
    "all.test": {"ssl-ciphers": "ALL"},
    "none.test": {"ssl-ciphers": "DHE-RSA-AES256-SHA256"},
    "both.test": {"ssl-passthrough": "true", "whitelist-source-range": "10.0.0.0/8"},
}


@contextlib.contextmanager
def tls_echo(folder: Path) -> Iterator[str]:
    """A server with a certificate of its own for passed.test, which says back what it hears; HOST:PORT."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files_of(pki.leaf(BACKEND, ["passed.test", "a.below.test"]), folder))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(plain: socket.socket) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
                while heard := connection.recv(4096):
                    connection.sendall(heard)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Path]]:
    folder = tmp_path_factory.mktemp("manifests")
    pair = pki.leaf(SERVERS, [*HOSTS, "b.below.test", "passed.test"])
    objects = [service(), service("secret"), pki.secret_manifest("default", "pair", pair)]
    objects += [ingress(f"i{number}", host, asked) for number, (host, asked) in enumerate(HOSTS.items())]
    passing = {"ssl-passthrough": "true"}
    objects += [ingress("passed", "passed.test", passing, service="secret", tls="")]
    objects += [ingress("wild", "*.below.test", passing, service="secret", tls=""), ingress("b", "b.below.test", {})]
    (folder / "web.yaml").write_text("---\n".join(objects))
    with tls_echo(tmp_path_factory.mktemp("keys")) as echo, http_echoes("web") as addresses:
        endpoints = {"default/web": list(addresses.values()), "default/secret": [echo]}
        with Gateway([folder], endpoints) as gateway:
            yield gateway, folder


@pytest.fixture
def gateway(served: tuple[Gateway, Path]) -> Gateway:
    return served[0]


def passed(port: int, sni: str) -> ssl.SSLSocket:
    """A connection to the backend itself: only its authority is trusted."""
    context = trusting(BACKEND.cert_pem)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), SECONDS), server_hostname=sni)


@pytest.mark.parametrize("sni", ["passed.test", "a.below.test", "PASSED.test"])
def test_the_client_speaks_with_the_backend_itself(gateway: Gateway, sni: str) -> None:
    with passed(gateway.https_port, sni) as connection:
        connection.sendall(b"no HTTP at all")
        assert connection.recv(100) == b"no HTTP at all"


def test_a_host_below_a_wildcard_that_is_passed_through_is_decrypted(gateway: Gateway) -> None:
    assert ask(gateway.https_port, "b.below.test").replica == "web"


def test_nobody_comes_in_by_another_hosts_connection(gateway: Gateway) -> None:
    with handshake(gateway.https_port, "plain.test") as connection:
        assert [over(connection, host).status for host in ("passed.test", "plain.test")] == [421, 200]


def test_what_cannot_be_checked_is_not_passed_through(gateway: Gateway) -> None:
    assert ask(gateway.https_port, "both.test").status == 503
    assert "ISTH0123" in gateway.diagnostics()


def test_an_open_connection_outlives_other_hosts_changes(served: tuple[Gateway, Path]) -> None:
    gateway, folder = served
    with passed(gateway.https_port, "passed.test") as connection:
        connection.sendall(b"1")
        assert connection.recv(1) == b"1"
        save(folder / "late.yaml", ingress("late", "late.test", {"ssl-ciphers": AES128}))
        gateway.wait("applied")
        connection.sendall(b"2")
        assert connection.recv(1) == b"2"


@pytest.mark.parametrize(
    ("host", "offered", "taken"),
    [
        ("plain.test", AES128, AES128),
        ("strict.test", AES256, AES256),
        ("strict.test", AES128, ""),
        ("ours.test", f"{AES128}:{AES256}", AES256),
        ("theirs.test", f"{AES128}:{AES256}", AES128),
        ("plain.test", OLD, ""),
        ("old.test", OLD, OLD),
        ("all.test", OLD, OLD),
        ("all.test", AES128, AES128),
        ("old.test", AES256, ""),
    ],
)
def test_ciphers(gateway: Gateway, host: str, offered: str, taken: str) -> None:
    if not taken:
        with pytest.raises(ssl.SSLError):
            handshake(gateway.https_port, host, ciphers=offered)
        return
    with handshake(gateway.https_port, host, ciphers=offered) as connection:
        assert (connection.cipher() or ("",))[0] == taken
        assert over(connection, host).status == 200


def test_a_list_that_leaves_nothing_closes_the_host(gateway: Gateway) -> None:
    assert ask(gateway.https_port, "none.test").status == 503
