"""Security annotations: absent, valid, unreadable, with what they name missing, and against another object of the host.

Whatever is said, a path is never more open than its author asked. What closes a path answers 503.
"""

from __future__ import annotations

import pytest
from annotation_samples import HOST, NONSENSE, RESTRICTING, Sample, controller_of, ingress, routes, translated
from manifests import codes
from msgspec import Struct
from msgspec.structs import asdict, replace

from isthmus.dialects.dialect import Translation
from isthmus.dialects.ingress.nginx import VOCABULARY as NGINX
from isthmus.dialects.ingress.nginx_org import VOCABULARY as NGINX_ORG
from isthmus.ir.action import Forward, Respond
from isthmus.ir.host import Route
from isthmus.kube.objects import Ingress

KNOWN = {**NGINX.known, **NGINX_ORG.known}


def restricts(key: str) -> bool:
    return key in KNOWN and KNOWN[key].restricts


SAMPLES = [pytest.param(key, sample, id=key) for key, sample in RESTRICTING.items() if restricts(key)]
NAMING = [pytest.param(key, s, id=key) for key, s in RESTRICTING.items() if restricts(key) and s.reads is not None]

# Values that look like nonsense and are none. With nothing some ask for nothing, or for the default.
_NOTHING = {"", " "}
MEANT = {
    "custom-headers": _NOTHING,
    "auth-url": {""},
    "auth-method": {""},
    "auth-proxy-set-headers": _NOTHING,
    "auth-response-headers": {*_NOTHING, "-1", "1e3"},  # names of headers
    "auth-cache-duration": _NOTHING,
    "auth-snippet": _NOTHING,
    "configuration-snippet": _NOTHING,
    "server-snippet": _NOTHING,
    "stream-snippet": _NOTHING,
    "location-snippets": _NOTHING,
    "server-snippets": _NOTHING,
    "jwt-token": _NOTHING,
    "proxy-ssl-name": {"1e3"},  # a host name
    "limit-req-key": {*_NOTHING, "-1", "nonsense;", "1e3", "٣", "{", "10.0.0.0/99"},  # one bucket for everybody
}


def web(annotations: dict[str, str], key: str = "") -> Ingress:
    return ingress("web", "/", annotations, of=controller_of(key), tls=key in RESTRICTING and RESTRICTING[key].tls)


def closed(found: Translation, name: str = "web") -> bool:
    """Whether every route of an object answers 503."""
    mine = routes(found).get(name, [])
    return bool(mine) and all(isinstance(route.action, Respond) and route.action.status == 503 for route in mine)


def asked(route: Route) -> tuple[object, ...]:
    """Everything about a route that keeps somebody out or protects what is sent."""
    policy = route.policy
    trust = route.action.backend.trust if isinstance(route.action, Forward) else None
    limits = (policy.limits, policy.concurrency, policy.answer_bytes_per_s)
    return (policy.sources, policy.authorization, *limits, route.match.certificate, trust)


def test_every_restricting_annotation_is_tried() -> None:
    assert {key for key, known in KNOWN.items() if known.restricts} <= RESTRICTING.keys()


def test_absent_is_open() -> None:
    found = translated(web({}))
    (route,) = routes(found)["web"]
    assert isinstance(route.action, Forward)
    assert asked(route) == (None, None, (), None, 0, None, None)


@pytest.mark.parametrize(("key", "sample"), SAMPLES)
def test_valid_is_stricter_than_absent(key: str, sample: Sample) -> None:
    found = translated(web({**sample.beside, key: sample.value}, key))
    open_to_all = translated(web({}, key))
    assert closed(found) or replace(found, diagnostics=()) != replace(open_to_all, diagnostics=())


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: ascii(value)[:14])
@pytest.mark.parametrize(("key", "sample"), SAMPLES)
def test_what_cannot_be_read_closes(key: str, sample: Sample, value: str) -> None:
    found = translated(web({**sample.beside, key: value}, key))
    if value in MEANT.get(key.partition("/")[2], ()):
        without = translated(web({each: text for each, text in sample.beside.items() if each != key}, key))
        for route, reference in zip(routes(found)["web"], routes(without)["web"], strict=True):
            assert all(part or not wanted for part, wanted in zip(asked(route), asked(reference), strict=True))
        return
    assert closed(found), found
    assert found.diagnostics


@pytest.mark.parametrize(("key", "sample"), NAMING)
def test_what_names_an_object_that_is_not_there_closes(key: str, sample: Sample) -> None:
    annotations = {**sample.beside, key: sample.value}
    found = translated(web(annotations, key), without=sample.reads)
    assert closed(found)
    assert "ISTH0125" in codes(found.diagnostics)
    assert not closed(translated(web(annotations, key))), "and the object is what it takes"


@pytest.mark.parametrize(("key", "sample"), NAMING)
def test_an_object_of_another_namespace_closes(key: str, sample: Sample) -> None:
    assert closed(translated(web({**sample.beside, key: "elsewhere/users"}, key)))


@pytest.mark.parametrize("age", ["2025-01-01", "2027-01-01"], ids=["older", "younger"])
@pytest.mark.parametrize(("key", "sample"), SAMPLES)
def test_another_object_of_the_host_opens_nothing(key: str, sample: Sample, age: str) -> None:
    mine = web({**sample.beside, key: sample.value}, key)
    alone = translated(mine)
    other = ingress("other", "/other", {}, age, controller_of(key))
    together = translated(mine, other)
    if closed(alone):
        assert closed(together)
        return
    before, after = routes(alone)["web"], routes(together)["web"]
    assert {asked(route) for route in before} == {asked(route) for route in after}
    for field in set(alone.__struct_fields__) - {"hosts", "services", "diagnostics"}:
        said, still = getattr(alone, field), getattr(together, field)
        if not isinstance(said, tuple):
            assert said == still, field
            continue
        kept = [_without_origin(each) for each in still]
        assert all(_without_origin(each) in kept for each in said), field


def _without_origin(node: Struct) -> dict[str, object]:
    return {name: value for name, value in asdict(node).items() if name != "origin"}


@pytest.mark.parametrize(("key", "sample"), SAMPLES)
def test_the_oldest_object_keeps_a_path_and_what_it_asks(key: str, sample: Sample) -> None:
    mine = web({**sample.beside, key: sample.value}, key)
    double = ingress("other", "/", {}, "2027-01-01", controller_of(key))
    found = translated(mine, double)
    assert "other" not in {name for name, mine in routes(found).items() if any(r.match.path.path == "/" for r in mine)}
    if closed(translated(mine)):
        assert closed(found)


@pytest.mark.parametrize(("key", "sample"), SAMPLES)
def test_two_objects_that_ask_differently_each_get_what_they_ask(key: str, sample: Sample) -> None:
    mine = web({**sample.beside, key: sample.value}, key)
    broken = ingress("other", "/other", {**sample.beside, key: "\x00"}, "2025-01-01", controller_of(key))
    found = translated(mine, broken)
    assert closed(found, "other")
    if not closed(found):
        assert {asked(route) for route in routes(found)["web"]} == {
            asked(route) for route in routes(translated(mine))["web"]
        }


def test_the_world_is_about_one_host() -> None:
    assert all(config.host == HOST for config in translated(web({})).hosts)
