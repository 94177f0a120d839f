"""Who may use a path, through the real gateway: passwords, other servers' word, and its helper."""

from __future__ import annotations

import base64
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from auth_server import AuthServer, auth_server
from gateways import Answer, Gateway, greeters, http_echoes, save

BCRYPT = "$2y$05$R6KmWoDsCr8cSI1U5dXKf.cLNM0xEo.i/m5Z6vAZ7zBI6jNHKhylO"
HOST = "auth.test"


def ingress(name: str, path: str, host: str = HOST, service: str = "echo", **annotations: str) -> str:
    said = "".join(
        f"    nginx.ingress.kubernetes.io/{key.replace('_', '-')}: {json.dumps(value)}\n"
        for key, value in annotations.items()
    )
    return f"""---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  annotations:
{said or '    none: ""'}
spec:
  ingressClassName: nginx
  rules:
  - host: {host}
    http:
      paths:
      - path: {path}
        pathType: Prefix
        backend: {{service: {{name: {service}, port: {{number: 80}}}}}}
"""


def service(name: str, protocol: str = "http") -> str:
    return f"""---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{port: 80, appProtocol: {protocol}}}]}}
"""


def secret(name: str, **data: str) -> str:
    lines = "".join(f"  {key}: {json.dumps(value)}\n" for key, value in data.items())
    return f"---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData:\n{lines}"


def basic(name: str = "users", **more: str) -> dict[str, str]:
    return {"auth_type": "basic", "auth_secret": name, "auth_realm": 'Say "friend"', **more}


def manifests() -> str:
    to = "http://auth.default.svc.cluster.local"
    signin = {"auth_signin": "https://login.test/start"}
    kept = {"auth_url": "http://mortal/token?x-user=kept", "auth_cache_key": "$cookie_token"}
    passed = {"auth_response_headers": "X-User, X-Absent"}
    return "".join(
        (
            *map(service, ("echo", "auth", "mortal")),
            service("greet", "grpc"),
            secret("users", auth=f"ann:{BCRYPT}\nbob:plain\n"),
            secret("mapped", ann=BCRYPT),
            ingress("open", "/open"),
            ingress("basic", "/basic", **basic(enable_cors="true")),
            ingress("mapped", "/mapped", **basic("mapped", auth_secret_type="auth-map")),
            ingress("lost", "/lost", **basic("nobody")),
            ingress("url", "/url", auth_url=f"{to}/200?x-user=ann&set-cookie=a%3D1&set-cookie=b%3D2", **passed),
            ingress("always", "/always", auth_url=f"{to}/200?set-cookie=a%3D1", auth_always_set_cookie="true"),
            ingress("signin", "/signin", auth_url=f"{to}/401?set-cookie=c%3D3", **signin),
            ingress("plain", "/plain", auth_url=f"{to}/401?www-authenticate=Bearer"),
            ingress("forbidden", "/forbidden", auth_url=f"{to}/403"),
            ingress("failing", "/failing", auth_url=f"{to}/503"),
            ingress("redirecting", "/redirecting", auth_url=f"{to}/302?location=/x"),
            ingress("malformed", "/malformed", auth_url="not a url"),
            ingress("headers", "/headers", auth_url=f"{to}/200/$escaped_request_uri", auth_method="POST"),
            ingress("own", "/own", auth_url="http://$host/200?x-user=own", **passed),
            ingress("own-tls", "/own-tls", auth_url="https://$host/200?x-user=own", **passed),
            ingress("own-server", "/200", service="auth"),
            ingress("loop", "/loop", auth_url="http://$host/loop"),
            ingress("any", "/any", **basic(satisfy="any", auth_url=f"{to}/token", **signin)),
            ingress("any-near", "/any-near", **basic(satisfy="any", allowlist_source_range="127.0.0.0/8")),
            ingress("any-far", "/any-far", **basic(satisfy="any", allowlist_source_range="10.0.0.0/8")),
            ingress("all-far", "/all-far", **basic(allowlist_source_range="10.0.0.0/8")),
            ingress("kept", "/kept", **kept, **passed),
            ingress("kept-too", "/kept-too", **kept),
            ingress("kept-there", "/kept", "there.test", **kept),
            ingress("grpc", "/", "grpc.test", "greet", **basic(satisfy="any", auth_url=f"{to}/401", **signin)),
        )
    )


class World:
    """The gateway, the authorization server that lives and the one that does not, and the manifests' file."""

    def __init__(self, gateway: Gateway, server: AuthServer, mortal: AuthServer, file: Path) -> None:
        self.gateway, self.server, self.mortal, self.file = gateway, server, mortal, file

    def get(self, path: str, host: str = HOST, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gateway.get(host, path, headers=named)

    def asked(self, start: str) -> tuple[str, str, dict[str, str]]:
        """The last question whose target begins so."""
        return next(each for each in reversed(self.server.asked) if each[1].startswith(start))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    file = tmp_path_factory.mktemp("manifests") / "all.yaml"
    file.write_text(manifests())
    with http_echoes("echo") as echoes, greeters("greet") as greets, auth_server() as server, auth_server() as mortal:
        addresses = {
            "default/echo:80": [echoes["echo"]],
            "default/greet:80": [greets["greet"]],
            "default/auth:80": [server.address],
            "default/mortal:80": [mortal.address],
        }
        with Gateway([file.parent], addresses) as gateway:
            yield World(gateway, server, mortal, file)


def password(value: str, user: str = "ann") -> str:
    return "Basic " + base64.b64encode(f"{user}:{value}".encode()).decode()


def seen(answer: Answer) -> dict[str, str]:
    """The headers that the backend got."""
    headers: list[tuple[str, str]] = json.loads(answer.body)["headers"]
    return {name.lower(): value for name, value in headers}


@pytest.mark.parametrize("path", ["/basic", "/mapped"])
def test_a_password_lets_in_and_goes_no_further(world: World, path: str) -> None:
    nobody = world.get(path)
    assert (nobody.status, nobody.headers["www-authenticate"]) == (401, r'Basic realm="Say \"friend\""')
    given = world.get(path, authorization=password("s3cret"))
    assert (given.status, "authorization" in seen(given)) == (200, False)
    wrong = (password("wrong"), password("s3cret", "eve"), password("plain", "bob"), "Basic", "Bearer x", "Basic %%%")
    assert {world.get(path, authorization=each).status for each in wrong} == {401}
    assert world.get("/open").status == 200
    assert world.get(path, HOST.upper()).status == 401
    assert world.get(path, HOST.upper(), authorization=password("s3cret")).status == 200


def test_a_missing_secret_closes_the_path_until_it_is_there(world: World) -> None:
    assert world.get("/lost", authorization=password("s3cret")).status == 503
    before = world.file.read_text()
    save(world.file, before + secret("nobody", auth=f"ann:{BCRYPT}"))
    world.gateway.wait("applied")
    assert world.get("/lost").status == 401
    assert world.get("/lost", authorization=password("s3cret")).status == 200
    save(world.file, before)
    world.gateway.wait("applied")
    assert world.get("/lost", authorization=password("s3cret")).status == 503


def test_pages_of_other_origins_can_read_that_a_password_is_needed(world: World) -> None:
    answer = world.get("/basic", origin="https://page.test")
    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] in ("*", "https://page.test")


def test_another_server_lets_in_and_names_the_user(world: World) -> None:
    answer = world.get("/url", x_user="mallory", x_absent="mallory")
    assert (answer.status, seen(answer)["x-user"], "x-absent" in seen(answer)) == (200, "ann", False)
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]


def test_cookies_go_with_errors_only_where_they_always_do(world: World) -> None:
    assert world.get("/url?status=500").headers.get_all("set-cookie") is None
    assert world.get("/always?status=500").headers.get_all("set-cookie") == ["a=1"]
    assert world.get("/always").headers.get_all("set-cookie") == ["a=1"]


def test_who_is_not_known_is_sent_to_sign_in(world: World) -> None:
    answer = world.get("/signin?a=b&c")
    expected = f"https://login.test/start?rd=http://{HOST}%2Fsignin%3Fa%3Db%26c"
    assert (answer.status, answer.headers["location"], answer.headers["set-cookie"]) == (302, expected, "c=3")


def test_what_the_server_answers_is_what_the_client_gets(world: World) -> None:
    plain = world.get("/plain")
    assert (plain.status, plain.headers["www-authenticate"]) == (401, "Bearer")
    statuses = {path: world.get(path).status for path in ("/forbidden", "/failing", "/redirecting", "/malformed")}
    assert statuses == {"/forbidden": 403, "/failing": 500, "/redirecting": 500, "/malformed": 503}


def test_what_the_server_is_asked(world: World) -> None:
    spoofed = {"x_forwarded_for": "6.6.6.6", "x_forwarded_proto": "https", "x_forwarded_host": "evil", "x_real_ip": "6"}
    answer = world.get("/headers?x=1", cookie="a=b", x_isthmus_cluster="other", x_isthmus_question="1", **spoofed)
    method, target, headers = world.asked("/200/%2Fheaders")
    assert (answer.status, method, target) == (200, "POST", "/200/%2Fheaders%3Fx%3D1")
    assert {name: headers.get(name) for name in ("host", "cookie", "x-original-url", "x-original-method")} == {
        "host": "auth.default.svc.cluster.local",
        "cookie": "a=b",
        "x-original-url": f"http://{HOST}/headers?x=1",
        "x-original-method": "GET",
    }
    assert headers["x-auth-request-redirect"] == "/headers?x=1"
    assert (headers["x-real-ip"], headers["x-forwarded-for"]) == ("127.0.0.1", "127.0.0.1")
    gone = {"x-forwarded-proto", "x-forwarded-host", "x-isthmus-cluster", "x-isthmus-question", "x-envoy-internal"}
    assert not gone & headers.keys()


def test_the_gateway_itself_can_be_asked_but_not_without_end(world: World) -> None:
    assert seen(world.get("/own"))["x-user"] == "own"
    assert seen(world.get("/own-tls"))["x-user"] == "own"  # the host has no TLS here; a proxy before us may give it
    assert world.get("/loop").status == 500


def test_one_way_in_suffices(world: World) -> None:
    assert world.get("/any").status == 302
    assert world.get("/any", cookie="token=right").status == 200
    assert world.get("/any", authorization=password("s3cret")).status == 200
    assert (world.get("/any-near").status, world.get("/any-far").status) == (200, 401)
    assert world.get("/any-far", authorization=password("s3cret")).status == 200
    assert world.get("/any-far", x_forwarded_for="10.0.0.1").status == 401
    assert world.get("/all-far", authorization=password("s3cret")).status == 403


def _say_hello(port: int, metadata: tuple[tuple[str, str], ...] = ()) -> grpc.StatusCode:
    options = (("grpc.default_authority", "grpc.test"),)
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        try:
            channel.unary_unary("/helloworld.Greeter/SayHello")(b"", timeout=20, metadata=metadata)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
        return grpc.StatusCode.OK


def test_grpc_callers_get_a_status_and_no_redirect(world: World) -> None:
    port = world.gateway.http_port
    assert _say_hello(port) is grpc.StatusCode.UNAUTHENTICATED
    assert _say_hello(port, (("authorization", password("s3cret")),)) is grpc.StatusCode.OK


def test_a_verdict_outlives_its_server_for_its_own_place_only(world: World) -> None:
    mine = {"cookie": "token=right"}
    assert seen(world.get("/kept", **mine))["x-user"] == "kept"
    world.mortal.stop()
    assert seen(world.get("/kept", **mine))["x-user"] == "kept"
    assert world.get("/kept", cookie="token=other").status == 500
    assert world.get("/kept-too", **mine).status == 500
    assert world.get("/kept", "there.test", **mine).status == 500


def test_without_its_helper_nobody_gets_in_and_it_is_back_at_once(world: World) -> None:
    given = {"authorization": password("s3cret")}
    killed = time.monotonic()
    os.kill(world.gateway.pid("helper-started"), signal.SIGKILL)
    world.gateway.wait("helper-ended")
    assert world.get("/basic").status in {503, 401}  # the latter if it is back already
    assert world.get("/open").status == 200
    world.gateway.wait("helper-live")
    while (status := world.get("/basic", **given).status) == 503:  # Envoy tries to connect again every few ms
        assert time.monotonic() - killed < 20
    assert (status, world.get("/basic").status) == (200, 401)


def test_a_first_password_costs_no_request(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(service("echo") + ingress("open", "/"))
    with http_echoes("echo") as echoes, Gateway([file], {"default/echo:80": [echoes["echo"]]}) as gateway:
        assert gateway.get(HOST).status == 200
        save(file, service("echo") + secret("users", auth=f"ann:{BCRYPT}\n") + ingress("basic", "/", **basic()))
        while (status := gateway.get(HOST).status) == 200:
            pass  # until the helper has started
        assert status == 401
