"""Clients with the cookies of affinity in a real gateway: with their endpoint, and with the canary or the main."""

from __future__ import annotations

import http.client
import http.cookies
from collections import Counter
from collections.abc import Iterator

import pytest
from gateways import SECONDS, Answer, Gateway, ask, http_echoes

_N = "nginx.ingress.kubernetes.io"
STICKY = f"{_N}/affinity: cookie"
PERSISTENT = f"{STICKY}, {_N}/affinity-mode: persistent"
ENDS = {"main": ["main-1", "main-2", "main-3"], "canary": ["canary-1", "canary-2"]}
# host -> (the main's annotations, the canary's)
HOSTS = {
    "sticky.test": (STICKY, f"{_N}/canary-weight: '50'"),
    "persistent.test": (PERSISTENT, f"{_N}/canary-weight: '50'"),
    "told.test": (STICKY, f"{_N}/canary-by-header: x-canary"),
    "legacy.test": (STICKY, f"{_N}/canary-by-header: x-canary, {_N}/affinity-canary-behavior: legacy"),
    "free.test": ("", f"{_N}/canary-weight: '50'"),
}
SERVICE = "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: 80}}]}}\n"
INGRESS = """---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{{notes}}}}}
spec:
  ingressClassName: nginx
  rules:
    - host: {host}
      http:
        paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}]
"""


def _manifests() -> Iterator[str]:
    for name in ENDS:
        yield SERVICE.format(name=name)
    for host, (main, canary) in HOSTS.items():
        name = host.partition(".")[0]
        notes = f'{_N}/canary: "true", {canary}'
        yield INGRESS.format(name=name, notes=main, host=host, service="main")
        yield INGRESS.format(name=f"{name}-canary", notes=notes, host=host, service="canary")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    file = tmp_path_factory.mktemp("stay") / "all.yaml"
    file.write_text("".join(_manifests()))
    with http_echoes(*(each for some in ENDS.values() for each in some)) as echoes:
        ends = {f"default/{name}": [echoes[each] for each in replicas] for name, replicas in ENDS.items()}
        with Gateway([file], ends) as running:
            yield running


class Client:
    """A browser, as far as cookies go; behind a proxy if it is given a connection that others use too."""

    def __init__(self, gateway: Gateway, host: str, shared: http.client.HTTPConnection | None = None) -> None:
        self._port, self._host, self._shared = gateway.http_port, host, shared
        self.cookies: http.cookies.SimpleCookie = http.cookies.SimpleCookie()

    def get(self, **headers: str) -> str:
        """Which replica answers."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={morsel.coded_value}" for name, morsel in self.cookies.items())
        answer = self._ask(sent)
        for each in answer.headers.get_all("set-cookie", ()):
            self.cookies.load(each)
        return answer.replica

    def _ask(self, headers: dict[str, str]) -> Answer:
        if self._shared is None:
            return ask(self._port, self._host, "/", headers=headers)
        self._shared.request("GET", "/", headers={"host": self._host, **headers})
        return Answer(self._shared.getresponse())


@pytest.mark.parametrize("host", ["sticky.test", "persistent.test"])
def test_each_client_of_one_connection_stays_on_an_endpoint_of_its_own(gateway: Gateway, host: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.http_port, timeout=SECONDS)
    clients = [Client(gateway, host, connection) for _ in range(100)]
    first = [each.get() for each in clients]
    assert set(first) == {each for some in ENDS.values() for each in some}
    assert [[each.get() for each in clients] for _ in range(4)] == [first] * 4
    connection.close()


def test_without_affinity_shares_are_drawn_anew(gateway: Gateway) -> None:
    client = Client(gateway, "free.test")
    assert len(Counter(client.get().partition("-")[0] for _ in range(60))) == 2
    assert not client.cookies


@pytest.mark.parametrize("word", ["always", "never"])
def test_what_a_client_got_counts_more_than_what_it_is_told(gateway: Gateway, word: str) -> None:
    client = Client(gateway, "told.test")
    got = client.get(x_canary=word)
    assert got.startswith("canary" if word == "always" else "main")
    assert {client.get(x_canary=other) for other in ("always", "never", "") for _ in range(3)} == {got}


def test_legacy_keeps_clients_of_the_main_only(gateway: Gateway) -> None:
    told = Client(gateway, "legacy.test")
    assert told.get(x_canary="always").startswith("canary")
    assert not told.cookies
    got = told.get()
    assert got.startswith("main")
    assert {told.get(x_canary="always") for _ in range(3)} == {got}


def test_the_second_cookie_is_like_the_first(gateway: Gateway) -> None:
    client = Client(gateway, "sticky.test")
    client.get()
    first, second = client.cookies["INGRESSCOOKIE"], client.cookies["INGRESSCOOKIE-canary"]
    assert dict(first) == dict(second)
    assert (first["path"], first["httponly"]) == ("/", True)
