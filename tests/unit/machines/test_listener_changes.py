"""When the HTTPS listener changes, and when it does not: only where a host's own TLS does."""

from __future__ import annotations

import pytest
from client_certificates import CLIENTS, STRANGERS, authorities_secret, ingress, service
from manifests import objects, pipeline

from isthmus.kube.refs import ObjectRef
from isthmus.machines.pipeline import Pipeline, Update
from isthmus.xds import api, names
from isthmus.xds.resources import CLUSTER, LISTENER, SECRET

MUTUAL = {"auth-tls-secret": "clients"}
CA = authorities_secret("clients", ca_crt=CLIENTS.cert_pem)


def started(*texts: str) -> Pipeline:
    made = pipeline()
    made.start()
    made.apply(objects("---\n".join([service(), CA, *texts])))
    return made


def chains(update: Update) -> list[str] | None:
    """The names of the chains beside the default one; None where the listener did not change."""
    changed = [change for change in update.changes if change.type_url == LISTENER]
    if not changed:
        return None
    (change,) = changed
    assert change.resource is not None
    assert change.name == "https"
    return [chain.name for chain in api.Listener.FromString(change.resource.body).filter_chains][1:]


def test_hosts_without_tls_of_their_own_never_change_it() -> None:
    made = started(ingress("a", "a.test", {}), ingress("m", "m.test", MUTUAL))
    assert chains(made.apply(objects(ingress("b", "b.test", {})))) is None
    assert chains(made.apply((), [ObjectRef("Ingress", "default", "a")])) is None


def test_a_host_with_tls_of_its_own_comes_and_goes() -> None:
    made = started(ingress("a", "a.test", {}))
    assert chains(made.apply(objects(ingress("m", "m.test", MUTUAL)))) == ["m.test"]
    assert chains(made.apply(objects(ingress("c", "c.test", {"ssl-ciphers": "HIGH"})))) == ["c.test", "m.test"]
    assert chains(made.apply(objects(ingress("m", "m.test", {})))) == ["c.test"]
    assert chains(made.apply((), [ObjectRef("Ingress", "default", "c")])) == []


@pytest.mark.parametrize(
    "changed",
    [
        authorities_secret("clients", ca_crt=STRANGERS.cert_pem),
        ingress("m", "m.test", MUTUAL | {"auth-tls-verify-depth": "3"}),
    ],
)
def test_new_authorities_leave_it_alone(changed: str) -> None:
    made = started(ingress("m", "m.test", MUTUAL))
    update = made.apply(objects(changed))
    assert chains(update) is None
    assert [c.name for c in update.changes if c.type_url == SECRET] == [names.authorities("m.test")]


def test_authorities_go_with_the_last_wish_for_them() -> None:
    made = started(ingress("m", "m.test", MUTUAL))
    update = made.apply(objects(ingress("m", "m.test", {})))
    assert [(c.name, c.resource) for c in update.changes if c.type_url == SECRET] == [
        (names.authorities("m.test"), None)
    ]


def test_hosts_below_a_wildcard_keep_out_of_its_chain() -> None:
    made = started(ingress("below", "a.wild.test", {}), ingress("beside", "a.test", {}))
    assert chains(made.apply(objects(ingress("w", "*.wild.test", MUTUAL)))) == ["*.wild.test", "a.wild.test"]
    assert chains(made.apply(objects(ingress("deep", "a.b.wild.test", {})))) == [
        "*.wild.test",
        "a.b.wild.test",
        "a.wild.test",
    ]
    assert chains(made.apply((), [ObjectRef("Ingress", "default", "below")])) == ["*.wild.test", "a.b.wild.test"]


def test_a_cluster_for_what_is_passed_through() -> None:
    made = started()
    update = made.apply(objects(ingress("p", "p.test", {"ssl-passthrough": "true"}, tls="")))
    assert chains(update) == ["p.test"]
    assert "default/web/80/http1" in [change.name for change in update.changes if change.type_url == CLUSTER]
    gone = made.apply(objects(ingress("p", "p.test", {"ssl-passthrough": "true"}, service="other", tls="")))
    assert chains(gone) == []


def test_who_is_behind_it() -> None:
    made = started(ingress("m", "m.test", MUTUAL), ingress("a", "a.test", {}))
    origin = (ObjectRef("Ingress", "default", "m"),)
    assert made.behind(LISTENER, "https") == origin
    assert made.behind(SECRET, names.authorities("m.test")) == origin


def test_the_order_in_which_objects_come_does_not_matter() -> None:
    texts = [ingress("m", "m.test", MUTUAL), ingress("w", "*.m.test", MUTUAL), ingress("a", "a.m.test", {})]

    def last(order: list[str]) -> bytes:
        made = started()
        updates = [made.apply(objects(text)) for text in order]
        bodies = [c.resource.body for u in updates for c in u.changes if c.type_url == LISTENER and c.resource]
        return bodies[-1]

    assert last(texts) == last(texts[::-1])
