"""Annotations about the backend in a real gateway: stickiness, hashes, retries, copies, TLS to backends, names."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

import pytest
import yaml
from client_certificates import authorities_secret
from gateways import Answer, Gateway, ask, ask_with_body, free_ports, http_echoes
from scripted_server import CLOSE, Scripted, answer, scripted
from telling_server import TellingServer, telling
from tls_http2 import files_of

from isthmus.edge import pki
from isthmus.edge.upstreams import http_echo

SERVERS, BACKENDS = pki.authority("Servers"), pki.authority("Backends")
MIDDLE = pki.authority("Middle", BACKENDS)
LOWER = pki.authority("Lower", MIDDLE)
SHOWN = pki.client(BACKENDS, "gateway")

COOKIE = {"affinity": "cookie"}
VERIFY = {
    "backend-protocol": "HTTPS",
    "proxy-ssl-verify": "on",
    "proxy-ssl-name": "backend.test",
    "proxy-ssl-secret": "backends",
}
ALWAYS = "error timeout http_503 non_idempotent"
# host -> (Service, annotations)
HOSTS: dict[str, tuple[str, dict[str, str]]] = {
    "plain": ("replicas", {}),
    "ewma": ("replicas", {"load-balance": "ewma"}),
    "balanced": ("replicas", COOKIE),
    "persistent": ("replicas", {**COOKIE, "affinity-mode": "persistent"}),
    "attributes": (
        "replicas",
        {
            **COOKIE,
            "session-cookie-name": "route",
            "session-cookie-path": "/a",
            "session-cookie-domain": "test",
            "session-cookie-samesite": "None",
            "session-cookie-secure": "true",
            "session-cookie-max-age": "3600",
        },
    ),
    "hashed": ("replicas", {"upstream-hash-by": "$http_x_user"}),
    "by-uri": ("replicas", {"upstream-hash-by": "$request_uri"}),
    "by-path": ("replicas", {"upstream-hash-by": "$uri"}),
    "by-query": ("replicas", {"upstream-hash-by": "$is_args$args"}),
    "retried": ("half-dead", {}),
    "not-retried": ("half-dead", {"proxy-next-upstream": "off"}),
    "broken-off": ("breaking", {"proxy-next-upstream": "error timeout", "proxy-next-upstream-tries": "4"}),
    "broken-off-always": ("breaking", {"proxy-next-upstream": ALWAYS, "proxy-next-upstream-tries": "4"}),
    "busy": ("busy", {"proxy-next-upstream": "error http_503", "proxy-next-upstream-tries": "2"}),
    "copied": ("replicas", {"mirror-target": "http://copies$request_uri", "mirror-host": "copy.test"}),
    "named": ("replicas", {"upstream-vhost": "inner.test"}),
    "named-by": ("replicas", {"upstream-vhost": "$http_x_user.inner.test"}),
    "prefixed": ("replicas", {"rewrite-target": "/new", "x-forwarded-prefix": "/old"}),
    "own-address": ("own-address", {"service-upstream": "true"}),
    "unverified": ("secure", {"backend-protocol": "HTTPS"}),
    "old-tls": ("secure", {"backend-protocol": "HTTPS", "proxy-ssl-protocols": "TLSv1.2"}),
    "verified": ("secure", VERIFY),
    "wrong-name": ("secure", {**VERIFY, "proxy-ssl-name": "other.test"}),
    "wrong-authority": ("secure", {**VERIFY, "proxy-ssl-secret": "strangers"}),
    "no-secret": ("secure", {**VERIFY, "proxy-ssl-secret": "missing"}),
    "one-between": ("middle", VERIFY),
    "two-between": ("lower", VERIFY),
    "shown": ("demanding", VERIFY),
    "not-shown": ("demanding", {"backend-protocol": "HTTPS", "proxy-ssl-name": "sent.test"}),
    "sni": ("demanding", {**VERIFY, "proxy-ssl-verify": "off", "proxy-ssl-server-name": "on"}),
    "as-the-client": ("secure", {"backend-protocol": "AUTO_HTTP"}),
}
PAIR = pki.leaf(SERVERS, [f"{host}.test" for host in HOSTS])
REPLICAS = ("one", "two", "three")


def _manifests(own_port: int) -> str:
    def manifest(kind: str, name: str, spec: object, version: str = "v1", **meta: object) -> str:
        return yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": {"name": name, **meta}, "spec": spec})

    services = {service for service, _ in HOSTS.values()} | {"copies"}
    objects = [manifest("Service", name, {"ports": [{"port": 80}]}) for name in services - {"own-address"}]
    objects.append(manifest("Service", "own-address", {"clusterIP": "127.0.0.1", "ports": [{"port": own_port}]}))
    for host, (service, notes) in HOSTS.items():
        port = own_port if service == "own-address" else 80
        backend = {"service": {"name": service, "port": {"number": port}}}
        path = {"path": "/", "pathType": "Prefix", "backend": backend}
        spec: dict[str, object] = {
            "ingressClassName": "nginx",
            "rules": [{"host": f"{host}.test", "http": {"paths": [path]}}],
            "tls": [{"hosts": [f"{host}.test"], "secretName": "pair"}],
        }
        keys = {f"nginx.ingress.kubernetes.io/{key}": value for key, value in notes.items()}
        keys["nginx.ingress.kubernetes.io/ssl-redirect"] = "false"
        objects.append(manifest("Ingress", host, spec, "networking.k8s.io/v1", annotations=keys))
    full = {"ca_crt": BACKENDS.cert_pem, "tls_crt": SHOWN.cert_pem, "tls_key": SHOWN.key_pem}
    objects.append(authorities_secret("backends", **full))
    objects.append(authorities_secret("strangers", ca_crt=pki.authority("Strangers").cert_pem))
    objects.append(pki.secret_manifest("default", "pair", PAIR))
    return "---\n".join(objects)


class _Demanding(BaseHTTPRequestHandler):
    """Says who the client is, by its certificate, and which name it asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.connection, ssl.SSLSocket)
        shown: Any = self.connection.getpeercert() or {}
        subject = [value for part in shown.get("subject", ()) for _, value in part]
        asked = getattr(self.connection.context, "asked", None)
        body = json.dumps({"subject": subject, "sni": asked}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Demanding)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def server_bind(self) -> None:
        """Without the look-up of a host name."""
        TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Handshakes that fail are what is tested."""


@contextlib.contextmanager
def demanding(folder: Path) -> Iterator[str]:
    """A server that talks to clients with a certificate of BACKENDS only; HOST:PORT."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files_of(pki.leaf(BACKENDS, ["backend.test"]), folder, "demanding"))
    context.load_verify_locations(cadata=BACKENDS.cert_pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED

    def named(_: ssl.SSLSocket, name: str | None, used: ssl.SSLContext) -> None:
        used.asked = name  # type: ignore[attr-defined]

    context.sni_callback = named
    server = _Quiet(context)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class World:
    """The gateway, the server that gets copies, and one that breaks off."""

    def __init__(self, gateway: Gateway, copies: TellingServer, breaking: Scripted, busy: Scripted) -> None:
        self.gateway = gateway
        self.copies = copies
        self.breaking = breaking
        self.busy = busy

    def get(self, host: str, path: str = "/", **headers: str) -> Answer:
        """One request in clear; `_` in the names of headers is a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gateway.get(f"{host}.test", path, headers=named)

    def secure(self, host: str) -> Answer:
        """One request over TLS."""
        return self.gateway.get(f"{host}.test", tls=True, ca=SERVERS.cert_pem)

    def post(self, host: str, body: bytes = b"x") -> Answer:
        """One POST in clear."""
        return ask_with_body(self.gateway.http_port, f"{host}.test", "/", body, {})


@contextlib.contextmanager
def _tls_echo(folder: Path, issuer: pki.Authority, name: str) -> Iterator[str]:
    server = http_echo.start(replica=name, tls=files_of(pki.leaf(issuer, ["backend.test"]), folder, name))
    try:
        yield server.address
    finally:
        server.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("backends")
    keys = tmp_path_factory.mktemp("keys")
    (dead,) = free_ports(1)
    with contextlib.ExitStack() as stack:
        replicas = stack.enter_context(http_echoes(*REPLICAS))
        own = stack.enter_context(http_echoes("own"))["own"]
        copies = stack.enter_context(telling(["copies"]))["copies"]
        breaking = stack.enter_context(scripted({"/": CLOSE}))
        busy = stack.enter_context(scripted({"/": answer(503)}))
        tls = {
            name: stack.enter_context(_tls_echo(keys, issuer, name))
            for name, issuer in {"secure": BACKENDS, "middle": MIDDLE, "lower": LOWER}.items()
        }
        tls["demanding"] = stack.enter_context(demanding(keys))
        (folder / "all.yaml").write_text(_manifests(int(own.rpartition(":")[2])))
        endpoints = {
            "default/replicas": list(replicas.values()),
            "default/half-dead": [replicas["one"], f"127.0.0.1:{dead}"],
            "default/breaking": [replicas["one"], f"127.0.0.1:{breaking.port}"],
            "default/busy": [f"127.0.0.1:{busy.port}", replicas["one"]],
            "default/copies": [copies.address],
            **{f"default/{name}": [address] for name, address in tls.items()},
        }
        gateway = stack.enter_context(Gateway([folder], endpoints))
        yield World(gateway, copies, breaking, busy)


def cookie_of(found: Answer) -> SimpleCookie:
    return SimpleCookie(found.headers["set-cookie"])


def seen(found: Answer) -> dict[str, Any]:
    assert found.status == 200, found.body
    shown: dict[str, Any] = json.loads(found.body)
    return shown | {"headers": {name.lower(): value for name, value in shown["headers"]}}


@pytest.mark.parametrize("host", ["plain", "ewma"])
def test_requests_are_spread(world: World, host: str) -> None:
    assert {world.get(host).replica for _ in range(60)} == set(REPLICAS)


@pytest.mark.parametrize("host", ["balanced", "persistent"])
def test_a_client_stays_on_its_endpoint(world: World, host: str) -> None:
    first = world.get(host)
    morsel = cookie_of(first)["INGRESSCOOKIE"]
    again = [world.get(host, "/other", cookie=f"a=b; INGRESSCOOKIE={morsel.value}") for _ in range(20)]
    assert {each.replica for each in again} == {first.replica}
    assert {each.headers["set-cookie"] for each in again} == {None}
    assert {world.get(host).replica for _ in range(60)} == set(REPLICAS)


@pytest.mark.parametrize("host", ["balanced", "persistent"])
def test_a_cookie_that_somebody_made_up_is_answered_all_the_same(world: World, host: str) -> None:
    for value in ("x", "MTI3LjAuMC4xOjE=", "%00", "x" * 2_000):
        assert world.get(host, cookie=f"INGRESSCOOKIE={value}").status == 200


@pytest.mark.parametrize("host", ["balanced", "persistent"])
def test_the_cookies_usual_attributes(world: World, host: str) -> None:
    morsel = cookie_of(world.get(host))["INGRESSCOOKIE"]
    assert (morsel["path"], morsel["httponly"], morsel["secure"], morsel["max-age"]) == ("/", True, "", "")


@pytest.mark.parametrize("host", ["balanced", "persistent"])
def test_the_cookie_is_secure_over_tls(world: World, host: str) -> None:
    assert cookie_of(world.secure(host))["INGRESSCOOKIE"]["secure"]


def test_the_cookies_attributes_that_are_asked_for(world: World) -> None:
    morsel = cookie_of(world.get("attributes"))["route"]
    found = [morsel[name] for name in ("path", "domain", "samesite", "max-age", "secure", "httponly")]
    assert found == ["/a", "test", "None", "3600", True, True]


def test_a_value_goes_to_one_endpoint(world: World) -> None:
    where = {}
    for user in map(str, range(40)):
        found = {world.get("hashed", f"/{n}", x_user=user).replica for n in range(3)}
        assert len(found) == 1
        where[user] = found.pop()
    assert set(where.values()) == set(REPLICAS)


def test_what_lacks_the_key_goes_to_one_endpoint(world: World) -> None:
    assert len({world.get("hashed", f"/{n}").replica for n in range(30)}) == 1


def test_a_query_goes_to_one_endpoint_whatever_the_path(world: World) -> None:
    for query in ("", "?", "?a=1", "?a=1?b"):
        assert len({world.get("by-query", f"/{n}{query}").replica for n in range(10)}) == 1
    assert len({world.get("by-query", f"/a?b={n}").replica for n in range(40)}) == len(REPLICAS)


def test_a_url_goes_to_one_endpoint(world: World) -> None:
    for path in ("/a", "/a?b=1", "/a?b=2"):
        assert len({world.get("by-uri", path).replica for _ in range(5)}) == 1
    assert len({world.get("by-uri", f"/a?b={n}").replica for n in range(40)}) == len(REPLICAS)


def test_a_path_goes_to_one_endpoint_whatever_the_query(world: World) -> None:
    assert len({world.get("by-path", f"/a?b={n}").replica for n in range(20)}) == 1
    assert len({world.get("by-path", f"/{n}").replica for n in range(40)}) == len(REPLICAS)


def test_a_dead_endpoint_is_not_noticed(world: World) -> None:
    assert {world.get("retried").status for _ in range(20)} == {200}
    assert {world.post("retried").status for _ in range(20)} == {200}  # nothing was sent to it, so it is safe


def test_without_retries_it_is(world: World) -> None:
    assert {world.get("not-retried").status for _ in range(20)} == {200, 503}


def test_what_may_have_been_acted_on_is_not_sent_again(world: World) -> None:
    assert {world.get("broken-off").status for _ in range(20)} == {200}
    received = len(world.breaking.received)
    assert {world.post("broken-off").status for _ in range(20)} == {200, 503}
    posted = [head for head in world.breaking.received[received:] if head.startswith("POST")]
    assert 0 < len(posted) <= 20
    assert {world.post("broken-off-always").status for _ in range(20)} == {200}


def test_clients_cannot_ask_for_retries(world: World) -> None:
    wanted = {"x-envoy-retry-on": "reset", "x-envoy-max-retries": "5"}
    port = world.gateway.http_port
    statuses = {ask_with_body(port, f"{host}.test", "/", b"x", wanted).status for host in ("broken-off",) * 20}
    assert statuses == {200, 503}
    assert {ask(port, "not-retried.test", headers=wanted).status for _ in range(20)} == {200, 503}


def test_backends_are_told_nothing_of_retries(world: World) -> None:
    world.get("broken-off")
    heads = [*world.breaking.received, json.dumps(seen(world.get("retried")))]
    assert not [head for head in heads if "x-envoy-retry" in head.lower()]


def test_statuses_that_are_tried_again(world: World) -> None:
    assert {world.get("busy").status for _ in range(10)} == {200}
    assert world.busy.received
    assert 503 in {world.post("busy").status for _ in range(10)}


def test_a_copy_arrives(world: World) -> None:
    port = world.gateway.http_port
    assert ask_with_body(port, "copied.test", "/a?b=c", b"both", {}).replica in REPLICAS
    (copy,) = world.copies.seen("/a?b=c", 1)
    assert (copy["method"], copy["body"], copy["headers"]["host"]) == ("POST", "both", "copy.test")


def test_names_of_backends(world: World) -> None:
    assert seen(world.get("named"))["headers"]["host"] == "inner.test"
    assert seen(world.get("named-by", x_user="ada"))["headers"]["host"] == "ada.inner.test"
    assert seen(world.get("plain"))["headers"]["host"] == "plain.test"


def test_the_prefix_that_a_rewrite_took(world: World) -> None:
    shown = seen(world.get("prefixed", "/old/x"))
    assert (shown["path"], shown["headers"]["x-forwarded-prefix"]) == ("/new", "/old")


def test_the_services_own_address(world: World) -> None:
    assert world.get("own-address").replica == "own"


def test_tls_to_backends(world: World) -> None:
    assert seen(world.get("unverified"))["tls"] == "TLSv1.3"
    assert seen(world.get("old-tls"))["tls"] == "TLSv1.2"
    assert seen(world.get("verified"))["tls"] == "TLSv1.3"


@pytest.mark.parametrize("host", ["wrong-name", "wrong-authority", "no-secret"])
def test_backends_that_are_not_the_right_ones_get_nothing(world: World, host: str) -> None:
    assert world.get(host).status == 503


def test_certificates_between(world: World) -> None:
    assert world.get("one-between").status == 200
    assert world.get("two-between").status == 200  # Envoy does not count them


def test_the_certificate_that_the_gateway_shows(world: World) -> None:
    assert json.loads(world.get("shown").body)["subject"] == ["gateway"]
    assert world.get("not-shown").status == 503
    assert json.loads(world.get("sni").body) == {"subject": ["gateway"], "sni": "backend.test"}


def test_backends_that_are_spoken_to_as_the_client_speaks(world: World) -> None:
    assert seen(world.secure("as-the-client"))["tls"] == "TLSv1.3"
    assert world.get("as-the-client").status in (502, 503)  # this one speaks TLS only


def test_nothing_is_wrong_but_what_was_made_so(world: World) -> None:
    events = [event for event in world.gateway.events if event["event"] == "diagnostic"]
    wrong = {(event["code"], event["object"]["name"]) for event in events if event["severity"] == "error"}
    assert wrong == {("ISTH0125", "no-secret")}


def test_spreads_over_tls_too(world: World) -> None:
    found = {ask(world.gateway.https_port, "plain.test", tls=True, ca=SERVERS.cert_pem).replica for _ in range(30)}
    assert found == set(REPLICAS)
