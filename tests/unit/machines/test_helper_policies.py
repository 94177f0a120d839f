"""Which policies the authorization helper is given: those of live routes, once each, and whether it is needed."""

from __future__ import annotations

import pytest
from htpasswd_hashes import HASHES
from manifests import objects, pipeline, tls_secret

from isthmus.edge import pki
from isthmus.ir.authorization import digest
from isthmus.ir.template import Of, Variable
from isthmus.kube.objects import Meta, Secret
from isthmus.kube.refs import ObjectRef
from isthmus.machines.pipeline import Pipeline
from isthmus.machines.snapshot import Snapshot

WORLD = f"""
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: v1
kind: Secret
metadata: {{name: users}}
stringData: {{auth: "ann:{HASHES["apr1"]}"}}
"""


def ingress(name: str, host: str, **annotations: str) -> str:
    said = "".join(f"\n    nginx.ingress.kubernetes.io/{key}: {value!r}" for key, value in annotations.items())
    return f"""
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  annotations:{said or " {}"}
spec:
  ingressClassName: nginx
  rules:
  - host: {host}
    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}
"""


BASIC = {"auth-type": "basic", "auth-secret": "users"}


@pytest.fixture
def made() -> Pipeline:
    found = pipeline()
    found.apply(objects(WORLD))
    return found


def test_policies_come_and_go_with_their_routes(made: Pipeline) -> None:
    assert (made.authorizations(), made.needs_helper) == ({}, False)
    made.apply(objects(ingress("a", "a.test", **BASIC)))
    made.apply(objects(ingress("b", "b.test", **BASIC)))
    made.apply(objects(ingress("c", "c.test")))
    found = made.authorizations()
    assert len(found) == 2  # one for each object, whose places are different
    assert {digest(each) for each in found.values()} == set(found)
    assert made.needs_helper
    made.apply((), [ObjectRef("Ingress", "default", "a")])
    made.apply(objects(ingress("b", "b.test")))
    assert (made.authorizations(), made.needs_helper) == ({}, False)


def test_hosts_of_one_object_share_a_policy(made: Pipeline) -> None:
    made.apply(objects(ingress("a", "a.test", **BASIC)))
    before = made.authorizations()
    made.apply(objects(ingress("a", "b.test", **BASIC)))
    assert made.authorizations() == before


def test_a_changed_secret_is_another_policy(made: Pipeline) -> None:
    made.apply(objects(ingress("a", "a.test", **BASIC)))
    before = made.authorizations()
    made.apply(objects(WORLD.replace("ann:", "bob:")))
    after = made.authorizations()
    assert len(after) == 1
    assert not before.keys() & after.keys()


def test_the_server_that_authorizes_is_told_about_the_clients_certificate(made: Pipeline) -> None:
    root = pki.authority("Root")
    pair = pki.leaf(root, ["a.test"])
    authorities = Secret(metadata=Meta("ca", "default"), string_data={"ca.crt": root.cert_pem.decode()})
    made.apply([tls_secret("cert", pair.cert_pem, pair.key_pem), authorities])
    asked = {"auth-url": "http://web/check", "auth-tls-secret": "default/ca", "auth-tls-match-cn": "CN=ann"}
    secure = ingress("a", "a.test", **asked).replace(
        "  rules:", "  tls: [{hosts: [a.test], secretName: cert}]\n  rules:"
    )
    made.apply(objects(secure))
    (policy,) = made.authorizations().values()
    assert policy.question is not None
    told = dict(policy.question.set_headers)
    assert told["ssl-client-verify"] == ("SUCCESS",)
    assert told["ssl-client-subject-dn"] == (Variable(Of.CERTIFICATE_SUBJECT),)
    assert policy.common_name == "CN=ann"


def test_counting_needs_the_helper_too(made: Pipeline) -> None:
    made.apply(objects(ingress("a", "a.test", **{"limit-connections": "1"})))
    assert (made.authorizations(), made.needs_helper) == ({}, True)
    made.apply(objects(ingress("a", "a.test")))
    assert not made.needs_helper


def test_policies_of_a_wildcard_host_stay_as_long_as_what_takes_their_place_is_refused(made: Pipeline) -> None:
    snapshot = Snapshot()
    snapshot.apply(made.apply(objects(ingress("a", "'*.test'", **BASIC))).changes)
    for each in snapshot.all():
        snapshot.accept(each)
    made.wild.judged(snapshot)
    before = made.authorizations()
    snapshot.apply(made.apply(objects(ingress("a", "'*.test'"))).changes)
    assert before and not made.authorizations()
    for each in snapshot.all():
        snapshot.reject(each, "no")
    made.wild.judged(snapshot)
    assert (made.authorizations(), made.needs_helper) == (before, True)
