"""The table of resources: what changed, what may be sent, which certificate answers to an SNI."""

from __future__ import annotations

import pytest

from isthmus.machines.snapshot import Snapshot
from isthmus.xds import api
from isthmus.xds.closed import emit_closed
from isthmus.xds.resources import CLUSTER, SCOPE, SECRET, Change, Resource, version_of


def made(name: str, body: bytes, type_url: str = SCOPE) -> Change:
    return Change(type_url, name, Resource(type_url, name, body, version_of(body)))


def holding(*changes: Change) -> Snapshot:
    snapshot = Snapshot()
    snapshot.apply(changes)
    return snapshot


def judged(snapshot: Snapshot, change: Change, refusal: str = "") -> bool:
    """Apply a change and let Envoy judge it."""
    snapshot.apply([change])
    assert change.resource is not None
    if refusal:
        return snapshot.reject(change.resource, refusal)
    snapshot.accept(change.resource)
    return True


@pytest.mark.parametrize(
    ("change", "effective"),
    [
        pytest.param(made("a", b"1"), False, id="the-same"),
        pytest.param(made("a", b"2"), True, id="different"),
        pytest.param(made("b", b"1"), True, id="new"),
        pytest.param(made("a", b"1", CLUSTER), True, id="other-type"),
        pytest.param(Change(SCOPE, "a", None), True, id="gone"),
        pytest.param(Change(SCOPE, "b", None), False, id="never-was"),
    ],
)
def test_only_what_makes_a_difference_is_effective(change: Change, effective: bool) -> None:
    snapshot = holding(made("a", b"1"))
    before = snapshot.version
    assert snapshot.apply([change]) == ((change,) if effective else ())
    assert (snapshot.version != before) is effective


def test_the_version_tells_content_not_history() -> None:
    one = holding(made("a", b"1"), made("b", b"2"), made("c", b"3"))
    other = holding(made("c", b"x"), made("b", b"2"), made("d", b"4"))
    other.apply([made("c", b"3"), Change(SCOPE, "d", None), made("a", b"1")])
    assert one.version == other.version
    assert len(one.version) == 16
    assert holding(made("a", b"2"), made("b", b"1"), made("c", b"3")).version != one.version
    assert other.names(SCOPE) == ("c", "b", "a")


def test_a_refused_version_gives_way_to_the_last_accepted_one() -> None:
    snapshot = holding()
    judged(snapshot, made("a", b"1"))
    assert judged(snapshot, made("a", b"2"), "no") is True
    assert snapshot.best(SCOPE, "a") == made("a", b"1").resource
    assert snapshot.get(SCOPE, "a") == made("a", b"2").resource
    assert snapshot.rejected[SCOPE, "a"].message == "no"
    snapshot.apply([made("a", b"3")])
    assert snapshot.rejected == {}
    assert snapshot.best(SCOPE, "a") == made("a", b"3").resource


def test_a_scope_that_is_refused_and_was_never_accepted_is_closed() -> None:
    snapshot = holding()
    judged(snapshot, made("a", b"1"), "no")
    assert snapshot.best(SCOPE, "a") == emit_closed("a")


def test_anything_else_that_is_refused_and_was_never_accepted_is_not_sent() -> None:
    cluster = Change(CLUSTER, "a", Resource(CLUSTER, "a", b"1", "1"))
    snapshot = holding(cluster)
    assert cluster.resource is not None and snapshot.reject(cluster.resource, "no")
    assert snapshot.best(CLUSTER, "a") is None


def test_a_refusal_is_news_once_and_only_of_what_is_current() -> None:
    snapshot = holding(made("a", b"1"))
    old = snapshot.get(SCOPE, "a")
    assert old is not None
    snapshot.apply([made("a", b"2")])
    assert snapshot.reject(old, "too late") is False
    assert judged(snapshot, made("a", b"2"), "no") is True
    assert judged(snapshot, made("a", b"2"), "no") is False


def test_what_is_accepted_late_is_still_a_last_good() -> None:
    snapshot = holding(made("a", b"1"))
    first = snapshot.get(SCOPE, "a")
    assert first is not None
    judged(snapshot, made("a", b"2"), "no")
    snapshot.accept(first)
    assert snapshot.best(SCOPE, "a") == first


def test_what_is_gone_has_no_last_good() -> None:
    snapshot = holding()
    judged(snapshot, made("a", b"1"))
    snapshot.apply([Change(SCOPE, "a", None)])
    judged(snapshot, made("a", b"2"), "no")
    assert snapshot.closes(SCOPE, "a")


@pytest.mark.parametrize(
    ("sni", "host"),
    [
        ("a.test", "a.test"),
        ("A.Test", "a.test"),
        ("x.w.test", "*.w.test"),
        ("X.W.test", "*.w.test"),
        ("own.w.test", "own.w.test"),
        ("y.x.w.test", None),
        ("w.test", None),
        ("none.test", None),
        ("test", None),
        ("no-sni", None),
        ("", None),
    ],
)
def test_a_certificate_is_found_by_sni_and_comes_under_the_asked_name(sni: str, host: str | None) -> None:
    hosts = ("a.test", "*.w.test", "own.w.test")
    bodies = {each: api.Secret(tls_certificate={"password": {"inline_string": each}}) for each in hosts}
    snapshot = holding(*(made(each, body.SerializeToString(), SECRET) for each, body in bodies.items()))
    found = snapshot.get(SECRET, sni)
    assert found == snapshot.best(SECRET, sni)
    if host is None:
        assert found is None
    else:
        assert found is not None and found.name == sni
        message = api.Secret.FromString(found.body)
        assert (message.name, message.tls_certificate.password.inline_string) == (sni, host)
        assert found.version == version_of(bodies[host].SerializeToString())


def test_a_refused_certificate_is_refused_for_every_name_of_its_host() -> None:
    snapshot = holding(made("*.w.test", b"", SECRET))
    first = snapshot.get(SECRET, "a.w.test")
    assert first is not None
    snapshot.accept(first)
    snapshot.apply([made("*.w.test", b"\x0a\x01x", SECRET)])
    second = snapshot.get(SECRET, "b.w.test")
    assert second is not None and snapshot.reject(second, "no") is True
    assert [*snapshot.rejected] == [(SECRET, "*.w.test")]
    best = snapshot.best(SECRET, "c.w.test")
    assert best is not None and (best.name, best.version) == ("c.w.test", version_of(b""))
