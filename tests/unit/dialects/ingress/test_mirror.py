"""mirror-target and its kin: where copies go, and targets that give none."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted

from isthmus.dialects.ingress.nginx import mirror, protocol
from isthmus.dialects.ingress.nginx.mirror import FEATURE
from isthmus.ir.action import Mirror
from isthmus.ir.backend import Backend, Protocol, ServicePortRef
from isthmus.kube.objects import Meta, Service, ServicePort, ServiceSpec

TARGET, HOST, BODY = "mirror-target", "mirror-host", "mirror-request-body"
COPY = Service(metadata=Meta("copy", "shop"), spec=ServiceSpec(ports=(ServicePort(80), ServicePort(8080))))


def outside(name: str, port: int, tls: bool = False) -> Backend:
    return Backend(ServicePortRef("shop", name, port), dns=name, tls=tls)


@pytest.mark.parametrize(
    ("target", "backend"),
    [
        ("http://mirror.test$request_uri", outside("mirror.test", 80)),
        ("http://mirror.test/$request_uri", outside("mirror.test", 80)),
        ("http://mirror.test", outside("mirror.test", 80)),
        ("http://mirror.test$uri$is_args$args", outside("mirror.test", 80)),
        ("https://mirror.test:8443$request_uri", outside("mirror.test", 8443, tls=True)),
    ],
)
def test_targets(target: str, backend: Backend) -> None:
    found = drafted(FEATURE, {TARGET: target})
    assert (found.draft.mirrors, found.codes) == ((Mirror(backend, "mirror.test"),), [])


@pytest.mark.parametrize("name", ["copy", "copy.shop", "copy.shop.svc", "copy.shop.svc.cluster.local"])
def test_services_are_reached_directly(name: str) -> None:
    found = drafted(FEATURE, {TARGET: f"http://{name}:8080$request_uri"}, objects=[COPY])
    expected = Mirror(Backend(ServicePortRef("shop", "copy", 8080)), name)
    assert (found.draft.mirrors, found.codes) == ((expected,), [])


def test_hosts_and_bodies() -> None:
    found = drafted(FEATURE, {TARGET: "http://mirror.test$request_uri", HOST: "other.test:81", BODY: "off"})
    assert (found.draft.mirrors[0].host, found.codes) == ("other.test:81", ["ISTH0122"])
    assert drafted(FEATURE, {TARGET: "http://mirror.test$request_uri", BODY: "on"}).codes == []


@pytest.mark.parametrize("path", ["/", "/copies", "/copies$request_uri", "$uri", "/?u=$request_uri"])
def test_other_paths_are_said_to_differ(path: str) -> None:
    found = drafted(FEATURE, {TARGET: f"http://mirror.test{path}"})
    assert (found.draft.mirrors, found.codes) == ((Mirror(outside("mirror.test", 80), "mirror.test"),), ["ISTH0122"])


def test_grpc_goes_as_grpc() -> None:
    given = {TARGET: "http://mirror.test$request_uri", "backend-protocol": "GRPC"}
    found = drafted((protocol.FEATURE, FEATURE), given)
    assert found.draft.mirrors[0].backend.protocol is Protocol.HTTP2


@pytest.mark.parametrize(
    "value",
    [
        *(value for value in NONSENSE if value.strip()),
        "http://$host$request_uri",
        "http://$http_x$request_uri",
        "http://a.test$nothing",
        "http://127.0.0.1/",
        "http://localhost/",
        "http://169.254.169.254/latest",
        "http://nobody.shop.svc/",
        "http://copy:81/",
        "http://a.test:0/",
        "http://u:p@a.test/",
        "ftp://a.test/",
        "/mirror",
        "http://a.test/\r\nx: y",
    ],
)
def test_targets_that_cannot_be_had_give_no_copy(value: str) -> None:
    found = drafted(FEATURE, {TARGET: value}, objects=[COPY])
    assert (found.draft.mirrors, found.draft.closed, found.codes) == ((), False, ["ISTH0114"])


@pytest.mark.parametrize("value", [*NONSENSE, "a b", "a/b", "$host"])
@pytest.mark.parametrize("name", [HOST, BODY])
def test_hosts_and_switches_that_cannot_be_read_fall_back(name: str, value: str) -> None:
    found = drafted(FEATURE, {TARGET: "http://mirror.test$request_uri", name: value})
    if name == HOST and value in ("nonsense", "1e3", "nil"):
        assert found.draft.mirrors[0].host == value
    else:
        assert found.draft.mirrors == (Mirror(outside("mirror.test", 80), "mirror.test"),)
        assert found.codes == ["ISTH0114"]


@pytest.mark.parametrize(("name", "value"), [(HOST, "a.test"), (BODY, "off")])
def test_alone_they_count_for_nothing(name: str, value: str) -> None:
    found = drafted(FEATURE, {name: value})
    assert (found.draft.mirrors, found.codes) == ((), ["ISTH0150"])
    assert drafted(FEATURE, {TARGET: ""}).codes == []


def test_every_key_is_declared() -> None:
    assert FEATURE.reads == {mirror.TARGET, mirror.HOST, mirror.BODY}
